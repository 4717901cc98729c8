//! A thousand instances wait, and their callbacks come in any order: some before the wait, some twice, some twice with different ids,
//! while the engine is killed again and again, and the broker too where they come by one. Each instance ends exactly once, with callbacks of
//! its own.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use rondo_tests::{Engine, PATIENCE, folder, prepare};
use serde_json::{Value, json};
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    instances,
    kafka::KafkaBroker,
    nats::NatsServer,
    number_in_database,
    partner::Partner,
    random::Random,
    route::Way,
    sender::{Event, Sender},
    start_once, until_none_is_left,
};

const ORDERS: usize = 1000;
const KILLS: usize = 5;

/// How an instance waits; an order has the kind of its number.
const KINDS: [&str; 3] = ["correlated", "addressed", "twice"];

/// When a callback is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// Before the instance is started.
    BeforeStart,
    /// Before the partner answers the question that the callback belongs to.
    BeforeAnswer,
    /// As soon as the start is answered: some instances sleep then.
    AfterStart,
    /// When all instances wait.
    Late,
}

/// What is sent about an order, and when.
struct Order {
    number: usize,
    callbacks: Vec<(Moment, Event)>,
}

impl Order {
    fn kind(&self) -> &'static str {
        KINDS[self.number % KINDS.len()]
    }

    fn draw(number: usize, random: &mut Random) -> Self {
        let mut order = Self { number, callbacks: Vec::new() };
        let moments: &[Moment] = match order.kind() {
            "correlated" => &[Moment::BeforeStart, Moment::BeforeAnswer, Moment::Late],
            // The partner learns from the question which instance it answers to.
            "addressed" => &[Moment::BeforeAnswer, Moment::Late],
            _ => &[Moment::BeforeStart, Moment::AfterStart, Moment::Late],
        };
        let needed = if order.kind() == "twice" { 2 } else { 1 };
        // Some callbacks come twice with different ids.
        let sent = needed + usize::from(random.one_in(5));
        for token in 0..sent {
            let moment = moments[random.below(moments.len())];
            let event = order.callback(token);
            // Some come twice with the same id.
            if random.one_in(4) {
                let again = if moment == Moment::BeforeAnswer { moment } else { Moment::Late };
                order.callbacks.push((again, event.clone()));
            }
            order.callbacks.push((moment, event));
        }
        order
    }

    fn callback(&self, token: usize) -> Event {
        let number = self.number;
        let (kind, extension) = match self.kind() {
            "correlated" => ("order.correlated", ("order", number.to_string())),
            "addressed" => ("order.addressed", ("kogitoprocrefid", String::new())),
            _ => ("order.twice", ("order", number.to_string())),
        };
        Event {
            id: format!("{number}-{token}"),
            kind,
            extensions: vec![extension],
            data: json!({"token": format!("{number}-{token}")}),
        }
    }

    fn at(&self, wanted: Moment) -> impl Iterator<Item = &Event> {
        self.callbacks.iter().filter(move |(moment, _)| *moment == wanted).map(|(_, event)| event)
    }
}

fn workflows(partner: &str) -> [(String, String); 3] {
    let head = |id: &str, correlation: &str| {
        format!(
            "id: {id}
version: '1.0'
specVersion: '0.8'
functions:
- {{name: ask, type: custom, operation: 'rest:post:{partner}/ask/{{order}}'}}
- {{name: end, type: custom, operation: 'rest:post:{partner}/end/{{order}}'}}
events:
- {{name: came, type: order.{id}, source: /partner{correlation}}}
"
        )
    };
    let correlation = ", correlation: [{contextAttributeName: order, contextAttributeValue: '${ .order }'}]";
    let callback = "start: Ask
states:
- name: Ask
  type: callback
  action:
    functionRef: {refName: ask, arguments: {order: .order, instance: '${ $WORKFLOW.instanceId }'}}
    actionDataFilter: {useResults: false}
  eventRef: came
  eventDataFilter: {data: .token, toStateData: .first}
  transition: End
";
    let twice = "start: Rest
states:
- {name: Rest, type: sleep, duration: PT0.2S, transition: First}
- name: First
  type: event
  onEvents: [{eventRefs: [came], eventDataFilter: {data: .token, toStateData: .first}, actions: []}]
  transition: Second
- name: Second
  type: event
  onEvents: [{eventRefs: [came], eventDataFilter: {data: .token, toStateData: .second}, actions: []}]
  transition: End
";
    let end = "- name: End
  type: operation
  actions:
  - functionRef: {refName: end, arguments: {order: .order}}
    actionDataFilter: {useResults: false}
  end: true
";
    let [correlated, addressed, two] = KINDS;
    [
        (format!("{correlated}.sw.yaml"), format!("{}{callback}{end}", head(correlated, correlation))),
        (format!("{addressed}.sw.yaml"), format!("{}{callback}{end}", head(addressed, ""))),
        (format!("{two}.sw.yaml"), format!("{}{twice}{end}", head(two, correlation))),
    ]
}

/// Starts all instances and sends all callbacks.
async fn play(
    engine: String,
    orders: Arc<Vec<Order>>,
    partner: Partner,
    sender: Sender,
    mut random: Random,
) -> Partner {
    let (client, at_once) = (reqwest::Client::new(), Arc::new(Semaphore::new(24)));
    let mut starting = JoinSet::new();
    for number in 0..orders.len() {
        let (orders, sender) = (Arc::clone(&orders), sender.clone());
        let (client, engine, at_once) = (client.clone(), engine.clone(), Arc::clone(&at_once));
        starting.spawn(async move {
            let order = &orders[number];
            for event in order.at(Moment::BeforeStart) {
                sender.send(event).await;
            }
            let place = at_once.acquire().await;
            start_once(
                &client,
                &engine,
                order.kind(),
                &order.number.to_string(),
                &json!({"order": order.number}),
            )
            .await;
            drop(place);
            for event in order.at(Moment::AfterStart) {
                sender.send(event).await;
            }
        });
    }
    while let Some(started) = starting.join_next().await {
        started.unwrap();
    }
    let mut late: Vec<Event> = Vec::new();
    for order in orders.iter() {
        for mut event in order.at(Moment::Late).cloned() {
            for (_, value) in event.extensions.iter_mut().filter(|(name, _)| *name == "kogitoprocrefid") {
                *value = partner.instance(order.number);
            }
            late.push(event);
        }
    }
    random.shuffle(&mut late);
    let mut sending = JoinSet::new();
    for event in late {
        let sender = sender.clone();
        sending.spawn(async move { sender.send(&event).await });
    }
    while let Some(sent) = sending.join_next().await {
        sent.unwrap();
    }
    partner
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_instance_takes_its_callbacks_once_whatever_happens() {
    play_all(Way::Http).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_instance_takes_its_callbacks_once_by_a_stream_of_nats() {
    let Some(server) = NatsServer::start().await else { return };
    play_all(Way::Nats(server)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_instance_takes_its_callbacks_once_by_a_topic_of_kafka() {
    let Some(broker) = KafkaBroker::start().await else { return };
    play_all(Way::Kafka(broker)).await;
}

async fn play_all(mut way: Way) {
    prepare();
    let mut random = Random(12);
    let mut orders: Vec<Order> = (0..ORDERS).map(|number| Order::draw(number, &mut random)).collect();
    random.shuffle(&mut orders);
    let orders = Arc::new(orders);
    let before_answer: HashMap<usize, Vec<Event>> = orders
        .iter()
        .map(|order| (order.number, order.at(Moment::BeforeAnswer).cloned().collect()))
        .collect();
    let partner = Partner::start(before_answer).await;
    let files = workflows(&partner.url());
    let properties = way.properties();
    let mut files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    files.push(("application.properties", &properties));
    let folder = folder(&files);
    let mut engine = Engine::start(folder.path(), &[]).await;
    let url = engine.url("");
    let sender = Sender::new(way.route(&url).await, 32);
    partner.send_with(sender.clone());
    let (accepted, mut ended) = (sender.accepted(), partner.ended());
    let all: usize = orders.iter().map(|order| order.callbacks.len()).sum();
    let playing = tokio::spawn(play(url.clone(), Arc::clone(&orders), partner, sender, random));
    for kill in 1..=KILLS {
        let enough = ended.wait_for(|number| *number >= ORDERS * kill / (KILLS + 1));
        let reached = tokio::time::timeout(4 * PATIENCE, enough).await.map(|reached| *reached.unwrap());
        assert!(reached.is_ok(), "instances do not end any more:\n{}", engine.log());
        engine.kill();
        if kill == 2 {
            way.restart().await;
        }
        engine.restart().await;
        if kill == 4 {
            way.restart().await;
        }
    }
    let playing = tokio::time::timeout(4 * PATIENCE, playing).await;
    let Ok(partner) = playing else { panic!("callbacks are not accepted any more:\n{}", engine.log()) };
    let partner = partner.unwrap();
    assert_eq!(*accepted.borrow(), all, "every callback was taken");
    // What an engine had fetched when it was killed comes again after a minute.
    let acknowledged = async {
        while way.left().await > 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let acknowledged = tokio::time::timeout(4 * PATIENCE, acknowledged).await;
    assert!(acknowledged.is_ok(), "{} messages are not acknowledged", way.left().await);
    until_none_is_left("instances still wait", async || {
        let left = instances(&url, json!({"state": {"equal": "ACTIVE"}})).await?;
        // One of them as a whole, for the case that it stays.
        let Some(id) = left.first().map(|instance| instance["id"].as_str().unwrap()) else {
            return Some(Vec::new());
        };
        let shown = engine.inspect(id).await.to_string();
        Some(left.iter().map(|_| shown.clone()).collect())
    })
    .await;
    let mut found: BTreeMap<usize, Vec<Value>> = BTreeMap::new();
    for instance in instances(&url, json!({"processId": {"in": KINDS}})).await.unwrap() {
        let order = instance["businessKey"].as_str().unwrap().parse().unwrap();
        found.entry(order).or_default().push(instance);
    }
    assert_eq!(found.len(), ORDERS);
    for order in orders.iter() {
        has_taken_its_own(order, &found[&order.number]);
    }
    let ends: BTreeMap<usize, usize> = (0..ORDERS).map(|order| (order, 1)).collect();
    assert_eq!(partner.ends(), ends, "each order has ended by one call, whose repetitions have the same key");
    assert!(engine.terminate().success());
    for table in ["event_wait", "mailbox"] {
        let left = number_in_database(&engine, &format!("SELECT count(*) FROM {table}"));
        assert_eq!(left, 0, "nothing is left in `{table}` of instances that have ended");
    }
}

/// One instance of an order has ended, and each of its waits has taken another callback of the order.
fn has_taken_its_own(order: &Order, instances: &[Value]) {
    let [instance] = instances else { panic!("order {} has {} instances", order.number, instances.len()) };
    assert_eq!(instance["state"], "COMPLETED", "{instance}");
    let data = &instance["variables"]["workflowdata"];
    let tokens: Vec<&str> = order.callbacks.iter().map(|(_, event)| &*event.id).collect();
    let waits: &[&str] = if order.kind() == "twice" { &["first", "second"] } else { &["first"] };
    for wait in waits {
        let taken = data[*wait].as_str().unwrap_or_else(|| panic!("`{wait}` has taken nothing: {instance}"));
        assert!(tokens.contains(&taken), "`{wait}` has taken the callback of another order: {instance}");
    }
    assert_ne!(data["first"], data["second"], "one callback was taken twice: {instance}");
}
