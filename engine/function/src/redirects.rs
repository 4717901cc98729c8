//! Which redirects a request follows.
//!
//! Promises: only to http and https, never from https to http, and to another host only where a property says so; what goes there tells
//! nothing of who asks; one that is not followed says where it leads and why.

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

/// Most redirects of one call; services need one or two, and a longer chain is a loop.
const MOST: usize = 5;

impl Redirects {
    /// Where to go on after an answer; `None` if it is no redirect. `followed` is how many redirects led to it.
    ///
    /// # Errors
    /// A redirect that is not followed: where it leads and why, for a message.
    pub(crate) fn next(
        self,
        method: &Method,
        from: &Url,
        response: &reqwest::Response,
        followed: usize,
    ) -> Result<Option<Url>, String> {
        let status = response.status();
        let location =
            response.headers().get(LOCATION).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let location = match location {
            Some(location) if status.is_redirection() && status != StatusCode::NOT_MODIFIED => location,
            None if REDIRECTS.contains(&status) => {
                return Err("it redirects, and does not say where to".to_owned());
            }
            _ => return Ok(None),
        };
        self.target(method, from, status, &location, followed)
            .map(Some)
            .map_err(|why| format!("it redirects to `{location}`, which is not followed: {why}"))
    }

    /// The address that a redirect leads to, or why it is not followed.
    fn target(
        self,
        method: &Method,
        from: &Url,
        status: StatusCode,
        location: &str,
        followed: usize,
    ) -> Result<Url, String> {
        let keeps = matches!(status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
        let is_safe = matches!(*method, Method::GET | Method::HEAD);
        if !REDIRECTS.contains(&status) {
            return Err("the status asks for a choice of the caller".to_owned());
        }
        if !keeps && !is_safe && status != StatusCode::SEE_OTHER {
            return Err(format!("after this status a client may change {method} to GET"));
        }
        let target = from.join(location).map_err(|_| "this is no address".to_owned())?;
        if !matches!(target.scheme(), "http" | "https") {
            return Err("this is no address of HTTP".to_owned());
        }
        match self {
            Self::Nowhere => Err("the properties of the client follow none".to_owned()),
            Self::SameHost if from.scheme() != target.scheme() => Err(format!(
                "a call stays at its service, and this is {} instead of {}",
                target.scheme(),
                from.scheme()
            )),
            Self::SameHost if !same_host(from, &target) => {
                Err("a call stays at its service, and this is another host or port".to_owned())
            }
            Self::Anywhere if from.scheme() == "https" && target.scheme() == "http" => {
                Err("this is http instead of https".to_owned())
            }
            _ if followed >= MOST => Err(format!("{MOST} redirects led here already")),
            _ => Ok(target),
        }
    }
}

/// The statuses that redirect: to go on there, of a request without side effects, or by a status that keeps method and body.
const REDIRECTS: [StatusCode; 5] = [
    StatusCode::MOVED_PERMANENTLY,
    StatusCode::FOUND,
    StatusCode::SEE_OTHER,
    StatusCode::TEMPORARY_REDIRECT,
    StatusCode::PERMANENT_REDIRECT,
];

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
