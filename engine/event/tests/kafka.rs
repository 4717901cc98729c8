//! Events over Kafka: against the mock of the client library, or the brokers that `KAFKA_BOOTSTRAP` names. `KAFKA_RESTART` may be a command
//! that kills and starts these; without it no test does.

#![cfg(feature = "kafka")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/inbox.rs"]
mod inbox;

mod common;

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use common::properties;
use inbox::{Memory, Running};
use rdkafka::{
    ClientConfig,
    mocking::MockCluster,
    producer::{DefaultProducerContext, FutureProducer, FutureRecord},
};
use rondo_event::{Channels, CloudEvent, Inbox, Sender};
use rondo_expression::Val;
use tokio::sync::Notify;

/// A cluster, and names in it that no other test has.
struct Cluster {
    servers: String,
    topic: String,
    mock: Option<MockCluster<'static, DefaultProducerContext>>,
}

impl Cluster {
    fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let topic = format!("t{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::SeqCst));
        if let Ok(servers) = std::env::var("KAFKA_BOOTSTRAP") {
            return Self { servers, topic, mock: None };
        }
        let mock = MockCluster::new(1).unwrap();
        Self { servers: mock.bootstrap_servers(), topic, mock: Some(mock) }
    }

    fn file(&self) -> String {
        format!(
            "kafka.bootstrap.servers={}\n\
             mp.messaging.incoming.in.connector=smallrye-kafka\n\
             mp.messaging.incoming.in.topic={topic}\n\
             mp.messaging.incoming.in.group.id={topic}\n\
             mp.messaging.incoming.in.auto.offset.reset=earliest\n\
             mp.messaging.incoming.in.session.timeout.ms=6000\n\
             mp.messaging.outgoing.out.connector=smallrye-kafka\n\
             mp.messaging.outgoing.out.topic={topic}\n\
             rondo.events.send-timeout=20000\n",
            self.servers,
            topic = self.topic
        )
    }

    fn channels(&self) -> Channels {
        let (channels, problems) = Channels::read(&properties(&self.file(), &[]));
        assert!(problems.is_empty(), "{problems:?}");
        channels
    }

    fn sender(&self, more: &str) -> Sender {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let properties = properties(&format!("{}{more}", self.file()), &[]);
        let client = reqwest::Client::new();
        Sender::new(Arc::new(Channels::read(&properties).0), client, &properties).unwrap()
    }

    /// Sends a message that is no event of ours.
    async fn produce(&self, body: Option<&str>) {
        let producer: FutureProducer =
            ClientConfig::new().set("bootstrap.servers", &self.servers).create().unwrap();
        let mut record: FutureRecord<'_, str, str> = FutureRecord::to(&self.topic);
        record.payload = body;
        producer.send(record, Duration::from_secs(20)).await.unwrap();
    }
}

fn event(id: usize) -> CloudEvent {
    let mut event = CloudEvent::new(id.to_string(), "/process/x", "done");
    event.set_extension("kogitoprocinstanceid", "one").unwrap();
    event.data = Some(Val::object([("n", Val::Int(7))]));
    event
}

async fn send(sender: &Sender, ids: std::ops::Range<usize>) {
    for id in ids {
        sender.send("out", &event(id)).await.unwrap();
    }
}

fn ids(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|id| id.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_an_instance_arrive_in_order_and_once_across_an_orderly_restart() {
    let cluster = Cluster::new();
    for (mode, from) in [("structured", 0), ("binary", 40)] {
        let sender = cluster.sender(&format!("kogito.addon.messaging.outgoing.cloudEventMode={mode}\n"));
        send(&sender, from..from + 20).await;
        let inbox = Memory::refusing(0);
        let running = Running::start(cluster.channels(), Arc::clone(&inbox));
        inbox.until_accepted(20).await;
        send(&sender, from + 20..from + 40).await;
        inbox.until_accepted(40).await;
        let accepted = running.stop().await["in"].accepted;
        assert_eq!((inbox.ids(), accepted), (ids(from..from + 40), 40), "{mode}");
        let got = inbox.accepted().remove(0);
        assert_eq!(
            (got.data.clone(), got.attribute("kogitoprocinstanceid")),
            (event(0).data, Some("one")),
            "{mode}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_inbox_refuses_is_offered_again_before_anything_else() {
    let cluster = Cluster::new();
    let inbox = Memory::refusing(3);
    let running = Running::start(cluster.channels(), Arc::clone(&inbox));
    send(&cluster.sender(""), 0..5).await;
    inbox.until_accepted(5).await;
    running.until_problem("in", false).await;
    running.stop().await;
    assert_eq!(inbox.ids(), ids(0..5));
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_are_no_events_are_reported_and_passed() {
    let cluster = Cluster::new();
    cluster.produce(Some("hello")).await;
    cluster.produce(None).await;
    cluster.produce(Some(r#"{"specversion":"1.0","id":"x"}"#)).await;
    cluster.produce(Some(r#"{"a":1}"#)).await;
    let inbox = Memory::refusing(0);
    let running = Running::start(cluster.channels(), Arc::clone(&inbox));
    inbox.until("all four", |inbox| inbox.broken().len() == 3 && inbox.ids().len() == 1).await;
    let state = running.stop().await["in"].clone();
    assert_eq!((state.accepted, state.broken), (1, 3));
    let plain = inbox.accepted().remove(0);
    assert_eq!((plain.event_type.as_str(), plain.source), ("in", format!("/kafka/{}", cluster.topic)));
    assert_eq!(plain.data, Some(Val::object([("a", Val::Int(1))])));
    let broken = inbox.broken().join("\n");
    for expected in [" cannot be read as JSON", ": it has no body", "`type` is missing", &cluster.topic] {
        assert!(broken.contains(expected), "{expected}: {broken}");
    }
    // They do not come again.
    let inbox = Memory::refusing(0);
    let running = Running::start(cluster.channels(), Arc::clone(&inbox));
    send(&cluster.sender(""), 0..1).await;
    inbox.until_accepted(1).await;
    running.stop().await;
    assert_eq!((inbox.ids(), inbox.broken().len()), (ids(0..1), 0));
}

/// Never answers, as an engine that dies before its commit.
#[derive(Default)]
struct Stuck(Notify);

impl Inbox for Stuck {
    fn accept(&self, _: &str, _: CloudEvent) -> impl Future<Output = Result<(), String>> + Send {
        self.0.notify_one();
        std::future::pending()
    }

    fn broken(&self, _: &str, _: &str) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_was_not_accepted_comes_again_after_a_crash() {
    let cluster = Cluster::new();
    send(&cluster.sender(""), 0..3).await;
    let stuck = Arc::new(Stuck::default());
    let running = Running::start(cluster.channels(), Arc::clone(&stuck));
    stuck.0.notified().await;
    running.abort().await;
    let inbox = Memory::refusing(0);
    let running = Running::start(cluster.channels(), Arc::clone(&inbox));
    inbox.until_accepted(3).await;
    running.stop().await;
    assert_eq!(inbox.ids(), ids(0..3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_was_away_is_found_again() {
    let cluster = Cluster::new();
    let Some(mock) = &cluster.mock else { return };
    let inbox = Memory::refusing(0);
    let running = Running::start(cluster.channels(), Arc::clone(&inbox));
    send(&cluster.sender(""), 0..1).await;
    inbox.until_accepted(1).await;
    mock.broker_down(1).unwrap();
    running.until_problem("in", true).await;
    let impatient = cluster.sender("rondo.events.send-timeout=500\n");
    let error = impatient.send("out", &event(1)).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    mock.broker_up(1).unwrap();
    send(&cluster.sender(""), 2..3).await;
    inbox.until("the event behind the pause", |inbox| inbox.ids().contains(&"2".to_owned())).await;
    running.until_problem("in", false).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_restarts_loses_nothing_and_keeps_the_order() {
    const COUNT: usize = 300;
    let cluster = Cluster::new();
    let restart = std::env::var("KAFKA_RESTART").ok();
    let inbox = Memory::refusing(0);
    let running = Running::start(cluster.channels(), Arc::clone(&inbox));
    // One event after the other, each until it is taken, as the events of an instance are sent.
    let sender = cluster.sender("rondo.events.send-timeout=2000\n");
    let sending = tokio::spawn(async move {
        for id in 0..COUNT {
            while let Err(error) = sender.send("out", &event(id)).await {
                assert!(error.is_transient(), "{error}");
            }
        }
    });
    inbox.until_accepted(50).await;
    match (&cluster.mock, restart) {
        (Some(mock), _) => {
            mock.broker_down(1).unwrap();
            tokio::time::sleep(Duration::from_secs(3)).await;
            mock.broker_up(1).unwrap();
        }
        (None, Some(command)) => {
            let status = tokio::process::Command::new("sh").args(["-c", &command]).status().await.unwrap();
            assert!(status.success(), "{command}: {status}");
        }
        (None, None) => eprintln!("not restarted: KAFKA_RESTART is not set"),
    }
    sending.await.unwrap();
    let last = (COUNT - 1).to_string();
    inbox.until("the last event", |inbox| inbox.ids().contains(&last)).await;
    running.stop().await;
    // What came again is behind the first of its kind; the engine takes each id once.
    let mut seen = std::collections::BTreeSet::new();
    let first: Vec<String> = inbox.ids().into_iter().filter(|id| seen.insert(id.clone())).collect();
    assert_eq!(first, ids(0..COUNT));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_large_is_not_tried_again() {
    let cluster = Cluster::new();
    let sender = cluster.sender("mp.messaging.outgoing.out.max.request.size=1000\n");
    let mut event = event(0);
    event.data = Some(Val::text("x".repeat(2000)));
    let error = sender.send("out", &event).await.unwrap_err();
    assert!(!error.is_transient() && error.to_string().contains("too large"), "{error}");
}
