//! Bearer tokens at the door.
//!
//! Off unless `rondo.auth.token` is set, since the Orchestrator plugin sends no credentials; a proxy or a network
//! policy guards then. When it is on, every path but health needs one of the tokens. Headers are kept with the instances
//! that a request starts and passed on to services, so no token of the engine stays in them.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use subtle::{Choice, ConstantTimeEq};

use crate::errors::ErrorAnswer;

/// Lets a request in that carries one of the tokens, and every request about health. Behind it no header has a token.
pub(crate) async fn guard(State(tokens): State<Arc<[String]>>, mut request: Request, next: Next) -> Response {
    if is_open(request.uri().path()) || is_known(&tokens, request.headers()) {
        take_off(&tokens, request.headers_mut());
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
    let given = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
    let Some((scheme, token)) = given.split_at_checked("Bearer ".len()) else { return false };
    scheme.eq_ignore_ascii_case(b"Bearer ") && is_one(tokens, token)
}

/// Compares with all tokens, so that the time tells neither which one was close nor how close it was.
fn is_one(tokens: &[String], given: &[u8]) -> bool {
    let given = given.trim_ascii();
    let is_known = |known: Choice, token: &String| known | token.as_bytes().ct_eq(given);
    tokens.iter().fold(Choice::from(0), is_known).into()
}

/// Headers that say how to read a request. No proxy puts a token into them, but a short token may stand in them by chance.
const FORM: [HeaderName; 4] = [header::ACCEPT, header::CONTENT_LENGTH, header::CONTENT_TYPE, header::HOST];

/// Removes every header in which one of the tokens stands: proxies copy them under other names, and into others.
fn take_off(tokens: &[String], headers: &mut HeaderMap) {
    let holds = |value: &HeaderValue, token: &String| {
        !token.is_empty() && value.as_bytes().windows(token.len()).any(|part| part == token.as_bytes())
    };
    let found = headers
        .iter()
        .filter(|(name, value)| !FORM.contains(name) && tokens.iter().any(|token| holds(value, token)));
    let names: Vec<HeaderName> = found.map(|(name, _)| name.clone()).collect();
    for name in names {
        headers.remove(name);
    }
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
    fn a_token_stays_in_no_header() {
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
        take_off(&tokens, &mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["content-type", "x-authorization-git", "x-other"]);
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
