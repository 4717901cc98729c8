//! The pages of the desk below `/desk`, for people: requests, inbox, products, clusters, pools and webhooks.
//!
//! Owns: HTML and forms; what they show and do is the desk's. Promises: every text is escaped; a page works without
//! JavaScript, which only keeps it fresh; no page loads, embeds or runs anything that is not served here; a form that another
//! site sends is refused. Never: decides anything that the REST interface would not.

mod assets;
mod clusters;
mod forms;
mod inbox;
mod layout;
mod pools;
mod products;
mod requests;
mod session;
mod texts;
mod waiting;
mod webhooks;

use std::sync::Arc;

use axum::{
    Router,
    extract::{FromRef, Request},
    http::{HeaderName, HeaderValue, header},
    middleware::{Next, from_fn},
    response::{Redirect, Response},
    routing::get,
};

use crate::Desk;
use session::Sessions;

/// Where the pages are.
const BASE: &str = "/desk";

/// Only what is served here, and no script or style within a page.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What the handlers of pages share.
#[derive(Clone)]
struct Pages {
    desk: Desk,
    sessions: Arc<Sessions>,
}

impl FromRef<Pages> for Desk {
    fn from_ref(pages: &Pages) -> Self {
        pages.desk.clone()
    }
}

/// The routes of the pages.
pub(crate) fn routes(desk: Desk) -> Router {
    let pages = Pages { desk, sessions: Arc::default() };
    let routes = Router::new()
        .route("/", get(async || Redirect::to("/desk/requests")))
        .merge(requests::routes())
        .merge(inbox::routes())
        .merge(products::routes())
        .merge(clusters::routes())
        .merge(pools::routes())
        .merge(webhooks::routes())
        .merge(session::routes())
        .merge(assets::routes())
        .layer(from_fn(protect))
        .with_state(pages);
    Router::new().nest(BASE, routes)
}

/// Adds the headers that keep a page what it is.
async fn protect(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // What one person sees must not be shown to the next from a cache.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
