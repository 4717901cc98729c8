//! Prepares the acceptance of a received event: the instances that it may start, and the attributes by which the store finds waiting ones.
//!
//! Never: delivers the event. The store decides which instances get it, in the transaction that stores it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use rondo_event::CloudEvent;
use rondo_expression::Val;
use rondo_machine::Millis;
use rondo_store::{AcceptEvent, EventStart, EventWait, ReceivedEvent, StartSet};
use uuid::Uuid;

use crate::{
    active_instance::ActiveInstance,
    catalog::Deployed,
    clock::after,
    concurrency::Concurrency,
    formats::{FormatError, request::RequestContext},
    row,
    subflows::Sources,
};

/// Event attribute: the id of the instance that the event is for.
pub(crate) const REFERENCE: &str = "kogitoprocrefid";
/// Event attribute: the business key of the instance that the event is for.
pub(crate) const BUSINESS_KEY: &str = "kogitobusinesskey";
/// Event attribute: the name of the state at which the event starts an instance.
pub(crate) const START_FROM: &str = "kogitoprocstartfrom";
/// Event attribute: the id of the instance that sent the event. An instance that the event starts stores it as its reference id.
const SENDER: &str = "kogitoprocinstanceid";

/// How long received events are stored, and how many.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retention {
    /// How long the source and id of a received event are stored, so that a repeated event has no effect.
    pub(crate) remember: Duration,
    /// How long an event is kept that no instance waits for yet.
    pub(crate) keep: Duration,
    /// How many events are kept at most.
    pub(crate) max_kept: u64,
    /// How many bytes the kept events, and those in mailboxes, have at most.
    pub(crate) max_kept_bytes: u64,
}

/// A received event with the instances that it may start.
pub(crate) struct Acceptance {
    pub(crate) accept: AcceptEvent,
    /// The instances that the event may start; the store decides which of them it does.
    #[allow(clippy::vec_box, reason = "each is handed on in its box")]
    pub(crate) starts: Vec<Box<ActiveInstance>>,
}

impl Acceptance {
    /// Matches an event with the served workflows. Fails if the row of an instance that it may start cannot be encoded.
    pub(crate) fn new(
        event: &CloudEvent,
        retention: Retention,
        concurrency: &Concurrency,
        sources: &Sources<'_>,
    ) -> Result<Self, FormatError> {
        let now = sources.now;
        let business_key = event.attribute(BUSINESS_KEY).map(str::to_owned);
        let mut attributes: Vec<_> =
            event.attributes().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        attributes.sort();
        let mut accept = AcceptEvent {
            event: ReceivedEvent {
                id: event.id.clone(),
                source: event.source.clone(),
                event_type: event.event_type.clone(),
                at: now,
                instance: event.attribute(REFERENCE).map(str::to_owned),
                business_key: business_key.clone(),
                attributes,
                content: event.encode(),
                forget_at: after(now, retention.remember),
                keep_until: after(now, retention.keep),
            },
            starts: Vec::new(),
            consumers: sources
                .catalog
                .consumers(event)
                .map(|deployed| deployed.program.id.to_string())
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
            max_kept: retention.max_kept,
            max_bytes: retention.max_kept_bytes,
        };
        let mut starts = Vec::new();
        for deployed in sources.catalog.started_by(event) {
            if deployed.program.start_window.is_some_and(|window| !window.contains(now)) {
                continue;
            }
            let mut instance = new_instance(event, Arc::clone(deployed), sources);
            instance.row.business_key.clone_from(&business_key);
            let row = row::first_row_of(&mut instance, sources.encryption)?;
            let workflow = deployed.program.id.to_string();
            let data = event.data.as_ref().unwrap_or(&Val::Null);
            let place = concurrency.place_for(&workflow, row.id, data);
            let waits = if place.is_some() { claims(event, deployed, now) } else { Vec::new() };
            let set = start_set(event, deployed, now);
            accept.starts.push(EventStart { workflow, row, set, place, waits });
            starts.push(instance);
        }
        Ok(Self { accept, starts })
    }
}

fn new_instance(event: &CloudEvent, deployed: Arc<Deployed>, sources: &Sources<'_>) -> Box<ActiveInstance> {
    let headers = event.attributes().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let request = RequestContext { headers: Arc::new(headers.collect()), ..RequestContext::default() };
    let data = Val::object::<&str>([]);
    let memory = sources.memory.share();
    let mut instance =
        ActiveInstance::new(Uuid::now_v7(), deployed, data, request, memory, sources.limits, sources.now);
    instance.row.reference_id = event.attribute(SENDER).map(str::to_owned);
    instance
}

/// What an instance that the event is to start is found by while it waits for its place.
fn claims(event: &CloudEvent, deployed: &Deployed, now: Millis) -> Vec<EventWait> {
    let attribute = |name: &str| event.attribute(name);
    let claims = rondo_machine::claims_of_start(&deployed.program, deployed.start_events(event), &attribute);
    row::event_waits(&claims, now)
}

/// The set of events that start the workflow together; `None` when this event alone starts it.
fn start_set(event: &CloudEvent, deployed: &Deployed, now: Millis) -> Option<StartSet> {
    let start = deployed.program.start_by_event.as_ref().filter(|start| !start.exclusive)?;
    let names = start.events.iter().map(ToString::to_string).collect();
    let satisfies: Vec<_> = deployed.start_events(event).collect();
    let attributes = satisfies.iter().flat_map(|event| &event.correlation);
    let mut common: Vec<(&str, &str)> = attributes
        .filter_map(|entry| Some((&*entry.attribute, event.attribute(&entry.attribute)?)))
        .collect();
    common.sort_unstable();
    common.dedup();
    Some(StartSet {
        names,
        key: serde_json::to_string(&common).unwrap_or_default(),
        satisfies: satisfies.iter().map(|event| event.name.to_string()).collect(),
        expires_at: start.within.map(|within| after(now, within)),
    })
}
