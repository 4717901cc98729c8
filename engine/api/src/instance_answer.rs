//! Answers of the REST resource about one instance: `{"id", "workflowdata"}`, with `"state": "PENDING"` and a `"reason"` if it waits for a
//! place of its concurrency group, or its error.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use rondo_expression::Val;
use rondo_runtime::{InstanceView, PlaceView};
use rondo_store::{Instance, State};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{answers, errors::ErrorAnswer, request_memory::RequestMemory};

#[derive(Debug, Serialize)]
struct InstanceBody<T> {
    id: Uuid,
    workflowdata: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl<T> InstanceBody<T> {
    fn new(id: Uuid, workflowdata: T, state: State, place: Option<&PlaceView>) -> Self {
        // Of every other state SonataFlow's clients learn elsewhere.
        let state = (state == State::Pending).then_some(state.as_str());
        Self { id, workflowdata, state, reason: place.map(ToString::to_string) }
    }
}

/// Answers an operation with the instance and its data.
pub(crate) async fn instance(memory: &RequestMemory, status: StatusCode, view: InstanceView) -> Response {
    let weight = view.data.memory();
    let body = InstanceBody::<Val>::new(view.id, view.data, view.state, view.place.as_ref());
    answers::large_json(memory, status, body, weight).await
}

/// Answers an operation that made an instance run: with its data, or with its error.
pub(crate) async fn result(memory: &RequestMemory, status: StatusCode, view: InstanceView) -> Response {
    match failure(&view) {
        Some(answer) => answer.into_response(),
        None => instance(memory, status, view).await,
    }
}

/// The error of an instance that is in error.
fn failure(view: &InstanceView) -> Option<ErrorAnswer> {
    let failure = view.failure.as_ref().filter(|_| view.state == State::Error)?;
    Some(ErrorAnswer::failed(view.id, failure))
}

/// Writes a row, with its data as stored, and the place that it waits for. Fails if the data are not JSON, which means that the row is damaged.
pub(crate) fn write_row(
    writer: impl std::io::Write,
    row: &Instance,
    place: Option<&PlaceView>,
) -> Result<(), RowError> {
    let data: &RawValue = serde_json::from_str(&row.data).map_err(RowError::Damaged)?;
    serde_json::to_writer(writer, &InstanceBody::new(row.id, data, row.state, place))
        .map_err(RowError::Unwritten)
}

/// Why a row cannot be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RowError {
    /// Its data are not JSON.
    #[error("the data of the instance are damaged in the database: {0}")]
    Damaged(serde_json::Error),
    /// The writer failed.
    #[error(transparent)]
    Unwritten(serde_json::Error),
}
