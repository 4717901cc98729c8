//! The rules of who gets an event, written down without an index.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::{AcceptEvent, Accepted, EventWait, Instance, ReceivedEvent};

pub(super) const WORKFLOWS: [&str; 2] = ["approval", "audit"];

#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) row: Instance,
    pub(super) workflow: &'static str,
    pub(super) waits: Vec<EventWait>,
    pub(super) mail: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Address {
    Instance(Uuid),
    BusinessKey(String),
    Anybody,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) instances: BTreeMap<u8, Known>,
    pub(super) kept: Vec<(ReceivedEvent, Address)>,
    pub(super) seen: BTreeSet<String>,
    /// Events that an instance has used, or that have started one.
    pub(super) taken: BTreeSet<String>,
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
    pub(super) fn accept(&mut self, accept: &AcceptEvent) -> Accepted {
        let event = &accept.event;
        if self.seen.contains(&event.id) {
            return Accepted::Seen;
        }
        self.place(accept)
    }

    /// Gives away the first message of an instance that has ended.
    pub(super) fn redirect(&mut self, number: u8, accept: &AcceptEvent) -> Accepted {
        let id = self.instances.get_mut(&number).unwrap().mail.remove(0);
        let in_mail = self.instances.values().any(|known| known.mail.contains(&id));
        let is_kept = self.kept.iter().any(|(event, _)| event.id == id);
        if in_mail || is_kept || self.taken.contains(&id) { Accepted::Seen } else { self.place(accept) }
    }

    fn place(&mut self, accept: &AcceptEvent) -> Accepted {
        let event = &accept.event;
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
            waiting: Vec::new(),
        };
        if !started.is_empty() {
            self.taken.insert(event.id.clone());
        }
        for (row, workflow) in started {
            let known = Known { row, workflow, waits: Vec::new(), mail: vec![event.id.clone()] };
            let number = known.row.id.as_bytes()[15];
            self.instances.insert(number, known);
        }
        if is_taken { answer } else { Accepted::Kept { reason: String::new() } }
    }

    /// Takes over a turn; gives whether its instance has got a kept event.
    pub(super) fn turn(
        &mut self,
        number: u8,
        used: usize,
        returned: &[ReceivedEvent],
        waits: Option<&[EventWait]>,
        ends: bool,
    ) -> bool {
        let Some(known) = self.instances.get_mut(&number) else { return false };
        known.row.turn += 1;
        self.taken.extend(known.mail.drain(..used));
        let id = known.row.id;
        if ends {
            known.row.ended_at = Some(9);
            known.waits.clear();
            let mut mine = Vec::new();
            self.kept.retain(|(event, address)| {
                let is_mine = *address == Address::Instance(id);
                if is_mine {
                    mine.push((event.at, event.id.clone()));
                }
                !is_mine
            });
            mine.sort();
            let has_mail = !mine.is_empty() || !returned.is_empty();
            known.mail.extend(mine.into_iter().map(|(_, event)| event));
            return has_mail;
        }
        known.mail.drain(..returned.len());
        self.kept.extend(returned.iter().map(|event| (event.clone(), Address::Instance(id))));
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
