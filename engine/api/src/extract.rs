//! Extractors for the path and the query of a request. Those of the framework answer errors with plain text, these with JSON.

use axum::extract::{
    FromRequestParts,
    rejection::{PathRejection, QueryRejection},
};

use crate::errors::ErrorAnswer;

/// Parameters of the path, decoded.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(ErrorAnswer))]
pub(crate) struct Path<T>(pub(crate) T);

/// Parameters of the query.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(ErrorAnswer))]
pub(crate) struct Query<T>(pub(crate) T);

impl From<PathRejection> for ErrorAnswer {
    fn from(rejection: PathRejection) -> Self {
        Self::new(rejection.status(), format!("the path cannot be read: {}", rejection.body_text()))
    }
}

impl From<QueryRejection> for ErrorAnswer {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}
