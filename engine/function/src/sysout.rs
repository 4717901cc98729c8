//! Custom functions `sysout` and `sysout:<LEVEL>`: a line in the log.
//!
//! Promises: never fails. The message is whatever the argument `message` was evaluated to, secrets masked.

use serde_json::Value;

use crate::mask::Secrets;

/// Level of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

impl Level {
    /// Reads what follows `sysout:`; nothing is INFO.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.trim().to_ascii_uppercase().as_str() {
            "" | "INFO" => Some(Self::Info),
            "TRACE" => Some(Self::Trace),
            "DEBUG" => Some(Self::Debug),
            "WARN" | "WARNING" => Some(Self::Warn),
            "ERROR" => Some(Self::Error),
            _ => None,
        }
    }
}

/// Writes the line.
pub(crate) fn write(level: Level, arguments: &Value, workflow: &str, instance_id: &str, secrets: &Secrets) {
    let message = match arguments.get("message").unwrap_or(arguments) {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let message = secrets.mask(&message);
    match level {
        Level::Trace => tracing::trace!(target: "workflow", workflow, instance_id, "{message}"),
        Level::Debug => tracing::debug!(target: "workflow", workflow, instance_id, "{message}"),
        Level::Info => tracing::info!(target: "workflow", workflow, instance_id, "{message}"),
        Level::Warn => tracing::warn!(target: "workflow", workflow, instance_id, "{message}"),
        Level::Error => tracing::error!(target: "workflow", workflow, instance_id, "{message}"),
    }
}
