//! Any sequence of events and turns leaves what the rules say, written down a second time without an index.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{option, prelude::*, sample::select};
use uuid::Uuid;

use crate::{
    AcceptEvent, Accepted, Commit, EventStart, EventWait, Instance, InstanceWaits, ReceivedEvent, Revision,
    Store, Update, Write, kit,
};

const WORKFLOWS: [&str; 2] = ["approval", "audit"];
const TYPES: [&str; 2] = ["approved", "denied"];
const NAMES: [&str; 2] = ["line", "order"];
const VALUES: [&str; 2] = ["1", "2"];

/// Something that happens.
#[derive(Debug, Clone)]
enum Step {
    Accept { event: ReceivedEvent, starts: Vec<bool>, is_consumed: bool },
    Turn { number: u8, used: usize, returned: usize, waits: Option<Vec<EventWait>>, ends: bool },
}

#[derive(Debug, Clone)]
struct Known {
    row: Instance,
    workflow: &'static str,
    waits: Vec<EventWait>,
    mail: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
enum Address {
    Instance(Uuid),
    BusinessKey(String),
    Anybody,
}

#[derive(Debug, Default)]
struct Model {
    instances: BTreeMap<u8, Known>,
    kept: Vec<(ReceivedEvent, Address)>,
    seen: BTreeSet<String>,
}

/// Whether an event with this address suits a wait, which it need not correlate with.
fn suits(event: &ReceivedEvent, wait: &EventWait) -> bool {
    let differs = |name: &str, value: &str| event.attributes.iter().any(|(n, v)| n == name && v != value);
    wait.event_type == event.event_type
        && wait.source.as_ref().is_none_or(|source| *source == event.source)
        && !wait.correlation.iter().any(|(n, v)| v.as_ref().is_some_and(|v| differs(n, v)))
}

/// Whether the event has all attributes of the wait, with the bound values.
fn correlates(event: &ReceivedEvent, wait: &EventWait) -> bool {
    suits(event, wait)
        && wait.correlation.iter().all(|(name, _)| event.attributes.iter().any(|(n, _)| n == name))
}

impl Model {
    fn accept(&mut self, accept: &AcceptEvent) -> Accepted {
        let event = &accept.event;
        if self.seen.contains(&event.id) {
            return Accepted::Seen;
        }
        let mut delivered = BTreeSet::new();
        let mut kept = Vec::new();
        let mut started = Vec::new();
        for workflow in WORKFLOWS {
            let of_workflow: Vec<_> =
                self.instances.iter().filter(|(_, known)| known.workflow == workflow).collect();
            let start = accept.starts.iter().find(|start| start.workflow == workflow);
            let has_part = start.is_some()
                || accept.consumers.iter().any(|consumer| consumer == workflow)
                || of_workflow
                    .iter()
                    .any(|(_, known)| known.waits.iter().any(|wait| wait.event_type == event.event_type));
            let is_living = |known: &Known| known.row.ended_at.is_none();
            let waits = |known: &Known| known.waits.iter().any(|wait| suits(event, wait));
            let by_correlation: Vec<u8> = of_workflow
                .iter()
                .filter(|(_, known)| {
                    known.waits.iter().any(|wait| !wait.correlation.is_empty() && correlates(event, wait))
                })
                .map(|(number, _)| **number)
                .collect();
            if !by_correlation.is_empty() {
                delivered.extend(by_correlation);
                continue;
            }
            let addressed: Vec<_> = if let Some(instance) = &event.instance {
                of_workflow.iter().filter(|(_, known)| known.row.id.to_string() == *instance).collect()
            } else if event.business_key.is_some() && has_part {
                of_workflow.iter().filter(|(_, known)| known.row.business_key == event.business_key).collect()
            } else {
                Vec::new()
            };
            let addressed: Vec<_> = addressed.into_iter().filter(|(_, known)| is_living(known)).collect();
            for (number, known) in &addressed {
                if waits(known) {
                    delivered.insert(**number);
                } else {
                    kept.push(known.row.id);
                }
            }
            if !addressed.is_empty() || event.instance.is_some() {
                continue;
            }
            if let Some(start) = start {
                started.push((start.row.clone(), workflow));
            }
            if event.business_key.is_none() {
                let all = of_workflow.iter().filter(|(_, known)| {
                    known.waits.iter().any(|wait| wait.correlation.is_empty() && suits(event, wait))
                });
                delivered.extend(all.map(|(number, _)| **number));
            }
        }
        let has_waits = self
            .instances
            .values()
            .any(|known| known.waits.iter().any(|wait| wait.event_type == event.event_type));
        let is_taken = !delivered.is_empty() || !started.is_empty();
        let is_wanted = has_waits || !accept.consumers.is_empty();
        if !is_taken && kept.is_empty() {
            if event.instance.is_some() || !is_wanted {
                return Accepted::Unwanted { reason: String::new() };
            }
            let address = event.business_key.clone().map_or(Address::Anybody, Address::BusinessKey);
            self.kept.push((event.clone(), address));
        }
        self.seen.insert(event.id.clone());
        self.kept.extend(kept.into_iter().map(|id| (event.clone(), Address::Instance(id))));
        for number in &delivered {
            self.instances.get_mut(number).unwrap().mail.push(event.id.clone());
        }
        let answer = Accepted::Taken {
            delivered: delivered.iter().map(|number| self.instances[number].row.id).collect(),
            started: started.iter().map(|(row, _)| row.id).collect(),
        };
        for (row, workflow) in started {
            let known = Known { row, workflow, waits: Vec::new(), mail: vec![event.id.clone()] };
            let number = known.row.id.as_bytes()[15];
            self.instances.insert(number, known);
        }
        if is_taken { answer } else { Accepted::Kept { reason: String::new() } }
    }

    /// Takes over a turn; gives whether its instance has got a kept event.
    fn turn(
        &mut self,
        number: u8,
        used: usize,
        returned: &[ReceivedEvent],
        waits: Option<&[EventWait]>,
        ends: bool,
    ) -> bool {
        let Some(known) = self.instances.get_mut(&number) else { return false };
        known.row.turn += 1;
        known.mail.drain(..used + returned.len());
        let id = known.row.id;
        self.kept.extend(returned.iter().map(|event| (event.clone(), Address::Instance(id))));
        if ends {
            known.row.ended_at = Some(9);
            known.waits.clear();
            return false;
        }
        let Some(waits) = waits else { return false };
        known.waits = waits.to_vec();
        let mut has_mail = false;
        for wait in waits {
            let matches = |(event, address): &(ReceivedEvent, Address)| match address {
                Address::Instance(only) => *only == id && suits(event, wait),
                Address::BusinessKey(key) => {
                    let is_mine = known.row.business_key.as_ref() == Some(key) && suits(event, wait);
                    is_mine || (has_bound(wait) && correlates(event, wait))
                }
                Address::Anybody => {
                    correlates(event, wait) && (has_bound(wait) || event.at >= known.row.started_at)
                }
            };
            let candidates = self.kept.iter().enumerate().filter(|(_, kept)| matches(kept));
            let oldest = candidates.min_by_key(|(_, (event, _))| event.at).map(|(place, _)| place);
            if let Some(place) = oldest {
                known.mail.push(self.kept.remove(place).0.id);
                has_mail = true;
            }
        }
        has_mail
    }
}

fn has_bound(wait: &EventWait) -> bool {
    wait.correlation.iter().any(|(_, value)| value.is_some())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn events_and_a_list_of_rules_agree(steps in proptest::collection::vec(step(), 1..40), keys in proptest::collection::vec(option::of(select(&VALUES[..])), 6)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(steps, keys));
    }
}

async fn play(steps: Vec<Step>, keys: Vec<Option<&'static str>>) {
    let store = crate::open("sqlite::memory:").await.unwrap();
    let revisions = WORKFLOWS.map(|workflow| Revision {
        digest: workflow.to_owned(),
        workflow: workflow.to_owned(),
        ..kit::revision()
    });
    store.put_revisions(revisions.to_vec()).await.unwrap();
    let mut model = Model::default();
    for (number, key) in (0_u8..).zip(keys) {
        let workflow = WORKFLOWS[usize::from(number % 2)];
        let row = Instance {
            revision: workflow.to_owned(),
            business_key: key.map(str::to_owned),
            started_at: i64::from(number) * 5,
            ..kit::instance(number)
        };
        store.commit(kit::inserting([row.clone()])).await.unwrap();
        model.instances.insert(number, Known { row, workflow, waits: Vec::new(), mail: Vec::new() });
    }
    let mut events = BTreeMap::new();
    for (at, step) in (0_u8..).zip(steps) {
        let context = format!("step {at}: {step:?}");
        match step {
            Step::Accept { mut event, starts, is_consumed } => {
                event.at = i64::from(at);
                event.content = event.id.clone().into_bytes();
                events.entry(event.id.clone()).or_insert_with(|| event.clone());
                let starts = WORKFLOWS.into_iter().zip(starts).filter(|(_, starts)| *starts);
                let starts = (0..).zip(starts).map(|(place, (workflow, _))| EventStart {
                    workflow: workflow.to_owned(),
                    row: Instance {
                        revision: workflow.to_owned(),
                        business_key: event.business_key.clone(),
                        ..kit::instance(100 + 2 * at + place)
                    },
                    set: None,
                });
                let starts: Vec<_> = starts.collect();
                let consumers = WORKFLOWS.into_iter().filter(|_| is_consumed).map(str::to_owned).collect();
                let accept = AcceptEvent { event, starts, consumers, max_kept: 1000 };
                let expected = model.accept(&accept);
                let mut answer = store.accept_event(accept).await.unwrap();
                if let Accepted::Kept { reason } | Accepted::Unwanted { reason } = &mut answer {
                    reason.clear();
                }
                assert_eq!(answer, expected, "{context}");
            }
            Step::Turn { number, used, returned, waits, ends } => {
                let Some(known) = model.instances.get(&number) else { continue };
                if known.row.ended_at.is_some() {
                    continue;
                }
                let mail: Vec<i64> =
                    store.mailbox(known.row.id).await.unwrap().iter().map(|message| message.number).collect();
                let used = used.min(mail.len());
                let returned = returned.min(mail.len() - used);
                let back: Vec<_> =
                    known.mail[used..used + returned].iter().map(|id| events[id].clone()).collect();
                let row = &known.row;
                let update = Update {
                    turn: row.turn + 1,
                    ended_at: ends.then_some(9),
                    ..Update::of_row(row.clone(), row.turn)
                };
                let id = row.id;
                let commit = Commit {
                    writes: vec![Write::Update(update)],
                    messages_consumed: mail[..used].to_vec(),
                    events_returned: mail[used..used + returned].to_vec(),
                    waits: waits
                        .iter()
                        .map(|waits| InstanceWaits { instance: id, waits: waits.clone() })
                        .collect(),
                    ..Commit::default()
                };
                let has_mail = model.turn(number, used, &back, waits.as_deref(), ends);
                let committed = store.commit(commit).await.unwrap();
                assert_eq!(committed.mail, if has_mail { vec![id] } else { Vec::new() }, "{context}");
            }
        }
        compare(&*store, &model, &context).await;
    }
}

async fn compare(store: &dyn Store, model: &Model, context: &str) {
    for known in model.instances.values() {
        let messages = store.mailbox(known.row.id).await.unwrap();
        let contents = messages.into_iter().map(|message| message.event.unwrap().content);
        let mail: Vec<String> = contents.map(|content| String::from_utf8(content).unwrap()).collect();
        assert_eq!(mail, known.mail, "mailbox of {} after {context}", known.row.id);
    }
    let sorted = |mut kept: Vec<(String, Option<Uuid>)>| {
        kept.sort();
        kept
    };
    let kept = store.kept_events(None, 1000).await.unwrap();
    let expected = model.kept.iter().map(|(event, address)| match address {
        Address::Instance(id) => (event.id.clone(), Some(*id)),
        _ => (event.id.clone(), None),
    });
    let kept = kept.into_iter().map(|kept| (kept.id, kept.instance));
    assert_eq!(sorted(kept.collect()), sorted(expected.collect()), "kept after {context}");
}

fn step() -> impl Strategy<Value = Step> {
    let accept = (event(), proptest::collection::vec(prop::bool::weighted(0.2), 2), any::<bool>());
    let accept = accept.prop_map(|(event, starts, is_consumed)| Step::Accept { event, starts, is_consumed });
    let waits = option::weighted(0.8, proptest::collection::vec(wait(), 0..3));
    let turn = (0..6_u8, 0..3_usize, 0..2_usize, waits, prop::bool::weighted(0.05));
    let turn = turn.prop_map(|(number, used, returned, waits, ends)| Step::Turn {
        number,
        used,
        returned,
        waits,
        ends,
    });
    prop_oneof![accept, turn]
}

fn event() -> impl Strategy<Value = ReceivedEvent> {
    let attributes = proptest::collection::btree_map(select(&NAMES[..]), select(&VALUES[..]), 0..3);
    let instance = option::weighted(
        0.2,
        prop_oneof![6 => (0..6_u8).prop_map(|number| kit::id(number).to_string()), 1 => Just("none".to_owned())],
    );
    let key = option::weighted(0.3, select(&VALUES[..]));
    let event = (0..30_u8, select(&TYPES[..]), any::<bool>(), instance, key, attributes);
    event.prop_map(|(id, event_type, is_other, instance, key, attributes)| ReceivedEvent {
        id: format!("{id}{is_other}"),
        source: if is_other { "other" } else { "desk" }.to_owned(),
        event_type: event_type.to_owned(),
        instance,
        business_key: key.map(str::to_owned),
        attributes: attributes.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        forget_at: 9000,
        keep_until: 9000,
        ..ReceivedEvent::default()
    })
}

fn wait() -> impl Strategy<Value = EventWait> {
    let value = option::weighted(0.7, select(&VALUES[..]));
    let correlation = proptest::collection::btree_map(select(&NAMES[..]), value, 0..3);
    let source = option::weighted(0.2, Just("desk".to_owned()));
    (0..3_u32, select(&TYPES[..]), source, correlation).prop_map(
        |(frame, event_type, source, correlation)| {
            let correlation = correlation.into_iter();
            EventWait {
                frame,
                event: "Event".to_owned(),
                event_type: event_type.to_owned(),
                source,
                correlation: correlation
                    .map(|(name, value)| (name.to_owned(), value.map(str::to_owned)))
                    .collect(),
                ..EventWait::default()
            }
        },
    )
}
