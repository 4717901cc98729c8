//! What is sent: the form of answers and errors.

use async_graphql::{PathSegment, ServerError, Value};
use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Serialize, Serializer, ser::Error as _};
use serde_json::{json, value::RawValue};

/// The answer to a request. Data are left out when nothing was even tried.
pub(super) fn answer(data: &Value, errors: Vec<ServerError>) -> Response {
    #[derive(Serialize)]
    struct Body<'a> {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        errors: Vec<serde_json::Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        data: Option<Plain<'a>>,
    }
    let data = (errors.is_empty() || *data != Value::Null).then_some(Plain(data));
    Json(Body { errors: errors.into_iter().map(classified).collect(), data }).into_response()
}

/// What cannot be read as a request at all; the form is the Data Index's.
pub(super) fn unreadable(details: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "details": details, "stack": "" }))).into_response()
}

/// The answer would have been right, but it cannot be had.
pub(super) fn not_had(message: String) -> ServerError {
    let mut error = ServerError::new(message, None);
    error.extensions.get_or_insert_default().set("classification", "DataFetchingException");
    error
}

/// JSON that is inserted into an answer as it is: as a tree of values it would take many times the memory of its text.
pub(super) fn ready_json(text: String) -> Value {
    Value::Binary(text.into())
}

/// A value as JSON.
struct Plain<'a>(&'a Value);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::List(items) => serializer.collect_seq(items.iter().map(Plain)),
            Value::Object(members) => {
                serializer.collect_map(members.iter().map(|(name, value)| (name, Plain(value))))
            }
            Value::Binary(json) => {
                let json: &RawValue = serde_json::from_slice(json).map_err(S::Error::custom)?;
                json.serialize(serializer)
            }
            plain => plain.serialize(serializer),
        }
    }
}

/// An error with its classification. A client may use data beside errors of the kind `DataFetchingException` only.
fn classified(mut error: ServerError) -> serde_json::Value {
    let known =
        error.extensions.as_ref().is_some_and(|extensions| extensions.get("classification").is_some());
    if !known {
        let kind = if error.path.is_empty() { "ValidationError" } else { "DataFetchingException" };
        error.extensions.get_or_insert_default().set("classification", kind);
        if !error.path.is_empty() {
            error.message =
                format!("Exception while fetching data ({}) : {}", path(&error.path), error.message);
        }
    }
    serde_json::to_value(&error).unwrap_or_default()
}

/// `/ProcessInstances/0/nodes`.
fn path(segments: &[PathSegment]) -> String {
    segments.iter().fold(String::new(), |path, segment| match segment {
        PathSegment::Field(name) => path + "/" + name,
        PathSegment::Index(index) => format!("{path}/{index}"),
    })
}
