//! The details of one instance.

use rondo_expression::Val;
use rondo_store::State;
use uuid::Uuid;

use super::{FailureView, HistoryLine, PlaceView, WaitView};

/// One instance with its waits, history and data.
#[derive(Debug, Clone)]
pub struct InstanceDetails {
    /// Its id.
    pub id: Uuid,
    /// Id of its workflow.
    pub workflow: String,
    /// Version of its workflow.
    pub version: String,
    /// Its state.
    pub state: State,
    /// When it started, in milliseconds since 1970.
    pub started_at: i64,
    /// When it ended, in milliseconds since 1970.
    pub ended_at: Option<i64>,
    /// Its business key.
    pub business_key: Option<String>,
    /// The error at which it stands.
    pub failure: Option<FailureView>,
    /// The place of its concurrency group that it waits for.
    pub place: Option<PlaceView>,
    /// The calls, events and timers that it waits for.
    pub waits: Vec<WaitView>,
    /// All lines of its history, in order.
    pub history: Vec<HistoryLine>,
    /// Its data.
    pub data: Val,
}
