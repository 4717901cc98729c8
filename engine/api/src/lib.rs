//! The HTTP face: workflow REST, management, Data Index `GraphQL`, health.
//!
//! Owns: what Backstage's Orchestrator plugin and `SonataFlow`'s clients see. Promises: bad input is answered, never a panic, and no
//! client holds a connection, a processor or the memory without a bound;
//! every answer but a page, a source text and a bare status is JSON; an answer is sent after what it tells was committed.
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
//! Their first parts are `rondo_definition::RESERVED_PATHS`: no workflow may be reached there.

mod app;
mod auth;
mod body;
mod connections;
mod errors;
mod extract;
mod graphql;
mod health;
mod inspect;
mod instances;
mod management;
mod openapi;
mod pages;
mod server;
mod settings;
mod shape;
mod times;
mod watched;

pub use graphql::SchemaError;
pub use server::{ServeError, router, serve};
pub use settings::Settings;
