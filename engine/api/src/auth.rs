//! Bearer tokens at the door.
//!
//! Off unless `rondo.auth.token` is set, since the Orchestrator plugin sends no credentials; a proxy or a network
//! policy guards then. When it is on, every path but health needs one of the tokens.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::errors::ErrorAnswer;

/// Lets a request in that carries one of the tokens, and every request about health.
pub(crate) async fn guard(State(tokens): State<Arc<[String]>>, request: Request, next: Next) -> Response {
    if is_open(request.uri().path()) || is_known(&tokens, request.headers()) {
        return next.run(request).await;
    }
    let message = "a request needs the header `Authorization: Bearer …` with a token of `rondo.auth.token`";
    let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
    (challenge, ErrorAnswer::new(StatusCode::UNAUTHORIZED, message)).into_response()
}

/// Probes of a cluster carry no tokens.
fn is_open(path: &str) -> bool {
    path == "/q/health" || path.starts_with("/q/health/")
}

fn is_known(tokens: &[String], headers: &HeaderMap) -> bool {
    let given = headers.get(header::AUTHORIZATION).map(axum::http::HeaderValue::as_bytes).unwrap_or_default();
    let Some((scheme, token)) = given.split_at_checked("Bearer ".len()) else { return false };
    if !scheme.eq_ignore_ascii_case(b"Bearer ") {
        return false;
    }
    // All are compared, so that the time tells nothing about which one was close.
    tokens.iter().fold(false, |known, expected| known | same(expected.as_bytes(), token.trim_ascii()))
}

/// Compares in a time that depends on the lengths only.
fn same(expected: &[u8], given: &[u8]) -> bool {
    let differences = expected.iter().zip(given).fold(0, |sum, (one, other)| sum | (one ^ other));
    std::hint::black_box(differences) == 0 && expected.len() == given.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_token_opens() {
        let tokens = ["first".to_owned(), "second".to_owned()];
        for (header, known) in [
            (Some("Bearer first"), true),
            (Some("bearer second"), true),
            (Some("Bearer firs"), false),
            (Some("Bearer firstt"), false),
            (Some("Bearer "), false),
            (Some("Basic first"), false),
            (Some("first"), false),
            (None, false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(header) = header {
                headers.insert(axum::http::header::AUTHORIZATION, header.parse().unwrap());
            }
            assert_eq!(is_known(&tokens, &headers), known, "{header:?}");
        }
    }

    #[test]
    fn health_is_open_and_what_looks_like_it_is_not() {
        for (path, open) in [
            ("/q/health", true),
            ("/q/health/ready", true),
            ("/q/healthy", false),
            ("/q/openapi", false),
            ("/", false),
        ] {
            assert_eq!(is_open(path), open, "{path}");
        }
    }
}
