//! What a snapshot says is under way.

use rondo_program::{Failure, Program};

use crate::{Context, Effect, Millis, Snapshot, snapshot::Wait, turn::Machine};

/// The calls that a snapshot waits for, to be made again after a crash: same arguments, same idempotency keys.
///
/// They are derived as they were the first time, by evaluating the arguments on the same data. A call whose arguments
/// cannot be evaluated any more (a secret has gone) is given back with the failure instead.
pub fn pending(
    program: &Program,
    snapshot: &Snapshot,
    context: &Context,
    now: Millis,
) -> Vec<(crate::CallNumber, Result<Effect, Failure>)> {
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
