//! Makes the successor of an instance, as a row for the commit with which the instance ends (spec-0.8, `continueAs`).
//!
//! The successor takes the place of the ended instance: it has the same parent and root, and sends the parent its outcome. The parent gets no
//! message about the change. It goes on waiting for the first instance of the chain, whose id each instance of the chain knows, and a message
//! to an ended instance finds the last one by that id. So a chain costs its parent no turn, and counts as one subflow however long it is. It
//! has the place of its first instance in a concurrency group too.
//! Never: uses the engine or the database.

use std::sync::Arc;

use rondo_machine::{Continuation, Snapshot, SuccessorRequest};
use rondo_store::{Instance, State};
use uuid::Uuid;

use crate::{
    active_instance::{ActiveInstance, awaited_as, successor_id},
    formats::{FormatError, request::RequestContext},
    row,
    subflows::Sources,
};

/// Makes the successor of `ended`, whose snapshot is `after`. The machine has checked that the successor can start.
pub(crate) fn make(
    ended: &ActiveInstance,
    after: &Snapshot,
    request: SuccessorRequest,
    sources: &Sources<'_>,
) -> Result<(Instance, Box<ActiveInstance>), FormatError> {
    let SuccessorRequest { workflow, version, data, limit, steps } = request;
    let deployed = sources
        .catalog
        .require(&workflow, version.as_deref())
        .map_err(|problem| FormatError::damaged("the workflow that is to continue", problem))?;
    let continuation = match &after.continuation {
        Some(Continuation { first, number }) => {
            Continuation { first: Arc::clone(first), number: number.saturating_add(1) }
        }
        None => Continuation { first: ended.row.id.to_string().into(), number: 1 },
    };
    let id = successor_id(awaited_as(ended.row.id, after), continuation.number);
    let request = RequestContext { start_at: None, ..ended.request.clone() };
    let memory = sources.memory.share();
    let mut successor = ActiveInstance::new(id, deployed, data, request, memory, sources.limits, sources.now);
    successor.snapshot.depth = after.depth;
    successor.snapshot.continuation = Some(continuation);
    successor.snapshot.limit = limit;
    successor.snapshot.steps = steps;
    successor.ancestry = ended.ancestry.as_ref().and_then(|ancestry| ancestry.beside(id));
    let Instance { parent, root, root_workflow, reference_id, business_key, .. } = &ended.row;
    successor.row.parent = *parent;
    successor.row.root = *root;
    successor.row.root_workflow.clone_from(root_workflow);
    successor.row.reference_id.clone_from(reference_id);
    successor.row.business_key.clone_from(business_key);
    successor.row.state = State::Active;
    let row = row::first_row_of(&mut successor, sources.encryption)?;
    Ok((row, successor))
}

/// A search for the last instance of a chain with few look-ups: it doubles the number until an instance is missing, then bisects.
///
/// The successors in a chain have the numbers 1, 2, 3 and so on, without a gap.
pub(crate) struct LastInstance {
    /// The highest number at which an instance was found; 0 is the first instance.
    low: u64,
    /// The lowest number at which no instance was found.
    high: Option<u64>,
}

impl LastInstance {
    pub(crate) fn search() -> Self {
        Self { low: 0, high: None }
    }

    /// The next number to look up; `None` when the last instance is known.
    pub(crate) fn next(&self) -> Option<u64> {
        match self.high {
            None => Some(self.low.saturating_mul(2).max(1)),
            Some(high) if high - self.low > 1 => Some(self.low + (high - self.low) / 2),
            Some(_) => None,
        }
    }

    /// Notes whether there is an instance at a number that was looked up.
    pub(crate) fn found(&mut self, number: u64, is_there: bool) {
        if is_there {
            self.low = number;
        } else {
            self.high = Some(number);
        }
    }
}

/// The id of the instance with this number in the chain of `first`; 0 is `first` itself.
pub(crate) fn id_in_chain(first: Uuid, number: u64) -> Uuid {
    if number == 0 { first } else { successor_id(first, number) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_instance_of_a_chain_is_found_with_few_questions() {
        for length in [0, 1, 2, 3, 7, 8, 9, 1000, 123_456] {
            let mut search = LastInstance::search();
            let mut questions = 0;
            while let Some(number) = search.next() {
                search.found(number, number <= length);
                questions += 1;
            }
            assert_eq!(search.low, length);
            assert!(questions <= 36, "{length}: {questions}");
        }
    }

    #[test]
    fn ids_of_a_chain_differ_and_repeat() {
        let first = Uuid::from_u128(7);
        assert_eq!(id_in_chain(first, 0), first);
        assert_eq!(id_in_chain(first, 1), id_in_chain(first, 1));
        assert_ne!(id_in_chain(first, 1), id_in_chain(first, 2));
    }
}
