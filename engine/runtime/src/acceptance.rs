//! What a received event may do: the instances that it may start, and what the store needs to find those that wait for it.
//!
//! Knows neither the engine nor the database. Which instances get the event is decided by the store, in the transaction that keeps it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use rondo_event::CloudEvent;
use rondo_expression::Val;
use rondo_machine::Millis;
use rondo_store::{AcceptEvent, EventStart, ReceivedEvent, StartSet};
use uuid::Uuid;

use crate::{
    active_instance::ActiveInstance,
    catalog::Deployed,
    clock::after,
    formats::{FormatError, request::RequestContext},
    row,
    subflows::Sources,
};

/// Names the instance that an event is for.
pub(crate) const REFERENCE: &str = "kogitoprocrefid";
/// Names the business key of the instance that an event is for.
pub(crate) const BUSINESS_KEY: &str = "kogitobusinesskey";
/// Names the state at which an event starts an instance.
pub(crate) const START_FROM: &str = "kogitoprocstartfrom";
/// Names the instance that sent an event; an instance that it starts has it as reference.
const SENDER: &str = "kogitoprocinstanceid";

/// How long events are known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retention {
    /// How long an event that came is recognised.
    pub(crate) remember: Duration,
    /// How long an event that nobody waits for is kept.
    pub(crate) keep: Duration,
    /// How many events are kept.
    pub(crate) max_kept: u64,
    /// Bytes of the events that wait for their instances.
    pub(crate) max_kept_bytes: u64,
}

/// An event with all that it may do.
pub(crate) struct Acceptance {
    pub(crate) accept: AcceptEvent,
    /// The instances that it starts, if the store says so.
    #[allow(clippy::vec_box, reason = "each is handed on in its box")]
    pub(crate) starts: Vec<Box<ActiveInstance>>,
}

impl Acceptance {
    /// What an event may do with the served workflows.
    pub(crate) fn new(
        event: &CloudEvent,
        retention: Retention,
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
            accept.starts.push(EventStart { workflow, row, set: start_set(event, deployed, now) });
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

/// The set of events that start the workflow together; `None` when this one is enough.
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
