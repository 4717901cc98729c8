//! The log of instances: their lifecycle, and the lines that workflows write themselves.

use rondo_machine::{Fact, LogLine};
use rondo_program::LogLevel;

use crate::active_instance::ActiveInstance;

/// Logs a line that the workflow itself writes.
pub(crate) fn write_line(instance: &ActiveInstance, line: &LogLine) {
    let (id, workflow, state, message) =
        (instance.row.id, &instance.row.workflow, &line.state, &line.message);
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(target: "workflow", instance_id = %id, workflow = %workflow, state = %state, "{message}")
        };
    }
    match line.level {
        LogLevel::Trace => line!(trace),
        LogLevel::Debug => line!(debug),
        LogLevel::Info => line!(info),
        LogLevel::Warn => line!(warn),
        LogLevel::Error => line!(error),
    }
}

/// Logs that an instance waits for a place of its concurrency group.
pub(crate) fn write_waiting(instance: &ActiveInstance) {
    let (id, workflow) = (instance.row.id, &instance.row.workflow);
    tracing::info!(instance_id = %id, workflow, "instance waits for a place of its concurrency group");
}

/// Logs those facts of a turn that tell the lifecycle of the instance.
pub(crate) fn write(instance: &ActiveInstance, facts: &[Fact]) {
    let (id, workflow) = (instance.row.id, &instance.row.workflow);
    for fact in facts {
        match fact {
            Fact::Started => tracing::info!(instance_id = %id, workflow, "instance started"),
            Fact::Completed => tracing::info!(instance_id = %id, workflow, "instance completed"),
            Fact::Aborted => tracing::info!(instance_id = %id, workflow, "instance aborted"),
            Fact::Failed { message, .. } => {
                tracing::warn!(instance_id = %id, workflow, error = %message, "instance stands at an error");
            }
            Fact::AsyncFailed { target, message, .. } => {
                tracing::warn!(instance_id = %id, workflow, action = %target, error = %message, "an action failed that no state waits for");
            }
            Fact::Entered { state, .. } => {
                tracing::debug!(instance_id = %id, workflow, %state, "state entered");
            }
            Fact::Retry { attempt, message, .. } => {
                tracing::info!(instance_id = %id, workflow, attempt, error = %message, "attempt failed, trying again");
            }
            _ => {}
        }
    }
}
