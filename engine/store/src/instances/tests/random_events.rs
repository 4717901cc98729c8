//! Any sequence of events and turns leaves what the rules say, written down a second time without an index.

use std::collections::BTreeMap;

use proptest::{option, prelude::*, sample::select};
use uuid::Uuid;

use super::event_rules::{Address, Known, Model, WORKFLOWS};
use crate::{
    AcceptEvent, Accepted, Commit, EventStart, EventWait, Instance, InstanceWaits, ReceivedEvent, Revision,
    Store, Update, Write, kit,
};

const TYPES: [&str; 2] = ["approved", "denied"];
const NAMES: [&str; 2] = ["line", "order"];
const VALUES: [&str; 2] = ["1", "2"];

/// Something that happens.
#[derive(Debug, Clone)]
enum Step {
    Accept { event: ReceivedEvent, starts: Vec<bool>, is_consumed: bool },
    Turn { number: u8, used: usize, returned: usize, waits: Option<Vec<EventWait>>, ends: bool },
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
                let starts = WORKFLOWS.into_iter().zip(starts).filter(|(_, starts)| *starts);
                let starts = (0..).zip(starts).map(|(place, (workflow, _))| EventStart {
                    workflow: workflow.to_owned(),
                    row: Instance {
                        revision: workflow.to_owned(),
                        business_key: event.business_key.clone(),
                        ..kit::instance(100 + 2 * at + place)
                    },
                    ..EventStart::default()
                });
                let starts: Vec<_> = starts.collect();
                let consumers = WORKFLOWS.into_iter().filter(|_| is_consumed).map(str::to_owned).collect();
                let accept = AcceptEvent { event, starts, consumers, max_kept: 1000, max_bytes: 1 << 40 };
                let expected = model.accept(&accept);
                if !matches!(expected, Accepted::Seen | Accepted::Unwanted { .. }) {
                    events.insert(
                        accept.event.id.clone(),
                        AcceptEvent { starts: Vec::new(), ..accept.clone() },
                    );
                }
                let mut answer = store.accept_event(accept).await.unwrap();
                if let Accepted::Kept { reason } | Accepted::Unwanted { reason } = &mut answer {
                    reason.clear();
                }
                assert_eq!(answer, expected, "{context}");
            }
            Step::Turn { number, used, returned, waits, ends } => {
                let Some(known) = model.instances.get(&number) else { continue };
                if known.row.ended_at.is_some() {
                    let mail = store.mailbox(known.row.id, None).await.unwrap();
                    if let Some(first) = mail.first() {
                        let accept = events[&known.mail[0]].clone();
                        let expected = model.redirect(number, &accept);
                        let mut answer = store.redirect_event(first.number, accept).await.unwrap();
                        if let Accepted::Kept { reason } | Accepted::Unwanted { reason } = &mut answer {
                            reason.clear();
                        }
                        assert_eq!(answer, expected, "{context}");
                        compare(&*store, &model, &context).await;
                    }
                    continue;
                }
                let mail: Vec<i64> = store
                    .mailbox(known.row.id, None)
                    .await
                    .unwrap()
                    .iter()
                    .map(|message| message.number)
                    .collect();
                let used = used.min(mail.len());
                let returned = returned.min(mail.len() - used);
                let back: Vec<_> =
                    known.mail[used..used + returned].iter().map(|id| events[id].event.clone()).collect();
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
        let messages = store.mailbox(known.row.id, None).await.unwrap();
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
    let turn = (0..6_u8, 0..3_usize, 0..2_usize, waits, prop::bool::weighted(0.1));
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
