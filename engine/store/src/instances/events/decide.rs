//! Decides who gets an event. Only reads.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{
    matching::Subject,
    shapes::{self, Shape},
    waits::{self, Addressee},
};
use crate::{AcceptEvent, EventStart, Transaction};

/// Who gets an event.
#[derive(Debug, Default)]
pub(super) struct Decision<'accept> {
    /// Instances that wait for it, by the number of their row.
    pub(super) delivered: BTreeMap<i64, Uuid>,
    /// What it may start.
    pub(super) starts: Vec<&'accept EventStart>,
    /// Instances for which it is kept.
    pub(super) kept_for: Vec<Uuid>,
    /// Why it is kept for whoever will want it; `None` when it is not.
    pub(super) kept: Option<&'static str>,
    /// Why nobody will ever want it.
    pub(super) unwanted: String,
}

impl Decision<'_> {
    fn goes_nowhere(&self) -> bool {
        self.delivered.is_empty() && self.starts.is_empty() && self.kept_for.is_empty()
    }
}

/// Applies the rules of [`Store::accept_event`](crate::Store::accept_event).
pub(super) fn decide<'accept>(
    transaction: &mut Transaction<'_>,
    accept: &'accept AcceptEvent,
) -> rusqlite::Result<Decision<'accept>> {
    let event = &accept.event;
    let subject = Subject { source: &event.source, attributes: &event.attributes };
    let shapes = shapes::of_type(transaction, &event.event_type)?;
    let shapes_from_source = || shapes.iter().filter(|shape| subject.is_from(shape.source.as_deref()));
    let mut decision = Decision::default();

    // Workflows for which a rule has decided that they do not start.
    let mut decided = BTreeSet::new();
    for shape in shapes_from_source().filter(|shape| !shape.correlation.is_empty()) {
        let Some(values) = shape.correlation.values_of(&subject) else { continue };
        let waiting = waits::waiting(transaction, shape.number, &values)?;
        if !waiting.is_empty() {
            decided.insert(shape.workflow.as_str());
            decision.delivered.extend(waiting);
        }
    }

    if let Some(instance) = &event.instance {
        named_instance(transaction, accept, instance, &decided, &mut decision)?;
        return Ok(decision);
    }

    // Workflows that the rules below decide for. A workflow that has no part in such events neither gets nor keeps this one.
    let mut open: BTreeSet<&str> = accept.consumers.iter().map(String::as_str).collect();
    open.extend(accept.starts.iter().map(|start| start.workflow.as_str()));
    for shape in &shapes {
        // A shape outlives its waits.
        if !open.contains(shape.workflow.as_str()) && shapes::is_used(transaction, shape)? {
            open.insert(&shape.workflow);
        }
    }
    open.retain(|workflow| !decided.contains(workflow));

    match &event.business_key {
        Some(key) => {
            for addressee in waits::living_of_key(transaction, key)? {
                if let Some(workflow) = open.get(addressee.workflow.as_str()) {
                    address(transaction, &event.event_type, &subject, &addressee, &mut decision)?;
                    decided.insert(workflow);
                }
            }
        }
        None => {
            for shape in shapes_from_source().filter(|shape| shape.correlation.is_empty()) {
                if open.contains(shape.workflow.as_str()) {
                    decision.delivered.extend(waits::waiting(transaction, shape.number, &[])?);
                }
            }
        }
    }
    let starts = accept.starts.iter().filter(|start| {
        let is_start = start.set.as_ref().is_none_or(|set| !set.satisfies.is_empty());
        is_start && !decided.contains(start.workflow.as_str())
    });
    decision.starts.extend(starts);
    if decision.goes_nowhere() {
        keep_or_refuse(transaction, accept, &shapes, &mut decision)?;
    }
    Ok(decision)
}

/// The rule for an event that names its instance.
fn named_instance(
    transaction: &mut Transaction<'_>,
    accept: &AcceptEvent,
    instance: &str,
    correlated: &BTreeSet<&str>,
    decision: &mut Decision<'_>,
) -> rusqlite::Result<()> {
    let event = &accept.event;
    let addressee = match Uuid::try_parse(instance) {
        Ok(id) => waits::named(transaction, id)?,
        Err(_) => None,
    };
    match addressee {
        None => "the instance that it names is not known".clone_into(&mut decision.unwanted),
        Some(addressee) if correlated.contains(addressee.workflow.as_str()) => {}
        Some(addressee) if addressee.has_ended => {
            decision.unwanted = format!("instance {}, which it names, has ended", addressee.id);
        }
        Some(addressee) => {
            let subject = Subject { source: &event.source, attributes: &event.attributes };
            address(transaction, &event.event_type, &subject, &addressee, decision)?;
        }
    }
    Ok(())
}

/// Gives the event to an instance that it is addressed to: now, or when it waits.
fn address(
    transaction: &mut Transaction<'_>,
    event_type: &str,
    subject: &Subject<'_>,
    addressee: &Addressee,
    decision: &mut Decision<'_>,
) -> rusqlite::Result<()> {
    if waits::is_waiting(transaction, addressee.number, event_type, subject)? {
        decision.delivered.insert(addressee.number, addressee.id);
    } else {
        decision.kept_for.push(addressee.id);
    }
    Ok(())
}

/// What becomes of an event that nobody takes.
fn keep_or_refuse(
    transaction: &mut Transaction<'_>,
    accept: &AcceptEvent,
    shapes: &[Shape],
    decision: &mut Decision<'_>,
) -> rusqlite::Result<()> {
    let mut has_waits = false;
    for shape in shapes {
        has_waits = has_waits || shapes::is_used(transaction, shape)?;
    }
    let is_known = !accept.consumers.is_empty() || !accept.starts.is_empty();
    if !has_waits && !is_known {
        "no workflow that is served consumes events of this type, and no instance waits for one"
            .clone_into(&mut decision.unwanted);
        return Ok(());
    }
    decision.kept = Some(if accept.event.business_key.is_some() {
        "no instance has its business key yet"
    } else if has_waits {
        "instances wait for events of this type, but for another source or other values of their attributes"
    } else {
        "no instance waits for it yet"
    });
    Ok(())
}
