//! `/graphql`: instances and workflows as Kogito's Data Index shows them.
//!
//! Owns: `GraphQL` over HTTP. Promises: `GET` (form encoded) and `POST` are the same; the answer is `application/json` with
//! status 200, whatever `Accept` says, since clients choose unreadable forms otherwise; an error says by
//! `extensions.classification` whether the question was wrong or the answer could not be had; no question holds a processor or the
//! memory without a bound. Never: lets a `GET` change something.

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

use std::sync::Arc;

use async_graphql::{Request, ServerError, Value, Variables, dynamic::Schema, parser::types::OperationType};
use axum::{
    Extension, Router,
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use rondo_runtime::Engine;
use serde::Deserialize;

pub(crate) use queries::unfinished;
pub use schema::SchemaError;

use crate::{app::App, body::Received};
use allowance::{Allowance, Together};
use answer::{answer, not_had, unreadable};

/// What the questions have in common.
#[derive(Clone)]
struct Index {
    schema: Schema,
    /// What the answers that are being made take together.
    together: Together,
}

/// Routes of `GraphQL`.
pub(crate) fn routes(engine: &Engine) -> Result<Router<App>, SchemaError> {
    let index = Index { schema: schema::schema(engine)?, together: Together::default() };
    let both = get(by_get).post(by_post).layer(Extension(index));
    Ok(Router::new().route("/graphql", both))
}

/// The answer to a request that is not taken, in the form that `GraphQL` clients show.
pub(crate) fn refusal(status: StatusCode, message: String) -> Response {
    let mut answer = answer(&Value::Null, vec![not_had(message)]);
    *answer.status_mut() = status;
    answer
}

/// A request in the form of `GraphQL` over HTTP.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
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
        Some(asked) => run(&app, &index, asked, false).await,
        None => unreadable("`variables` of the address is not JSON"),
    }
}

async fn by_post(
    State(app): State<App>,
    Extension(index): Extension<Index>,
    Received(body): Received,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(answer) => return answer.into_response(),
    };
    match serde_json::from_slice(&body) {
        Ok(asked) => run(&app, &index, asked, true).await,
        Err(error) => unreadable(&format!("the body is no GraphQL request as JSON: {error}")),
    }
}

/// Reads a form-encoded request: a plus sign is a blank. `None` when the variables are no JSON.
fn from_form(text: &str) -> Option<Asked> {
    let mut asked = Asked::default();
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

async fn run(app: &App, index: &Index, asked: Asked, may_change: bool) -> Response {
    let document = match guard::parse(&asked.query) {
        Ok(document) => document,
        Err(error) => return answer(&Value::Null, vec![error]),
    };
    let changes =
        document.operations.iter().any(|(_, operation)| operation.node.ty == OperationType::Mutation);
    if changes && !may_change {
        return answer(&Value::Null, vec![ServerError::new("a mutation must be sent by POST", None)]);
    }
    let variables = Variables::from_json(asked.variables);
    if let Err(error) = cost::check(&document, &variables) {
        return answer(&Value::Null, vec![error]);
    }
    let mut request = Request::new(asked.query).variables(variables);
    request.operation_name = asked.operation_name;
    request.set_parsed_query(document);
    let allowance = Arc::new(Allowance::new(app.settings.max_graphql_bytes, &index.together));
    let request = request.data(Arc::clone(&allowance));
    let limit = app.settings.graphql_timeout;
    let problem = tokio::select! {
        response = index.schema.execute(request) => match allowance.is_over() {
            false => return answer(&response.data, response.errors),
            true => allowance.reason(),
        },
        () = allowance.exceeded() => allowance.reason(),
        () = tokio::time::sleep(limit) => format!(
            "the answer took longer than {} ms, the limit that `rondo.graphql.timeout` sets; ask for less with `where` and \
             `pagination`. What a mutation began goes on",
            limit.as_millis()
        ),
    };
    answer(&Value::Null, vec![not_had(problem)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_address_is_read_as_a_form() {
        let asked = |query: &str, name: Option<&str>, variables| Asked {
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
            ("", Some(Asked::default())),
        ] {
            assert_eq!(from_form(text), expected, "{text}");
        }
    }
}
