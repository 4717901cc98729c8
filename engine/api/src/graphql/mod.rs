//! `/graphql`: instances and workflows as Kogito's Data Index shows them.
//!
//! Owns: `GraphQL` over HTTP. Promises: `GET` (form encoded) and `POST` are the same; the answer is `application/json` with
//! status 200, whatever `Accept` says, since clients choose unreadable forms otherwise; an error says by
//! `extensions.classification` whether the query is wrong or its answer cannot be given; no query holds a processor or the
//! memory without a bound, and none computes on a thread that answers others. What finds no memory is answered 503. Never: lets a `GET`
//! change something.

mod allowance;
mod answer;
mod condition;
mod cost;
mod definitions;
mod filter;
mod guard;
mod instances;
mod jobs;
mod mutations;
mod order;
mod queries;
mod resolve;
mod schema;
mod summary;
mod threads;

use std::sync::Arc;

use async_graphql::{Request, ServerError, Value, Variables, dynamic::Schema, parser::types::OperationType};
use axum::{
    Extension, Router,
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use rondo_memory::{LargeWork, Share};
use rondo_runtime::Engine;
use serde::Deserialize;

pub(crate) use answer::refusal;
pub use schema::SchemaError;

use crate::{
    app::App,
    errors::ErrorAnswer,
    json_weight,
    receive::{Received, Whole},
};
use allowance::{Allowance, Refused};
use answer::{answer, fetching_error, unreadable};
use threads::Threads;

/// The state that all requests share.
#[derive(Clone)]
struct Index {
    schema: Schema,
    threads: Threads,
    large: LargeWork,
}

/// Routes of `GraphQL`.
pub(crate) fn routes(engine: &Engine) -> Result<Router<App>, SchemaError> {
    let large = allowance::large_answers(threads::COUNT);
    let index = Index { schema: schema::schema(engine)?, threads: Threads::start()?, large };
    let both = get(by_get).post(by_post).layer(Extension(index));
    Ok(Router::new().route("/graphql", both))
}

/// Longest request in bytes: the longest query, and as much again for its variables.
const LONGEST: usize = 2 * guard::LONGEST;

/// Most values of a request. As a tree each takes some hundred bytes, which the memory of the body does not cover.
const MOST_VALUES: u64 = 100_000;

/// Bytes that a value of a request takes while it is read and answered.
const VALUE_BYTES: u64 = 128;

/// A request in the form of `GraphQL` over HTTP.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct QueryRequest {
    query: String,
    operation_name: Option<String>,
    /// An object, or null.
    #[serde(default)]
    variables: serde_json::Value,
}

async fn by_get(
    State(app): State<App>,
    Extension(index): Extension<Index>,
    RawQuery(text): RawQuery,
) -> Response {
    match from_form(text.as_deref().unwrap_or_default()) {
        Some(asked) => run(app, index, asked, false, None).await,
        None => unreadable("`variables` of the address is not JSON"),
    }
}

async fn by_post(
    State(app): State<App>,
    Extension(index): Extension<Index>,
    Received(body): Received,
) -> Response {
    match body {
        Ok(body) => match read(body) {
            Ok((asked, share)) => run(app, index, asked, true, Some(share)).await,
            Err(answer) => *answer,
        },
        Err(answer) => refusal_of(answer),
    }
}

fn refusal_of(answer: ErrorAnswer) -> Response {
    match answer.status {
        StatusCode::SERVICE_UNAVAILABLE => refusal(answer.status, answer.message().to_owned()),
        _ => answer.into_response(),
    }
}

/// Reads a request as JSON.
fn read(body: Whole) -> Result<(QueryRequest, Share), Box<Response>> {
    let Whole { bytes, mut share } = body;
    let too_large = |what: String| Box::new(refusal(StatusCode::PAYLOAD_TOO_LARGE, what));
    if bytes.len() > LONGEST {
        return Err(too_large(format!("a GraphQL request may have {LONGEST} bytes at most")));
    }
    let values = json_weight::values(&bytes);
    if values > MOST_VALUES {
        return Err(too_large(format!("a GraphQL request may have {MOST_VALUES} values at most")));
    }
    // The text is in memory twice while it is read.
    share
        .grow(bytes.len() as u64 + values * VALUE_BYTES)
        .map_err(|error| Box::new(refusal(StatusCode::SERVICE_UNAVAILABLE, error.to_string())))?;
    match serde_json::from_slice(&bytes) {
        Ok(asked) => Ok((asked, share)),
        Err(error) => Err(Box::new(unreadable(&format!("the body is no GraphQL request as JSON: {error}")))),
    }
}

/// Reads a form-encoded request: a plus sign is a blank. `None` when the variables are no JSON.
fn from_form(text: &str) -> Option<QueryRequest> {
    let mut asked = QueryRequest::default();
    for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
        match &*name {
            "query" => asked.query = value.into_owned(),
            "operationName" => {
                asked.operation_name = Some(value.into_owned()).filter(|name| !name.is_empty());
            }
            "variables" if !value.is_empty() => asked.variables = serde_json::from_str(&value).ok()?,
            _ => {}
        }
    }
    Some(asked)
}

/// Answers a request on the threads for queries; `share` is the memory of its body.
async fn run(
    app: App,
    index: Index,
    asked: QueryRequest,
    may_change: bool,
    share: Option<Share>,
) -> Response {
    let threads = index.threads.clone();
    let answered = threads.spawn(async move {
        let _share = share;
        execute(&app, &index, asked, may_change).await
    });
    let Some(answered) = answered else {
        return refusal(StatusCode::SERVICE_UNAVAILABLE, "the engine is stopping".to_owned());
    };
    answered.await.unwrap_or_else(|error| ErrorAnswer::defect(&error).into_response())
}

async fn execute(app: &App, index: &Index, asked: QueryRequest, may_change: bool) -> Response {
    let wrong = |error| answer(&app.memory, &Value::Null, vec![error]);
    let document = match guard::parse(&asked.query) {
        Ok(document) => document,
        Err(error) => return wrong(error),
    };
    let changes =
        document.operations.iter().any(|(_, operation)| operation.node.ty == OperationType::Mutation);
    if changes && !may_change {
        return wrong(ServerError::new("a mutation must be sent by POST", None));
    }
    let variables = Variables::from_json(asked.variables);
    if let Err(error) = cost::check(&document, &variables) {
        return wrong(error);
    }
    let mut request = Request::new(asked.query).variables(variables);
    request.operation_name = asked.operation_name;
    request.set_parsed_query(document);
    let allowance = Arc::new(Allowance::new(app.settings.max_graphql_bytes, &app.memory, &index.large));
    let request = request.data(Arc::clone(&allowance));
    let limit = app.settings.graphql_timeout;
    let refused = tokio::select! {
        response = index.schema.execute(request) => match allowance.refusal() {
            None => return answer(&app.memory, &response.data, response.errors),
            Some(refused) => refused,
        },
        refused = allowance.refused() => refused,
        () = tokio::time::sleep(limit) => return wrong(fetching_error(format!(
            "the answer took longer than {} ms, the limit that `rondo.graphql.timeout` sets; ask for less with `where` and \
             `pagination`. What a mutation began goes on",
            limit.as_millis()
        ))),
    };
    match refused {
        Refused::TooLarge(_) => wrong(fetching_error(refused.to_string())),
        Refused::NoMemory(_) => refusal(StatusCode::SERVICE_UNAVAILABLE, refused.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_address_is_read_as_a_form() {
        let asked = |query: &str, name: Option<&str>, variables| QueryRequest {
            query: query.into(),
            operation_name: name.map(Into::into),
            variables,
        };
        for (text, expected) in [
            ("query=%7B+a%0A%7D&variables=%7B%7D", Some(asked("{ a\n}", None, json!({})))),
            (
                "query=%7Ba%7D&operationName=Q&variables=%7B%22x%22:1%7D",
                Some(asked("{a}", Some("Q"), json!({"x": 1}))),
            ),
            ("query=%7Ba%7D&variables=", Some(asked("{a}", None, json!(null)))),
            ("variables=%7B", None),
            ("", Some(QueryRequest::default())),
        ] {
            assert_eq!(from_form(text), expected, "{text}");
        }
    }
}
