//! Passes a call of a flow on to its cluster, and the answer back.
//!
//! Promises: what the rules do not list is refused before anything is sent; the answer has the service's own status and body, without
//! passwords and without headers that identify anybody.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::{
    call::{Call, is_allowed},
    exchange::{Answer, CALL_TIME, Reached},
    hide,
};
use crate::{Desk, refusal::Refusal};

/// Headers of answers that are passed on, and beginnings of such. The others are of one connection (`connection`, `transfer-encoding`), of
/// the session (`x-subject-token`, `set-cookie`), or lead around the gateway (`location`).
const HEADERS: [&str; 4] = ["content-type", "retry-after", "etag", "last-modified"];
const BEGINNINGS: [&str; 3] = ["x-container-", "x-openstack-", "x-compute-"];

/// Says that something was there already.
const FOUND: HeaderName = HeaderName::from_static("x-desk-found");

/// An answer as it goes to the flow.
pub(crate) struct Passed {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// Where a call goes.
pub(crate) enum Target {
    /// A service of a cluster.
    Cluster(String),
    /// GitHub, with the token of a user.
    GitHubOf(String),
}

impl Desk {
    /// Passes a call on. `instance` is the one that calls. Once begun, the call is finished although nobody waits for it any more: given up
    /// half-way, a cluster would have done something of which nobody is told.
    pub(crate) async fn pass_on(
        &self,
        target: Target,
        instance: Option<String>,
        call: Call,
    ) -> Result<Passed, Refusal> {
        let desk = self.clone();
        let task = tokio::spawn(async move { desk.pass_on_to(&target, instance.as_deref(), call).await });
        task.await.unwrap_or_else(|_| {
            Err(Refusal::unavailable(
                "the call ended in a defect of the desk; the log of the engine says more",
            ))
        })
    }

    async fn pass_on_to(
        &self,
        target: &Target,
        instance: Option<&str>,
        mut call: Call,
    ) -> Result<Passed, Refusal> {
        let reached = match target {
            Target::Cluster(name) => self.reach(name).await?,
            Target::GitHubOf(user) => self.reach_github(user, instance).await?,
        };
        check(&reached, &call)?;
        if let Some(answer) = reached.provider.answer(&call) {
            return Ok(passed(Answer {
                status: 200,
                headers: HeaderMap::from_iter([(
                    reqwest::header::CONTENT_TYPE,
                    HeaderValue::from_static("application/json"),
                )]),
                body: answer.to_string().into_bytes(),
                is_found: false,
            }));
        }
        let secrets = self.fill_in(&mut call, instance).await?;
        let answer = if let Some(create) = reached.provider.create(&call) {
            self.make_once(&reached, &call, create).await?
        } else {
            let answer = self.exchange(&reached, &call, CALL_TIME, false).await;
            self.look_after(&reached, &call, answer.map_err(|failed| failed.refusal)?).await?
        };
        if (300..400).contains(&answer.status) {
            let cluster = &reached.place.cluster.name;
            let message =
                format!("the cluster `{cluster}` answered {}; redirects are not followed", answer.status);
            return Err(Refusal::no_answer(502, message));
        }
        let answer = clean(&reached, &call, answer)?;
        let body = match secrets {
            Some(secrets) => hide(&secrets, answer.body),
            None => answer.body,
        };
        Ok(passed(Answer { body, ..answer }))
    }
}

/// Refuses what is not listed.
fn check(reached: &Reached, call: &Call) -> Result<(), Refusal> {
    let services = reached.provider.services();
    let Some((_, rules)) = services.iter().find(|(service, _)| *service == call.service) else {
        let known: Vec<_> = services.iter().map(|(service, _)| *service).collect();
        let cluster = &reached.place.cluster;
        let message = format!(
            "the cluster `{}` is of the type {} and has no service `{}`",
            cluster.name, cluster.kind, call.service
        );
        return Err(Refusal::not_found_because(format!("{message}; it has {}", known.join(", "))));
    };
    let segments = call.segments().map_err(Refusal::bad_request)?;
    if !is_allowed(rules, &call.method, &segments) {
        let Call { method, service, path, .. } = call;
        return Err(Refusal::forbidden(format!(
            "the gateway lets no {method} of `{path}` at the service {service} through"
        )));
    }
    reached.provider.check_body(call).map_err(Refusal::forbidden)
}

/// Takes out of an answer what nobody may see.
fn clean(reached: &Reached, call: &Call, mut answer: Answer) -> Result<Answer, Refusal> {
    if answer.body.is_empty() || !reached.provider.cleans(call) {
        return Ok(answer);
    }
    match serde_json::from_slice(&answer.body) {
        Ok(mut body) => {
            if reached.provider.clean(&mut body) {
                answer.body = body.to_string().into_bytes();
            }
            Ok(answer)
        }
        // What cannot be read cannot be cleaned. An error page of a proxy has nothing in it.
        Err(_) if answer.is_success() => Err(Refusal::no_answer(
            502,
            format!("the cluster `{}` answered with something that is no JSON", reached.place.cluster.name),
        )),
        Err(_) => Ok(answer),
    }
}

fn passed(answer: Answer) -> Passed {
    let is_passed = |name: &HeaderName| {
        HEADERS.contains(&name.as_str())
            || BEGINNINGS.iter().any(|beginning| name.as_str().starts_with(beginning))
    };
    let mut headers: HeaderMap = answer
        .headers
        .iter()
        .filter(|(name, _)| is_passed(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if answer.is_found {
        headers.insert(FOUND, HeaderValue::from_static("true"));
    }
    Passed { status: answer.status, headers, body: answer.body }
}
