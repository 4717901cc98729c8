//! Backstage: scaffolder (version 2), notifications, and entities of the catalog by name.
//!
//! Knows one software template, [`NAMESPACE_TEMPLATE`](crate::NAMESPACE_TEMPLATE). Its tasks have their effect in the
//! simulated cluster at the moment they complete. Source: `plugins/scaffolder-backend`, `plugins/notifications-backend`
//! and `packages/backend-defaults` (errors) of backstage/backstage.

mod catalog;
mod model;
mod notifications;
mod scaffolder;

use std::sync::Arc;

use axum::extract::OriginalUri;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

pub(crate) use model::Backstage;

use crate::world::Shared;

/// The API below `/api`.
pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/api/scaffolder/v2/tasks", get(scaffolder::list).post(scaffolder::create))
        .route("/api/scaffolder/v2/tasks/{task}", get(scaffolder::read))
        .route("/api/scaffolder/v2/tasks/{task}/events", get(scaffolder::events))
        .route("/api/scaffolder/v2/tasks/{task}/cancel", post(scaffolder::cancel))
        .route("/api/notifications", get(notifications::list).post(notifications::create))
        .route("/api/catalog/entities/by-name/{kind}/{namespace}/{name}", get(catalog::by_name))
        .route(
            "/api/{*rest}",
            any(async |asked: Asked| asked.refuse(StatusCode::NOT_FOUND, "Not Found").into_response()),
        )
}

/// `{"error": {"name", "message"}, "request": {"method", "url"}, "response": {"statusCode"}}`.
pub(crate) fn refusal_body(status: StatusCode, message: &str, method: &Method, url: &str) -> Value {
    let name = match status {
        StatusCode::BAD_REQUEST => "InputError",
        StatusCode::UNAUTHORIZED => "AuthenticationError",
        StatusCode::FORBIDDEN => "NotAllowedError",
        StatusCode::NOT_FOUND => "NotFoundError",
        StatusCode::CONFLICT => "ConflictError",
        StatusCode::SERVICE_UNAVAILABLE => "ServiceUnavailableError",
        _ => "Error",
    };
    json!({
        "error": { "name": name, "message": message },
        "request": { "method": method.as_str(), "url": url },
        "response": { "statusCode": status.as_u16() },
    })
}

/// The request, which Backstage repeats in its errors.
#[derive(Debug, axum::extract::FromRequestParts)]
struct Asked {
    method: Method,
    url: OriginalUri,
}

impl Asked {
    fn refuse(&self, status: StatusCode, message: &str) -> Refusal {
        Refusal(status, refusal_body(status, message, &self.method, &self.url.to_string()))
    }
}

/// A request that Backstage does not carry out.
#[derive(Debug)]
struct Refusal(StatusCode, Value);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(self.1)).into_response()
    }
}
