//! GitHub: the token that a user linked, and what flows may do with repositories.
//!
//! Promises: nothing of an account but repositories, their hooks and who it is.

use std::collections::BTreeMap;

use super::{
    call::{Call, Rule},
    provider::{Login, Place, Provider, Session},
};

pub(super) struct GitHub;

/// The name of the service, as paths and tokens of users have it.
pub(super) const SERVICE: &str = "github";

const RULES: &[Rule] = &[
    Rule("GET", "user"),
    Rule("POST", "user/repos"),
    Rule("GET DELETE", "repos/*/*"),
    Rule("POST", "repos/*/*/generate"),
    // Whether anything was pushed since, before a repository is taken back.
    Rule("GET", "repos/*/*/commits"),
    Rule("GET POST", "repos/*/*/hooks"),
    Rule("GET DELETE", "repos/*/*/hooks/*"),
];

impl Provider for GitHub {
    fn services(&self) -> &'static [(&'static str, &'static [Rule])] {
        &[(SERVICE, RULES)]
    }

    fn login(&self, place: &Place) -> Result<Login, String> {
        let token = place.required("token")?;
        let endpoints = BTreeMap::from([(SERVICE.to_owned(), place.api_url()?.to_owned())]);
        let headers = vec![("Authorization".to_owned(), format!("Bearer {token}"))];
        Ok(Login::Ready(Session::new(endpoints, headers, &[token])))
    }

    fn headers(&self, _service: &str) -> &'static [(&'static str, &'static str)] {
        &[("X-GitHub-Api-Version", "2022-11-28")]
    }

    fn checks(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[(SERVICE, "user", "")]
    }

    fn check_body(&self, call: &Call) -> Result<(), String> {
        // A hook that GitHub is told to send without a look at the certificate would show its secret to who listens.
        let is_insecure = |call: &Call| {
            call.body.as_ref().is_some_and(|body| {
                let given = &body["config"]["insecure_ssl"];
                given == 1 || given == "1"
            })
        };
        if call.path.ends_with("/hooks") && is_insecure(call) {
            return Err("the gateway makes no hook with `insecure_ssl`".to_owned());
        }
        Ok(())
    }
}
