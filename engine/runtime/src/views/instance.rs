//! The view of an instance in answers to requests.

use rondo_expression::Val;
use rondo_store::State;
use uuid::Uuid;

use super::{FailureView, PlaceView};

/// An instance at one moment, as the answer to a request.
#[derive(Debug, Clone)]
pub struct InstanceView {
    /// Its id.
    pub id: Uuid,
    /// Id of its workflow.
    pub workflow: String,
    /// Its state.
    pub state: State,
    /// Its data.
    pub data: Val,
    /// The error at which it stands.
    pub failure: Option<FailureView>,
    /// The place of its concurrency group that it waits for.
    pub place: Option<PlaceView>,
}
