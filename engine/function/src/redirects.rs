//! Decides which redirects a request follows.
//!
//! Promises: redirects are followed to http and https only, never from https to http, and to another host only if a property allows it; requests
//! to other hosts carry no credentials; a redirect that is not followed reports its target and the reason.

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, LOCATION, USER_AGENT};
use reqwest::{Method, StatusCode};
use url::Url;

/// The redirects that are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Redirects {
    /// None.
    Nowhere,
    /// To the same scheme, host and port.
    #[default]
    SameHost,
    /// To any host, but not from https to http; credentials are removed when the host changes.
    Anywhere,
}

/// Most redirects of one call; services need one or two, and a longer chain is a loop.
const MOST: usize = 5;

impl Redirects {
    /// The next address after an answer; `None` if the answer is no redirect. `followed` is the number of redirects before it.
    ///
    /// # Errors
    /// A redirect that is not followed: its target and the reason, for a message.
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

    /// The target of a redirect, or why it is not followed.
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

/// The statuses whose redirects may be followed.
const REDIRECTS: [StatusCode; 5] = [
    StatusCode::MOVED_PERMANENTLY,
    StatusCode::FOUND,
    StatusCode::SEE_OTHER,
    StatusCode::TEMPORARY_REDIRECT,
    StatusCode::PERMANENT_REDIRECT,
];

/// Keeps only the headers that another host may see. Any other header may hold a credential: documents choose the names of API keys, and clients
/// the names of the headers of start requests.
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
