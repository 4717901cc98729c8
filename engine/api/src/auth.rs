//! Bearer tokens for access to the engine.
//!
//! Off unless `rondo.auth.token` is set, since the Orchestrator plugin sends no credentials and relies on a proxy or a network policy. With it,
//! every path but health needs one of the tokens. The engine stores the headers of a request with the instances that the request starts, and
//! forwards them to services, so this module removes the tokens from the headers. A token may have a name (`NAME:TOKEN`), which
//! `$WORKFLOW.identity` shows to the instances that its requests start.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use subtle::ConstantTimeEq;

use crate::errors::ErrorAnswer;

/// A token for access to the engine.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// Name of its holder, if it has one.
    pub name: Option<String>,
    /// The token that a request carries.
    pub secret: String,
}

impl Token {
    /// Reads `NAME:TOKEN` or `TOKEN`. A bearer token has no colon (RFC 6750), so the two cannot be confused.
    pub(crate) fn parse(text: &str) -> Self {
        match text.split_once(':') {
            Some((name, secret)) if !name.is_empty() && !secret.is_empty() => {
                Self { name: Some(name.to_owned()), secret: secret.to_owned() }
            }
            _ => Self { name: None, secret: text.to_owned() },
        }
    }
}

/// Name of the token that a request carries, if it has one; an extension of the request.
#[derive(Clone)]
pub(crate) struct Identity(pub(crate) String);

/// Admits requests that carry a token or ask for health, and removes tokens from their headers.
pub(crate) async fn guard(State(tokens): State<Arc<[Token]>>, mut request: Request, next: Next) -> Response {
    let token = find_token(&tokens, request.headers());
    if is_public(request.uri().path()) || token.is_some() {
        if let Some(name) = token.and_then(|token| token.name.clone()) {
            request.extensions_mut().insert(Identity(name));
        }
        remove_tokens(&tokens, request.headers_mut());
        return next.run(request).await;
    }
    let message = "a request needs the header `Authorization: Bearer …` with a token of `rondo.auth.token`";
    let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
    (challenge, ErrorAnswer::new(StatusCode::UNAUTHORIZED, message)).into_response()
}

/// Health is public, since the probes of a cluster send no tokens.
pub(crate) fn is_public(path: &str) -> bool {
    path == "/q/health" || path.starts_with("/q/health/")
}

/// The token that a request carries. Compares it with every token in constant time, so that the time of the answer reveals nothing about a token.
fn find_token<'t>(tokens: &'t [Token], headers: &HeaderMap) -> Option<&'t Token> {
    let given = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
    let (scheme, given) = given.split_at_checked("Bearer ".len())?;
    let given = given.trim_ascii();
    let found = tokens.iter().fold(None, |found, token| {
        let is_same: bool = token.secret.as_bytes().ct_eq(given).into();
        if is_same { Some(token) } else { found }
    });
    found.filter(|_| scheme.eq_ignore_ascii_case(b"Bearer "))
}

/// Headers that say how to read a request. No proxy puts a token into them, but they may hold a short token by chance.
const CONTENT_HEADERS: [HeaderName; 4] =
    [header::ACCEPT, header::CONTENT_LENGTH, header::CONTENT_TYPE, header::HOST];

/// Removes every header that holds one of the tokens: proxies copy tokens to headers with other names.
fn remove_tokens(tokens: &[Token], headers: &mut HeaderMap) {
    let holds = |value: &HeaderValue, token: &Token| {
        let secret = token.secret.as_bytes();
        !secret.is_empty() && value.as_bytes().windows(secret.len()).any(|part| part == secret)
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
        let tokens = ["first", "ada:second", ":third", "fourth:"].map(Token::parse);
        for (header, known) in [
            (Some("Bearer first"), Some(None)),
            (Some("bearer second"), Some(Some("ada"))),
            (Some("Bearer ada:second"), None),
            (Some("Bearer :third"), Some(None)),
            (Some("Bearer fourth:"), Some(None)),
            (Some("Bearer firs"), None),
            (Some("Bearer firstt"), None),
            (Some("Bearer "), None),
            (Some("Basic first"), None),
            (Some("first"), None),
            (None, None),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(header) = header {
                headers.insert(axum::http::header::AUTHORIZATION, header.parse().unwrap());
            }
            let found = find_token(&tokens, &headers).map(|token| token.name.as_deref());
            assert_eq!(found, known, "{header:?}");
        }
    }

    #[test]
    fn no_header_keeps_a_token() {
        let tokens = ["first", "ada:second"].map(Token::parse);
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
