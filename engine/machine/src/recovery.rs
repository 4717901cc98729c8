//! The calls in flight of a snapshot.

use rondo_program::{Failure, Program};

use crate::{CallNumber, Context, Effect, Millis, Snapshot, frame::Wait, turn::Machine};

/// The calls that a snapshot waits for, to be made again after a crash: with the same numbers, so with the same idempotency keys.
///
/// The arguments are evaluated again on the same data. The result for each call is the [`Effect::Call`] to perform, or the failure if its
/// arguments cannot be evaluated any more, for example because a secret is missing; answer it with [`crate::Input::CallFailed`].
pub fn pending_calls(
    program: &Program,
    snapshot: &Snapshot,
    context: &Context,
    now: Millis,
) -> Vec<(CallNumber, Result<Effect, Failure>)> {
    let machine = Machine::new(program, snapshot.clone(), context, now);
    let waiting = snapshot.frames.iter().filter_map(|frame| match frame.wait {
        Wait::Call { call, .. } => Some((frame.id, call)),
        _ => None,
    });
    waiting
        .filter_map(|(id, call)| match machine.call_request(id) {
            Ok(request) => request.map(|request| (call, Ok(Effect::Call(request)))),
            Err(failure) => Some((call, Err(failure))),
        })
        .collect()
}
