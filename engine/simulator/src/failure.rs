//! The failures that a test or a demo has asked for, until coming requests meet them.
//!
//! Promises: a failure is met as often as it says, by the first requests that match it; of too many failures the oldest is forgotten.

use axum::http::Method;
use serde::Deserialize;
use serde_json::Value;

use crate::service::Service;

/// Failures that wait for their requests.
const MAX_FAILURES: usize = 1000;

/// Makes coming requests fail that match all of its conditions.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// Only requests to this service; absent: to any.
    #[serde(default)]
    pub service: Option<Service>,
    /// Only requests with this method, in capitals; absent: with any.
    #[serde(default)]
    pub method: Option<String>,
    /// Only requests whose path begins so.
    pub path_prefix: String,
    /// The status to answer.
    pub status: u16,
    /// How many requests fail before the failure is over.
    #[serde(default = "once")]
    pub times: u32,
    /// The body to answer; absent: an error in the form of the service.
    #[serde(default)]
    pub body: Option<Value>,
    /// Carry the request out and lose only the answer, as a broken connection does.
    #[serde(default)]
    pub after_effect: bool,
    /// Close the connection in place of an answer; the status is then only what the log says.
    #[serde(default)]
    pub hangs_up: bool,
    /// Give no answer for as long as the client waits for one. The log does not have such a request; it counts as held.
    #[serde(default)]
    pub hangs: bool,
    /// How many such requests pass before the first one fails.
    #[serde(default)]
    pub skips: u32,
}

pub(crate) fn once() -> u32 {
    1
}

/// The failures to come, in the order in which they were asked for.
#[derive(Debug, Default)]
pub(crate) struct Failures(Vec<Failure>);

impl Failures {
    /// Makes coming requests fail; of too many failures the oldest is forgotten.
    pub(crate) fn add(&mut self, failure: Failure) {
        if self.0.len() >= MAX_FAILURES {
            self.0.remove(0);
        }
        self.0.push(failure);
    }

    /// The first failure that applies to this request. Its count goes down, and the last time removes it.
    pub(crate) fn take(&mut self, service: Service, method: &Method, path: &str) -> Option<Failure> {
        let wanted = |failure: &&mut Failure| {
            failure.times > 0
                && failure.service.is_none_or(|only| only == service)
                && failure.method.as_ref().is_none_or(|only| only == method.as_str())
                && path.starts_with(&failure.path_prefix)
        };
        let mut taken = None;
        for failure in self.0.iter_mut().filter(wanted) {
            if failure.skips > 0 {
                failure.skips -= 1;
                continue;
            }
            failure.times -= 1;
            taken = Some(failure.clone());
            break;
        }
        self.0.retain(|failure| failure.times > 0);
        taken
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn too_many_failures_push_out_the_oldest() {
        let mut failures = Failures::default();
        for number in 0..MAX_FAILURES + 5 {
            let failure = json!({"path_prefix": format!("/{number}"), "status": 500});
            failures.add(serde_json::from_value(failure).unwrap());
        }
        assert_eq!((failures.0.len(), failures.0[0].path_prefix.as_str()), (MAX_FAILURES, "/5"));
    }

    #[test]
    fn a_failure_lets_as_many_requests_pass_as_it_skips() {
        let mut failures = Failures::default();
        for (status, skips) in [(503, 2), (504, 0)] {
            let failure = json!({"path_prefix": "/a", "method": "POST", "status": status, "skips": skips});
            failures.add(serde_json::from_value(failure).unwrap());
        }
        let mut status =
            |method: Method, path| failures.take(Service::Mail, &method, path).map(|failure| failure.status);
        assert_eq!(status(Method::GET, "/a"), None);
        assert_eq!(status(Method::POST, "/b"), None);
        let all = [(); 4].map(|()| status(Method::POST, "/a/1"));
        assert_eq!(all, [Some(504), None, Some(503), None], "what passes one failure meets the next");
    }
}
