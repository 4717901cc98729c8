//! The HTTP interface: workflow REST, management, Data Index `GraphQL`, health.
//!
//! Owns: what Backstage's Orchestrator plugin and `SonataFlow`'s clients see. Promises: bad input is answered and never
//! panics; no client holds a connection, a processor or memory without a bound; every answer but a page, a source text and
//! a bare status is JSON; an answer is sent after the state that it shows was committed.
//! Never: interprets a definition or keeps state of its own. Kogito's words (process, node instance) live here only.
//!
//! | path | file |
//! | --- | --- |
//! | `/{workflow}`, `/{workflow}/{instance}` | `instances.rs` |
//! | `/management/processes/…` | `management/` |
//! | `/graphql` | `graphql/` |
//! | `/q/health…`, `/q/openapi` | `health.rs`, `openapi/` |
//! | `/rondo/instances/{id}` | `inspect.rs` |
//! | `/` | `pages.rs` |
//!
//! Their first segments are `rondo_definition::RESERVED_PATHS`: a workflow cannot have such a path.

mod app;
mod auth;
mod body;
mod connection_timeouts;
mod connections;
mod errors;
mod extract;
mod graphql;
mod health;
mod inspect;
mod instances;
mod management;
mod node_kinds;
mod openapi;
mod pages;
mod server;
mod settings;
mod shape;
mod times;

pub use auth::Token;
pub use graphql::SchemaError;
pub use server::{ServeError, router, serve};
pub use settings::Settings;

/// The data of a start and the variables beside them, or the status with which the body is refused. For tests with arbitrary bytes.
#[doc(hidden)]
pub fn read_start_body(
    content_type: &[u8],
    body: Vec<u8>,
) -> Result<(rondo_expression::Val, rondo_expression::Val), u16> {
    let mut headers = axum::http::HeaderMap::new();
    if let Ok(value) = axum::http::HeaderValue::from_bytes(content_type) {
        headers.insert(axum::http::header::CONTENT_TYPE, value);
    }
    let input = body::input(&headers, body::Received(Ok(body.into())));
    input.map(|input| (input.data, input.extra)).map_err(|error| error.status.as_u16())
}
