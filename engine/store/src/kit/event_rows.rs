//! Events and waits that the kit plays with.

use std::sync::Arc;

use super::{id, instance, revision, updating};
use crate::{
    AcceptError, AcceptEvent, Accepted, Commit, Committed, EventStart, EventWait, Instance, InstanceWaits,
    ReceivedEvent, Revision, Store,
};

/// The digest of the revision of a second workflow, `audit`.
pub(super) const AUDIT: &str = "0a0d";

/// An event of type `approved` without an address, received at 2000, kept until 5000 and recognised until 9000.
pub(super) fn event(id: &str) -> ReceivedEvent {
    ReceivedEvent {
        id: id.to_owned(),
        source: "desk".to_owned(),
        event_type: "approved".to_owned(),
        at: 2000,
        content: id.as_bytes().to_vec(),
        forget_at: 9000,
        keep_until: 5000,
        ..ReceivedEvent::default()
    }
}

/// An event with attributes, which are sorted by name.
pub(super) fn event_with(id: &str, attributes: &[(&str, &str)]) -> ReceivedEvent {
    let attributes =
        attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    ReceivedEvent { attributes, ..event(id) }
}

/// An event that the workflow `approval` consumes, and that starts nothing.
pub(super) fn accept(event: ReceivedEvent) -> AcceptEvent {
    AcceptEvent {
        event,
        consumers: vec!["approval".to_owned()],
        max_kept: 100,
        max_bytes: 1 << 40,
        ..AcceptEvent::default()
    }
}

/// An event that starts an instance of `approval`.
pub(super) fn accept_starting(event: ReceivedEvent, number: u8) -> AcceptEvent {
    let row = Instance { business_key: event.business_key.clone(), ..instance(number) };
    let starts = vec![EventStart { workflow: "approval".to_owned(), row, ..EventStart::default() }];
    AcceptEvent { starts, ..accept(event) }
}

/// A wait for the type `approved`.
pub(super) fn wait(correlation: &[(&str, Option<&str>)]) -> EventWait {
    let correlation = correlation.iter().map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned)));
    EventWait {
        event: "Approved".to_owned(),
        event_type: "approved".to_owned(),
        correlation: correlation.collect(),
        since: 1500,
        ..EventWait::default()
    }
}

/// Inserts an instance with what it waits for.
pub(super) async fn insert_waiting(
    store: &Arc<dyn Store>,
    row: Instance,
    waits: impl IntoIterator<Item = EventWait>,
) -> Committed {
    let audit = Revision { digest: AUDIT.to_owned(), workflow: "audit".to_owned(), ..revision() };
    store.put_revisions(vec![revision(), audit]).await.unwrap();
    let waits = vec![InstanceWaits { instance: row.id, waits: waits.into_iter().collect() }];
    store.commit(Commit { waits, ..super::inserting([row]) }).await.unwrap()
}

/// The next turn of an instance, which waits for something else now.
pub(super) fn waiting_for(row: Instance, waits: impl IntoIterator<Item = EventWait>) -> Commit {
    let waits = vec![InstanceWaits { instance: row.id, waits: waits.into_iter().collect() }];
    Commit { waits, ..updating(row) }
}

/// The contents of the events in a mailbox, as text.
pub(super) async fn mail(store: &Arc<dyn Store>, number: u8) -> Vec<String> {
    let messages = store.mailbox(id(number), None).await.unwrap();
    let contents = messages.into_iter().filter_map(|message| message.event).map(|event| event.content);
    contents.map(|content| String::from_utf8(content).unwrap()).collect()
}

/// Instances that have it, and none that it started.
#[allow(clippy::unnecessary_wraps, reason = "it is compared with an answer")]
pub(super) fn taken(delivered: impl IntoIterator<Item = u8>) -> Result<Accepted, AcceptError> {
    Ok(Accepted::Taken {
        delivered: delivered.into_iter().map(id).collect(),
        started: Vec::new(),
        waiting: Vec::new(),
    })
}

/// An instance that it started, and none that had waited.
#[allow(clippy::unnecessary_wraps, reason = "it is compared with an answer")]
pub(super) fn started(number: u8) -> Result<Accepted, AcceptError> {
    Ok(Accepted::Taken { delivered: Vec::new(), started: vec![id(number)], waiting: Vec::new() })
}

pub(super) fn is_kept(answer: &Result<Accepted, AcceptError>) -> bool {
    matches!(answer, Ok(Accepted::Kept { .. }))
}

pub(super) fn is_unwanted(answer: &Result<Accepted, AcceptError>) -> bool {
    matches!(answer, Ok(Accepted::Unwanted { .. }))
}
