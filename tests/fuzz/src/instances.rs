//! Instances of programs that come from anywhere, moved by some inputs: no step may fail, and what is stored comes back.

use std::sync::Arc;

use rondo_expression::{Budget, MergeRules, Val};
use rondo_machine::{
    Context, DecodeError, Effect, Encoded, Input, Millis, PartChange, Snapshot, Status, pending_calls, turn,
    wait_statuses,
};
use rondo_program::{Failure, FailureKind, Program};

/// When they begin.
pub(crate) const NOW: Millis = 1_764_000_000_000;

/// Turns until an instance must wait, or is left alone: loops over many elements take more.
const TURNS: usize = 40;

/// Small bounds, so that inputs of some hundred bytes reach them.
pub(crate) fn context() -> Context {
    Context {
        identity: "anonymous".into(),
        instance: "0198c0de".into(),
        headers: Val::object([("x-a", Val::text("1"))]),
        secrets: Val::object([("token", Val::text("s3cret"))]),
        variables: Arc::from([]),
        budget: Budget {
            steps: 50_000,
            nodes: 20_000,
            bytes: 256 * 1024,
            memory: 1024 * 1024,
            text: 128 * 1024,
            ..Budget::default()
        },
        speed: 1,
        mask: None,
        output: None,
        successors: None,
        max_steps: 200,
        turn_steps: 1000,
    }
}

/// One input, and as many turns as it takes until everything waits. `None`: it goes on for long.
pub(crate) fn settled(
    program: &Program,
    snapshot: Snapshot,
    input: Input,
    context: &Context,
    now: Millis,
) -> Option<(Snapshot, Vec<Effect>)> {
    let mut last = turn(program, snapshot, input, context, now);
    let mut effects = std::mem::take(&mut last.effects);
    for _ in 0..TURNS {
        if !last.snapshot.needs_turn() {
            return Some((last.snapshot, effects));
        }
        last = turn(program, last.snapshot, Input::Tick, context, now);
        effects.append(&mut last.effects);
    }
    None
}

/// Starts an instance, and lets something happen whatever it waits for, a few times: every other call fails.
pub(crate) fn course(program: &Program, data: Val) {
    const HAPPENINGS: usize = 12;
    let context = context();
    let mut now = NOW;
    let mut snapshot = Snapshot::new(data);
    let mut next = Input::Start { at: None };
    for _ in 0..HAPPENINGS {
        let Some((after, _)) = settled(program, snapshot, next, &context, now) else { return };
        snapshot = stored_and_read(program, &after);
        looked_at(program, &snapshot, &context, now);
        let calls: Vec<_> = snapshot.calls().collect();
        let children: Vec<_> = snapshot.children().collect();
        next = match (snapshot.status, calls.first(), children.first()) {
            (Status::Completed | Status::Aborted, ..) => return,
            (Status::Error, ..) => Input::Skip,
            (Status::Active, Some(&call), _) if call % 2 == 0 => {
                let failure =
                    Failure { status: Some(503), ..Failure::new(FailureKind::Service, "no".to_owned()) };
                Input::CallFailed { call, failure }
            }
            (Status::Active, Some(&call), _) => {
                let result = Val::object([("answer", Val::Int(42))]);
                Input::Answered { call, result: Some(result), response: None }
            }
            (Status::Active, None, Some(&call)) => Input::ChildEnded { call, outcome: Ok(Val::Null) },
            (Status::Active, None, None) => Input::Tick,
        };
        now = snapshot.wake_at().filter(|_| calls.is_empty()).map_or(now + 1, |wake_at| wake_at.max(now + 1));
    }
}

/// Everything that only looks at an instance.
pub(crate) fn looked_at(program: &Program, snapshot: &Snapshot, context: &Context, now: Millis) {
    let _ = (snapshot.listing(program).to_string(), wait_statuses(program, snapshot));
    let _ = (snapshot.wake_at(), snapshot.memory(), snapshot.lost_position());
    let _ = pending_calls(program, snapshot, context, now);
}

/// The stored form as bytes: head, parts, and the data beside them.
pub(crate) type Stored = (Vec<u8>, Vec<(String, Vec<u8>)>, Val);

/// A snapshot as it is written for a database that has nothing of it.
pub(crate) fn stored(program: &Program, snapshot: &Snapshot) -> Stored {
    let shown = snapshot.visible_data(MergeRules::default());
    let Ok(Encoded { head, parts }) = snapshot.encode_whole(program, &shown) else {
        panic!("a snapshot cannot be written");
    };
    let parts = parts.into_iter().map(|part| match part {
        PartChange::Put { key, content } => (key, content),
        PartChange::Remove { prefix } => panic!("nothing was there that begins with {prefix}"),
    });
    let mut parts: Vec<_> = parts.collect();
    // In memory the results of a loop are in the order in which they came, in the database in that of the elements.
    parts.sort();
    (head, parts, shown)
}

/// A snapshot as it comes back from the database; it must be written in the same way again.
pub(crate) fn stored_and_read(program: &Program, snapshot: &Snapshot) -> Snapshot {
    match read_again(program, snapshot) {
        Ok(read) => read,
        Err(error) => panic!("what was written cannot be read: {error}"),
    }
}

/// The same for an instance that went on from a damaged snapshot, and so may come to stand where none can: that is refused when it is read.
pub(crate) fn read_again(program: &Program, snapshot: &Snapshot) -> Result<Snapshot, DecodeError> {
    let (head, parts, shown) = stored(program, snapshot);
    let read = Snapshot::decode(program, &head, &parts, shown.clone(), snapshot.input.clone())?;
    let again = stored(program, &read);
    assert_eq!(
        (String::from_utf8_lossy(&head), &parts, &shown),
        (String::from_utf8_lossy(&again.0), &again.1, &again.2),
        "what was written and read is written otherwise"
    );
    Ok(read)
}
