//! The printed form of a snapshot, for tests and for debugging.

use std::fmt::{self, Display, Formatter};

use rondo_program::Program;

use crate::{
    Snapshot,
    frame::{Frame, Role, Wait},
};

/// Prints a snapshot: its status and data, then each frame with its position, its wait and its open scopes.
pub struct Listing<'a> {
    program: &'a Program,
    snapshot: &'a Snapshot,
}

impl Snapshot {
    /// The printed form.
    pub fn listing<'a>(&'a self, program: &'a Program) -> Listing<'a> {
        Listing { program, snapshot: self }
    }
}

impl Display for Listing<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { program, snapshot } = self;
        write!(f, "{:?}", snapshot.status)?;
        snapshot.deadline.map_or(Ok(()), |at| write!(f, ", ends at {at}"))?;
        writeln!(f, ", data {}", snapshot.data.to_json())?;
        for (is_so, what) in
            [(snapshot.is_over_time, "over time"), (snapshot.abort_requested, "abort requested")]
        {
            if is_so {
                writeln!(f, "{what}")?;
            }
        }
        for id in &snapshot.completed {
            writeln!(f, "completed {}", program.scope_label(*id))?;
        }
        if let Some(failed) = &snapshot.failed {
            writeln!(f, "failed {:?}: {}", failed.failure.kind, failed.message())?;
        }
        for lost in &snapshot.lost {
            writeln!(f, "frame {} was at `{}`, which is not there", lost.frame, lost.label)?;
        }
        snapshot.frames.iter().try_for_each(|frame| write_frame(f, program, frame))
    }
}

fn write_frame(f: &mut Formatter<'_>, program: &Program, frame: &Frame) -> fmt::Result {
    write!(f, "frame {}", frame.id)?;
    match (frame.role, frame.parent) {
        (Role::Branch(index), Some(parent)) => write!(f, ", branch {index} of {parent}")?,
        (Role::Iteration(index), Some(parent)) => write!(f, ", element {index} of {parent}")?,
        (Role::Compensation, Some(parent)) => write!(f, ", compensation of {parent}")?,
        (Role::Detached, _) => f.write_str(", nobody waits for it")?,
        _ => {}
    }
    write!(f, " at {}: ", program.code.label(frame.pc))?;
    match &frame.wait {
        Wait::Ready => f.write_str("ready"),
        Wait::Sleep(until) => write!(f, "sleeps until {until}"),
        Wait::Call { call, attempt } => write!(f, "waits for call {call}, attempt {attempt}"),
        Wait::Retry { until, call, attempt } => {
            write!(f, "makes call {call} again at {until}, attempt {attempt}")
        }
        Wait::Child { call, attempt } => write!(f, "waits for subflow {call}, attempt {attempt}"),
        Wait::Branches { required, ended } => {
            write!(f, "waits for {required} branches, {} ended", ended.len())
        }
        Wait::Loop { items, next, running, results, .. } => {
            let (all, results) = (items.elements().len(), results.len());
            write!(f, "element {next} of {all} is next, {running} run, {results} results")
        }
        Wait::Compensation => f.write_str("waits for a compensation"),
        Wait::Events { until, arrived, .. } => {
            write!(f, "waits for events, {} arrived", arrived.len())?;
            until.map_or(Ok(()), |until| write!(f, ", until {until}"))
        }
        Wait::Failed => f.write_str("failed"),
        Wait::GivenUp => f.write_str("has given up"),
    }?;
    for open in &frame.scopes {
        write!(f, "; in {}", program.scope_label(open.id))?;
        open.deadline.map_or(Ok(()), |at| write!(f, " until {at}"))?;
        open.single_deadline.map_or(Ok(()), |at| write!(f, " this time until {at}"))?;
        if open.failed {
            f.write_str(" which failed")?;
        }
    }
    let registers =
        [("focus", &frame.focus), ("result", &frame.result), ("data", &frame.data), ("error", &frame.error)];
    for (name, value) in registers {
        value.as_ref().map_or(Ok(()), |value| write!(f, "; {name} {}", value.to_json()))?;
    }
    writeln!(f)
}
