//! The view of a schedule.

use rondo_machine::Millis;
use serde::{Deserialize, Serialize};

/// A schedule with its next moments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleView {
    /// Id of the workflow.
    pub workflow: String,
    /// Version of the workflow.
    pub version: String,
    /// The schedule: `cron 0 0/15 * * * ?` or `interval R/PT1H`.
    pub schedule: String,
    /// Name of the time zone.
    pub timezone: String,
    /// The next moments at which instances are started, in milliseconds since 1970.
    pub next: Vec<Millis>,
}
