//! The style, the script and the icon of the pages.

use axum::{
    Router,
    http::header,
    response::IntoResponse,
    routing::{MethodRouter, get},
};

use super::Pages;

/// Their addresses, for pages.
pub(super) const STYLE: &str = "/desk/page.css";
pub(super) const SCRIPT: &str = "/desk/page.js";
pub(super) const ICON: &str = "/desk/icon.svg";

pub(super) fn routes() -> Router<Pages> {
    Router::new()
        .route("/page.css", serve("text/css; charset=utf-8", include_str!("page.css")))
        .route("/page.js", serve("text/javascript; charset=utf-8", include_str!("page.js")))
        .route("/icon.svg", serve("image/svg+xml", include_str!("icon.svg")))
}

fn serve(kind: &'static str, text: &'static str) -> MethodRouter<Pages> {
    // Long enough for a visit, short enough for an upgrade.
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "max-age=300")];
    get(async move || (headers, text).into_response())
}
