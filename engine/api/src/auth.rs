//! Bearer tokens for access to the engine.
//!
//! Off unless `rondo.auth.token` is set, since the Orchestrator plugin sends no credentials and relies on a proxy or a
//! network policy. With it, every path but health needs one of the tokens. Headers of a request are stored with the
//! instances that it starts and forwarded to services, so tokens of the engine are removed from them.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use subtle::{Choice, ConstantTimeEq};

use crate::errors::ErrorAnswer;

/// Admits requests with one of the tokens, and those to health, and removes tokens from their headers.
pub(crate) async fn guard(State(tokens): State<Arc<[String]>>, mut request: Request, next: Next) -> Response {
    if is_public(request.uri().path()) || has_token(&tokens, request.headers()) {
        remove_tokens(&tokens, request.headers_mut());
        return next.run(request).await;
    }
    let message = "a request needs the header `Authorization: Bearer …` with a token of `rondo.auth.token`";
    let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
    (challenge, ErrorAnswer::new(StatusCode::UNAUTHORIZED, message)).into_response()
}

/// Health is public, since the probes of a cluster send no tokens.
fn is_public(path: &str) -> bool {
    path == "/q/health" || path.starts_with("/q/health/")
}

fn has_token(tokens: &[String], headers: &HeaderMap) -> bool {
    let given = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
    let Some((scheme, token)) = given.split_at_checked("Bearer ".len()) else { return false };
    scheme.eq_ignore_ascii_case(b"Bearer ") && is_token(tokens, token)
}

/// Compares with all tokens, so that the time tells neither which one was close nor how close it was.
fn is_token(tokens: &[String], given: &[u8]) -> bool {
    let given = given.trim_ascii();
    let compare = |known: Choice, token: &String| known | token.as_bytes().ct_eq(given);
    tokens.iter().fold(Choice::from(0), compare).into()
}

/// Headers that say how to read a request. No proxy puts a token into them, but they may hold a short token by chance.
const CONTENT_HEADERS: [HeaderName; 4] =
    [header::ACCEPT, header::CONTENT_LENGTH, header::CONTENT_TYPE, header::HOST];

/// Removes every header that holds one of the tokens: proxies copy tokens to headers with other names.
fn remove_tokens(tokens: &[String], headers: &mut HeaderMap) {
    let holds = |value: &HeaderValue, token: &String| {
        !token.is_empty() && value.as_bytes().windows(token.len()).any(|part| part == token.as_bytes())
    };
    let found = headers.iter().filter(|(name, value)| {
        !CONTENT_HEADERS.contains(name) && tokens.iter().any(|token| holds(value, token))
    });
    let names: Vec<HeaderName> = found.map(|(name, _)| name.clone()).collect();
    for name in names {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_token_is_accepted() {
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
            assert_eq!(has_token(&tokens, &headers), known, "{header:?}");
        }
    }

    #[test]
    fn no_header_keeps_a_token() {
        let tokens = ["first".to_owned(), "second".to_owned()];
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer first"),
            ("x-forwarded-access-token", "second"),
            ("x-original-authorization", "bearer  second "),
            ("x-authorization-git", "Bearer of-the-caller"),
            ("x-note", "the second"),
            ("x-other", "not the f1rst one"),
            ("cookie", "session=second; theme=dark"),
            ("content-type", "application/first"),
        ] {
            headers.append(name, value.parse().unwrap());
        }
        remove_tokens(&tokens, &mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["content-type", "x-authorization-git", "x-other"]);
    }

    #[test]
    fn health_is_public_and_similar_paths_are_not() {
        for (path, open) in [
            ("/q/health", true),
            ("/q/health/ready", true),
            ("/q/healthy", false),
            ("/q/openapi", false),
            ("/", false),
        ] {
            assert_eq!(is_public(path), open, "{path}");
        }
    }
}
