//! The face of the desk: `/desk/v1`, as `specs/desk.yaml` describes it.
//!
//! Promises: every error is `{"error": {code, message, details?}}`; a body is checked against the schema of its operation before anything
//! reads it, and all that is wrong with it is told at once; a change that is repeated with its Idempotency-Key gets the first answer.

mod answer;
mod approvals;
mod caller;
mod clusters;
mod credentials;
mod gateway;
mod links;
mod mails;
mod namespaces;
mod page;
mod paging;
mod params;
mod pools;
mod probes;
mod products;
mod requests;
mod schemas;
mod spaces;
mod users;
mod webhooks;

use std::sync::Arc;

use axum::{
    Router,
    extract::{FromRef, OriginalUri},
    middleware::map_response,
    response::IntoResponse,
    routing::get,
};

use crate::{Desk, refusal::Refusal};
use answer::in_form;
use schemas::Schemas;

/// Where the desk is mounted.
pub const BASE: &str = "/desk/v1";

/// The document of the desk.
pub(crate) const DOCUMENT: &str = include_str!("../../../../specs/desk.yaml");

#[derive(Clone)]
pub(crate) struct App {
    desk: Desk,
    schemas: Arc<Schemas>,
}

impl FromRef<App> for Desk {
    fn from_ref(app: &App) -> Self {
        app.desk.clone()
    }
}

pub(crate) use webhooks::check_manages;

/// The routes of the desk: its interface below [`BASE`], the pages for people, and the callback of provisioners at the path that they were built
/// for.
pub fn routes(desk: Desk) -> Router {
    let pages = crate::pages::routes(desk.clone());
    let app = App { desk, schemas: Arc::new(Schemas::read()) };
    let routes = Router::new()
        .merge(pools::routes())
        .merge(products::routes())
        .merge(requests::routes())
        .merge(approvals::routes())
        .merge(links::routes())
        .merge(mails::routes())
        .merge(clusters::routes())
        .merge(credentials::routes())
        .merge(namespaces::routes())
        .merge(probes::routes())
        .merge(spaces::routes())
        .merge(users::routes())
        .merge(webhooks::routes())
        .route("/openapi", get(document))
        .fallback(nothing)
        .layer(map_response(in_form))
        // What comes from a cluster stays as it is.
        .merge(gateway::routes())
        .with_state(app.clone());
    let callbacks = products::callback_routes().layer(map_response(in_form)).with_state(app);
    Router::new().nest(BASE, routes).merge(callbacks).merge(pages)
}

async fn nothing(OriginalUri(uri): OriginalUri) -> Refusal {
    Refusal::not_found("operation at", uri.path())
}

async fn document() -> impl IntoResponse {
    ([("Content-Type", "application/yaml")], DOCUMENT)
}

#[cfg(test)]
mod tests;
