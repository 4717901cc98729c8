//! The form of answers and errors.

use async_graphql::{PathSegment, ServerError, Value};
use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Serialize, Serializer, ser::Error as _};
use serde_json::{json, value::RawValue};

use crate::{
    answers::{self, ChunkWriter},
    errors::RETRY_AFTER,
    request_memory::RequestMemory,
};

/// The answer to a request. Data are left out when the query was not executed.
pub(super) fn answer(memory: &RequestMemory, data: &Value, errors: Vec<ServerError>) -> Response {
    let mut writer = ChunkWriter::new(memory);
    let body = body(data, errors);
    match serde_json::to_writer(&mut writer, &body) {
        Ok(()) => (StatusCode::OK, answers::JSON, writer.into_body()).into_response(),
        Err(error) => match writer.no_memory() {
            Some(error) => refusal(StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
            None => writer.refusal(&error).into_response(),
        },
    }
}

/// The answer to a request that is refused, in the form that `GraphQL` clients show.
pub(crate) fn refusal(status: StatusCode, message: String) -> Response {
    let mut answer = (status, Json(body(&Value::Null, vec![fetching_error(message)]))).into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        answer.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
    }
    answer
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Plain<'a>>,
}

/// Most errors of an answer. A query of a megabyte can have fifty thousand, and who wrote it looks at the first ones.
const MOST_ERRORS: usize = 100;

fn body(data: &Value, errors: Vec<ServerError>) -> Body<'_> {
    let data = (errors.is_empty() || *data != Value::Null).then_some(Plain(data));
    let more = errors.len().saturating_sub(MOST_ERRORS);
    let mut errors: Vec<_> = errors.into_iter().take(MOST_ERRORS).map(classified).collect();
    if more > 0 {
        let extensions = errors.last().map(|error| error["extensions"].clone());
        let message = format!("and {more} more; these are the first {MOST_ERRORS} errors");
        errors.push(json!({ "message": message, "extensions": extensions }));
    }
    Body { errors, data }
}

/// The answer to a body that is no `GraphQL` request, in the form of the Data Index.
pub(super) fn unreadable(details: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "details": details, "stack": "" }))).into_response()
}

/// The error of a correct query whose answer cannot be given.
pub(super) fn fetching_error(message: String) -> ServerError {
    let mut error = ServerError::new(message, None);
    error.extensions.get_or_insert_default().set("classification", "DataFetchingException");
    error
}

/// JSON that is inserted into an answer as text. A tree of values would take many times the memory.
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

/// An error with its classification. Clients use the data of an answer with errors only if all are of the kind `DataFetchingException`.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_hundred_errors_at_most_and_says_how_many_there_are() {
        for (count, told, last) in [
            (1, 1, "wrong"),
            (100, 100, "wrong"),
            (20_000, 101, "and 19900 more; these are the first 100 errors"),
        ] {
            let errors = (0..count).map(|_| fetching_error("wrong".to_owned())).collect();
            let errors = body(&Value::Null, errors).errors;
            assert_eq!((errors.len(), &errors[told - 1]["message"]), (told, &json!(last)));
            let kind = &errors[told - 1]["extensions"]["classification"];
            assert_eq!(kind, "DataFetchingException", "clients know errors by it");
        }
    }
}
