//! The HTTP interface: workflow REST, management, Data Index `GraphQL`, health.
//!
//! Owns: the interface for Backstage's Orchestrator plugin and `SonataFlow`'s clients. Promises: bad input is answered and never panics; no
//! client holds a connection, a processor or memory without a bound; a page of another site can neither change nor learn anything; every answer
//! but a page, a source text and a bare status is JSON; an answer is sent after the state that it shows was committed. Never: interprets a
//! definition or keeps state of its own. Kogito's words (process, node instance) live here and in `rondo_runtime::kogito` only.
//!
//! | path | file |
//! | --- | --- |
//! | `/{workflow}`, `/{workflow}/{instance}` | `instances.rs` |
//! | `/management/processes/…` | `management/` |
//! | `/graphql` | `graphql/` |
//! | `/q/health…`, `/q/metrics`, `/q/openapi` | `health.rs`, `metrics.rs`, `openapi/` |
//! | `/rondo/instances/{id}` | `inspect.rs` |
//! | `/rondo/events`, `/rondo/waits` | `event_lists.rs` |
//! | `/desk/v1` | crate `provisioning` |
//! | `/` | `pages.rs`, `events.rs` |
//!
//! The first segments of these paths are `rondo_definition::RESERVED_PATHS`: a workflow cannot have such a path.

mod answers;
mod app;
mod auth;
mod connection_timeouts;
mod connections;
mod cross_site;
mod damaged_rows;
mod database_probe;
mod errors;
mod event_lists;
mod events;
mod extract;
mod graphql;
mod health;
mod input;
mod inspect;
mod instance_answer;
mod instance_list;
mod instance_lookup;
mod instances;
mod json_weight;
mod links;
mod management;
mod metrics;
mod moments;
mod node_kinds;
mod open_connections;
mod openapi;
mod own_hosts;
mod paced_body;
mod pages;
mod receive;
mod request_memory;
mod row_reader;
mod schedules;
mod server;
mod settings;

pub use auth::Token;
pub use graphql::SchemaError;
pub use server::{ServeError, serve, serve_beside};
pub use settings::Settings;

/// Reads the body of a start: returns the data and the other variables, or the status of the refusal. For tests with arbitrary bytes.
#[doc(hidden)]
pub fn read_start_body(
    content_type: &[u8],
    body: Vec<u8>,
) -> Result<(rondo_expression::Val, rondo_expression::Val), u16> {
    let mut headers = axum::http::HeaderMap::new();
    if let Ok(value) = axum::http::HeaderValue::from_bytes(content_type) {
        headers.insert(axum::http::header::CONTENT_TYPE, value);
    }
    let share = rondo_memory::MemoryBudget::new(1 << 30).share();
    let input = input::read(&headers, receive::Whole { bytes: body, share });
    input.map(|input| (input.data, input.extra)).map_err(|error| error.status.as_u16())
}
