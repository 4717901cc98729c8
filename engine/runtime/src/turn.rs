//! Computes the turn of an instance. Never: uses the engine or the database.

use std::collections::VecDeque;

use rondo_function::Secrets;
use rondo_machine::{Input, Millis, Turn};

use crate::{active_instance::ActiveInstance, delivery::QueuedInput, secrets};

/// The outcome of a turn.
pub(crate) struct Outcome {
    pub(crate) turn: Turn,
    /// The messages of the mailbox that the turn has taken.
    pub(crate) consumed: Vec<i64>,
    /// The messages of the mailbox whose event no frame waits for; they are kept for the instance.
    pub(crate) returned: Vec<i64>,
}

/// Applies inputs until the turn reaches its limit of steps; the others stay in `inputs`. The snapshot moves into the outcome, so that
/// changes do not copy it.
pub(crate) fn run(
    instance: &mut ActiveInstance,
    inputs: &mut VecDeque<QueuedInput>,
    secrets: &Secrets,
    now: Millis,
) -> Outcome {
    let snapshot = std::mem::take(&mut instance.snapshot);
    let mut turn = Turn { snapshot, effects: Vec::new(), facts: Vec::new(), accepted: false };
    let (mut consumed, mut returned) = (Vec::new(), Vec::new());
    while let Some(QueuedInput { input, message }) = inputs.pop_front() {
        if !matches!(input, Input::Halt(_)) {
            rondo_store::failpoint_of("turn-of", &instance.row.workflow);
        }
        let is_event = matches!(input, Input::Event(_));
        let mut next =
            rondo_machine::turn(&instance.deployed.program, turn.snapshot, input, &instance.context, now);
        secrets::mask(&mut next, secrets);
        turn.snapshot = next.snapshot;
        turn.effects.extend(next.effects);
        turn.facts.extend(next.facts);
        turn.accepted |= next.accepted;
        let messages = if is_event && !next.accepted { &mut returned } else { &mut consumed };
        messages.extend(message);
        if turn.snapshot.needs_turn() {
            break;
        }
    }
    Outcome { turn, consumed, returned }
}
