//! Which redirects a request follows.
//!
//! Promises: only to http and https, never from https to http, and to another host only where a property says so; what goes there tells
//! nothing of who asks.

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, LOCATION, USER_AGENT};
use reqwest::{Method, StatusCode};
use url::Url;

/// Where redirects may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Redirects {
    /// None is followed.
    Nowhere,
    /// To the same scheme, host and port.
    #[default]
    SameHost,
    /// Anywhere, but not from https to http; credentials stay behind when the host changes.
    Anywhere,
}

impl Redirects {
    /// Whether one may lead from one address to the other.
    pub(crate) fn allow(self, from: &Url, to: &Url) -> bool {
        match self {
            Self::Nowhere => false,
            Self::SameHost => same_host(from, to),
            Self::Anywhere => from.scheme() == "http" || to.scheme() == "https",
        }
    }
}

/// Where to go on, if the answer is a redirect that can be followed: of a request without side effects, or by a status
/// that keeps method and body.
pub(crate) fn redirect_target(method: &Method, from: &Url, response: &reqwest::Response) -> Option<Url> {
    let status = response.status();
    let keeps = matches!(status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
    let safe = matches!(*method, Method::GET | Method::HEAD)
        && matches!(status, StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND);
    if !keeps && !safe && status != StatusCode::SEE_OTHER {
        return None;
    }
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    from.join(location).ok().filter(|target| matches!(target.scheme(), "http" | "https"))
}

/// Leaves only the headers that another host than the one a request is meant for may see. Any other may hold a credential: an API key has a
/// name that a document chooses, and the headers of the start request have names that a client chooses.
pub(crate) fn keep_headers_for_other_hosts(headers: &mut HeaderMap) {
    let mut kept = HeaderMap::new();
    for name in [ACCEPT, CONTENT_TYPE, USER_AGENT] {
        if let Some(value) = headers.remove(&name) {
            kept.insert(name, value);
        }
    }
    *headers = kept;
}

pub(crate) fn same_host(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host() == other.host()
        && one.port_or_known_default() == other.port_or_known_default()
}
