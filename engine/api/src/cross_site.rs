//! Refuses requests that a page of another site makes a browser send.
//!
//! Promises: only the engine's own pages change or learn anything through the browser of somebody who reaches the engine. A request that may
//! change something has a body of JSON or none, because a browser sends JSON to another site only if that site allows it, which the engine never
//! does (it sends no CORS headers). While no token is set, `Host` and `Origin` must be the engine's own, because then only the network protects
//! the engine, and a browser is inside of the network. Health is exempt: probes use any host, and its answer is no secret. Never: decides who may
//! do what (`auth` does).

use std::{collections::HashSet, sync::Arc};

use axum::{
    body::HttpBody,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};
use parking_lot::Mutex;

use crate::{auth, errors::ErrorAnswer, graphql, own_hosts::OwnHosts};

/// How many refused hosts the log names; without a bound, a client could fill the log with invented ones.
const LOGGED_HOSTS: usize = 32;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const CE_SPECVERSION: HeaderName = HeaderName::from_static("ce-specversion");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// The hosts that requests may name.
pub(crate) struct Guard {
    /// `None` if tokens are set, because a page of another site knows no token.
    hosts: Option<OwnHosts>,
    logged: Mutex<HashSet<String>>,
}

impl Guard {
    pub(crate) fn new(hosts: Option<OwnHosts>) -> Arc<Self> {
        Arc::new(Self { hosts, logged: Mutex::default() })
    }
}

/// Passes a request on, or refuses it.
pub(crate) async fn guard(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let checked = check(&guard, &request);
    let mut answer = match checked {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_answer(request.uri().path()),
    };
    // `nosniff` keeps another site's page from running an answer as a script, `same-origin` from learning its size by loading it.
    let headers = answer.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    );
    answer
}

/// Why a request is refused.
#[derive(Debug, PartialEq)]
enum Refusal {
    /// It names no host, or several.
    NoHost,
    /// Its host is not the engine's.
    Host(String),
    /// A page of another site sent it.
    Site,
    /// Its body is not JSON.
    NotJson,
}

impl Refusal {
    fn into_answer(self, path: &str) -> Response {
        let (status, message) = match &self {
            Self::NoHost => (StatusCode::BAD_REQUEST, "a request must name one host".to_owned()),
            Self::Host(host) => (
                StatusCode::FORBIDDEN,
                format!(
                    "`{host}` is not a host of this engine; if it is reached under this name, set \
                     `rondo.http.allowed-hosts={host}` (environment variable RONDO_HTTP_ALLOWED_HOSTS), or `rondo.auth.token`"
                ),
            ),
            Self::Site => (
                StatusCode::FORBIDDEN,
                "a page of another site sent this request; if it is one of yours, name its host in `rondo.http.allowed-hosts` \
                 (environment variable RONDO_HTTP_ALLOWED_HOSTS)"
                    .to_owned(),
            ),
            Self::NotJson => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "what changes something must be sent with the header `content-type: application/json`".to_owned(),
            ),
        };
        if path == "/graphql" {
            return graphql::refusal(status, message);
        }
        match self {
            // `SonataFlow`'s workflow resources answer 415 with an empty body. Its management operations take no body, so their 415 can explain
            // itself.
            Self::NotJson if path == "/" => {
                let message = "an event is sent with the content type `application/cloudevents+json`, \
                    `application/cloudevents-batch+json` or `application/json`, or with `ce-` headers";
                ErrorAnswer::new(status, message).into_response()
            }
            Self::NotJson if !path.starts_with("/management/") => {
                ErrorAnswer::unsupported_media_type().into_response()
            }
            _ => ErrorAnswer::new(status, message).into_response(),
        }
    }
}

fn check(guard: &Guard, request: &Request) -> Result<(), Refusal> {
    if !request.method().is_safe()
        && !has_json_or_nothing(request)
        && !is_binary_event(request)
        && !is_form_of_desk(request)
    {
        return Err(Refusal::NotJson);
    }
    let Some(hosts) = guard.hosts.as_ref().filter(|_| !auth::is_public(request.uri().path())) else {
        return Ok(());
    };
    let target = target(request)?;
    if let Some(foreign) = target.iter().find(|host| !hosts.is_own_host(host)) {
        let host = foreign.host().to_owned();
        let mut logged = guard.logged.lock();
        if logged.len() < LOGGED_HOSTS && logged.insert(host.clone()) {
            tracing::warn!(
                host,
                "a request to a host that is not the engine's is refused; `rondo.http.allowed-hosts` names more"
            );
        }
        return Err(Refusal::Host(host));
    }
    match is_of_own_site(request, hosts, target.first()) {
        true => Ok(()),
        false => Err(Refusal::Site),
    }
}

/// Whether `Content-Type` says JSON, or there is neither a content type nor a body. A browser labels a form even when it is empty.
fn has_json_or_nothing(request: &Request) -> bool {
    let mut labels = request.headers().get_all(header::CONTENT_TYPE).iter();
    match (labels.next(), labels.next()) {
        (None, _) => request.body().is_end_stream(),
        (Some(label), None) => is_json_or_like_it(label),
        (Some(_), Some(_)) => false,
    }
}

/// Whether the request is an event in binary mode: its attributes are headers, and its body may be of any type. A page of another site cannot
/// send these headers, just as it cannot send JSON.
fn is_binary_event(request: &Request) -> bool {
    request.headers().contains_key(CE_SPECVERSION)
        && request.headers().get_all(header::CONTENT_TYPE).iter().count() <= 1
}

/// Whether the request is a form of a page of the desk, which asks for a token in the path or for the origin of its own pages.
fn is_form_of_desk(request: &Request) -> bool {
    let mut labels = request.headers().get_all(header::CONTENT_TYPE).iter();
    let (Some(label), None) = (labels.next(), labels.next()) else { return false };
    request.uri().path().starts_with("/desk/") && essence(label) == "application/x-www-form-urlencoded"
}

/// The type and subtype of a content type, in lower case.
fn essence(label: &HeaderValue) -> String {
    let label = label.to_str().unwrap_or_default();
    label.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether a content type is JSON or ends with `+json`, such as `application/cloudevents+json`.
fn is_json_or_like_it(label: &HeaderValue) -> bool {
    let essence = essence(label);
    let subtype = essence.strip_prefix("application/").unwrap_or_default();
    subtype == "json" || subtype.strip_suffix("+json").is_some_and(|family| !family.is_empty())
}

/// The hosts that a request names: in its address, where it has one (HTTP/2, proxies), and in `Host`. Browsers always name one, so a request
/// without a host comes from no browser.
fn target(request: &Request) -> Result<Vec<Authority>, Refusal> {
    let named: Vec<&HeaderValue> = request.headers().get_all(header::HOST).iter().collect();
    if named.len() > 1 {
        return Err(Refusal::NoHost);
    }
    let named = named.into_iter().map(|host| Authority::try_from(host.as_bytes()).ok());
    let all = request.uri().authority().cloned().map(Some).into_iter().chain(named);
    // The part before an `@` is not the host, and ordinary clients never send it.
    all.map(|host| host.filter(|host| !host.as_str().contains('@')).ok_or(Refusal::NoHost)).collect()
}

/// Whether the engine's own page sent the request, or no browser did. Pages of other sites may only link to the engine.
fn is_of_own_site(request: &Request, hosts: &OwnHosts, target: Option<&Authority>) -> bool {
    let headers = request.headers();
    let mut origins = headers.get_all(header::ORIGIN).iter().peekable();
    if origins.peek().is_some() {
        return origins.all(|origin| origin.to_str().is_ok_and(|origin| hosts.is_own_origin(origin, target)));
    }
    let is_link = matches!(*request.method(), Method::GET | Method::HEAD)
        && text(headers, &SEC_FETCH_MODE).is_some_and(|mode| mode == "navigate");
    match text(headers, &SEC_FETCH_SITE) {
        None | Some("same-origin" | "none") => true,
        Some(_) => is_link,
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).map(|value| value.to_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn checked(request: &str, body: &'static str) -> Result<(), Refusal> {
        let hosts = OwnHosts::new([127, 0, 0, 1].into(), "http://127.0.0.1:8080", &[]);
        let mut lines = request.lines();
        let (method, uri) = lines.next().and_then(|line| line.split_once(' ')).unwrap();
        let mut built = Request::builder().method(method).uri(uri);
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            built = built.header(name, value);
        }
        let body = if body.is_empty() { Body::empty() } else { Body::from(body) };
        check(&Guard::new(Some(hosts)), &built.body(body).unwrap())
    }

    #[test]
    fn what_a_page_of_another_site_can_send_is_refused() {
        let own = "host: localhost:8080";
        for (what, request, body, expected) in [
            (
                "a start as the plugin sends it",
                "POST /w\nhost: 127.0.0.1:8080\ncontent-type: application/json",
                "{}",
                Ok(()),
            ),
            (
                "an abort as the plugin sends it",
                "DELETE /management/processes/w/instances/i\nsec-fetch-mode: cors",
                "",
                Ok(()),
            ),
            (
                "a retrigger as the plugin sends it",
                "POST /management/processes/w/instances/i/retrigger",
                "",
                Ok(()),
            ),
            ("an event", "POST /\ncontent-type: application/cloudevents+json; charset=utf-8", "{}", Ok(())),
            (
                "a form",
                "POST /graphql\ncontent-type: application/x-www-form-urlencoded",
                "a=b",
                Err(Refusal::NotJson),
            ),
            ("a form without fields", "POST /w\ncontent-type: text/plain", "", Err(Refusal::NotJson)),
            (
                "a form with a file",
                "POST /w\ncontent-type: multipart/form-data; boundary=application/json",
                "x",
                Err(Refusal::NotJson),
            ),
            ("text", "POST /graphql\ncontent-type: text/plain;application/json", "{}", Err(Refusal::NotJson)),
            (
                "two labels",
                "POST /graphql\ncontent-type: application/json\ncontent-type: text/plain",
                "{}",
                Err(Refusal::NotJson),
            ),
            ("bytes without a label", "POST /w", "{}", Err(Refusal::NotJson)),
            (
                "nothing from another page",
                &format!("POST /x\n{own}\norigin: http://evil.test"),
                "",
                Err(Refusal::Site),
            ),
            (
                "nothing from a page without origin",
                &format!("POST /x\n{own}\norigin: null"),
                "",
                Err(Refusal::Site),
            ),
            (
                "another port of this machine",
                &format!("POST /x\n{own}\norigin: http://localhost:3000"),
                "",
                Err(Refusal::Site),
            ),
            (
                "the engine's own page",
                &format!("POST /x\n{own}\norigin: http://localhost:8080\nsec-fetch-site: same-origin"),
                "",
                Ok(()),
            ),
            (
                "no origin, another site",
                &format!("POST /x\n{own}\nsec-fetch-site: cross-site"),
                "",
                Err(Refusal::Site),
            ),
            (
                "a form that navigates",
                &format!("POST /x\n{own}\nsec-fetch-site: cross-site\nsec-fetch-mode: navigate"),
                "",
                Err(Refusal::Site),
            ),
            (
                "a script of another site",
                &format!("GET /graphql\n{own}\nsec-fetch-site: cross-site\nsec-fetch-mode: no-cors"),
                "",
                Err(Refusal::Site),
            ),
            (
                "a neighbour's script",
                &format!("GET /graphql\n{own}\nsec-fetch-site: same-site\nsec-fetch-mode: cors"),
                "",
                Err(Refusal::Site),
            ),
            (
                "a link",
                &format!("GET /w\n{own}\nsec-fetch-site: cross-site\nsec-fetch-mode: navigate"),
                "",
                Ok(()),
            ),
            ("an address that was typed", &format!("GET /w\n{own}\nsec-fetch-site: none"), "", Ok(())),
            (
                "a name that was bound anew",
                "GET /w\nhost: evil.test:8080",
                "",
                Err(Refusal::Host("evil.test".into())),
            ),
            (
                "the same with HTTP/2",
                "GET http://evil.test:8080/w",
                "",
                Err(Refusal::Host("evil.test".into())),
            ),
            (
                "the same behind a proxy",
                "GET http://localhost/w\nhost: evil.test",
                "",
                Err(Refusal::Host("evil.test".into())),
            ),
            ("two hosts", "GET /w\nhost: localhost\nhost: evil.test", "", Err(Refusal::NoHost)),
            ("no host", "GET /w\nhost: ", "", Err(Refusal::NoHost)),
            ("a user", "GET /w\nhost: localhost:80@evil.test", "", Err(Refusal::NoHost)),
            ("a probe", "GET /q/health/live\nhost: evil.test", "", Ok(())),
        ] {
            assert_eq!(checked(request, body), expected, "{what}");
        }
    }
}
