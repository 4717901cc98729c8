//! Why the desk refuses something: the table of codes.

use serde_json::{Value, json};

use crate::model::State;

/// A refusal, with what would be right.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{code}: {message}")]
pub(crate) struct Refusal {
    /// HTTP status.
    pub(crate) status: u16,
    /// Code for programs.
    pub(crate) code: &'static str,
    /// Sentence for people.
    pub(crate) message: String,
    /// More for programs.
    pub(crate) details: Option<Value>,
}

impl Refusal {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), details: None }
    }

    /// The message as people are told it on pages: a sentence.
    pub(crate) fn sentence(&self) -> String {
        let mut letters = self.message.chars();
        let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        format!("{first}{}.", letters.as_str())
    }

    fn with(self, details: Value) -> Self {
        Self { details: Some(details), ..self }
    }

    /// The body cannot be read.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BAD_REQUEST", message)
    }

    /// There is something at the path, and the method is none of its.
    pub(crate) fn method_not_allowed() -> Self {
        Self::new(
            405,
            "METHOD_NOT_ALLOWED",
            "the path does not have this method; the header `Allow` says which it has",
        )
    }

    /// The token is none of the desk's.
    pub(crate) fn unauthenticated() -> Self {
        let message = "a request needs the header `Authorization: Bearer …` with the token of a user of the desk or of the engine";
        Self::new(401, "UNAUTHENTICATED", message)
    }

    /// The user has linked no token of a service.
    pub(crate) fn link_account(user: &str, service: &str, link: &str) -> Self {
        let message =
            format!("{user} has linked no account of {service}; {link} is where to get a token of it");
        Self::new(401, "LINK_ACCOUNT", message).with(json!({"user": user, "service": service, "link": link}))
    }

    /// The person may not do it.
    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(403, "FORBIDDEN", message)
    }

    /// The person is none of the approvers.
    pub(crate) fn not_an_approver(person: &str, approvers: &[String]) -> Self {
        let message = format!("{person} is none of the approvers: {}", approvers.join(", "));
        Self::new(403, "NOT_AN_APPROVER", message)
    }

    /// The person has asked for it.
    pub(crate) fn four_eyes() -> Self {
        Self::new(403, "FOUR_EYES", "who asked may not decide; another approver can")
    }

    /// It is not there.
    pub(crate) fn not_found(what: &str, id: &str) -> Self {
        Self::new(404, "NOT_FOUND", format!("there is no {what} `{id}`"))
    }

    /// A change that may not follow the state. `legal` has what may: `{"to": state, "how": what to do for it}`.
    pub(crate) fn illegal(state: State, what: &str, legal: Vec<Value>) -> Self {
        let ways: Vec<_> = legal.iter().filter_map(|way| way["how"].as_str()).collect();
        let ways = if ways.is_empty() {
            "nothing more is possible".to_owned()
        } else {
            format!("possible: {}", ways.join("; "))
        };
        let message = format!("{what} is not possible while the request is {}; {ways}", state.name());
        Self::new(409, "ILLEGAL_TRANSITION", message).with(json!({"state": state.name(), "legal": legal}))
    }

    /// The flow goes on with a request that was cancelled.
    pub(crate) fn cancelled() -> Self {
        Self::new(409, "CANCELLED", "the request was cancelled; what was made for it has to be removed")
    }

    /// A flow of an attempt that is over reports something.
    pub(crate) fn attempt_over(attempt: u32, current: u32) -> Self {
        Self::new(
            409,
            "CANCELLED",
            format!("the attempt {attempt} is over, and the request in its attempt {current}"),
        )
    }

    /// Somebody has decided.
    pub(crate) fn already_decided(decision: &str, by: Option<&str>, at: Option<String>) -> Self {
        let who = by.map(|by| format!(" by {by}")).unwrap_or_default();
        Self::new(409, "ALREADY_DECIDED", format!("it is decided already: {decision}{who}"))
            .with(json!({"decision": decision, "by": by, "at": at}))
    }

    /// Something that was made for the request is still recorded.
    pub(crate) fn resources_left(left: &Value) -> Self {
        Self::new(409, "RESOURCES_LEFT", "there are recorded resources that were not removed")
            .with(json!({"recorded": left}))
    }

    /// The name is taken.
    pub(crate) fn name_taken(what: &str, name: &str) -> Self {
        Self::new(409, "NAME_TAKEN", format!("there is a {what} `{name}` already"))
    }

    /// Another request changes the product.
    pub(crate) fn active_request(plate: &str, request: &str, since: &str) -> Self {
        let message = format!(
            "the product {plate} has an active request, {request}; it can be changed when that has ended"
        );
        Self::new(409, "ACTIVE_REQUEST", message).with(json!({"request": request, "since": since}))
    }

    /// Nobody expects a callback.
    pub(crate) fn no_request_waits(plate: &str) -> Self {
        Self::new(404, "NOT_FOUND", format!("no request waits for a callback of the product `{plate}`"))
    }

    /// The thing does not have it.
    pub(crate) fn not_supported(message: impl Into<String>) -> Self {
        Self::new(409, "NOT_SUPPORTED", message)
    }

    /// It was there once.
    pub(crate) fn gone(message: impl Into<String>) -> Self {
        Self::new(410, "GONE", message)
    }

    /// The data are wrong; each fault with the JSON pointer of its place.
    pub(crate) fn invalid(faults: Vec<(String, String)>) -> Self {
        let texts: Vec<_> = faults
            .iter()
            .map(|(at, fault)| if at.is_empty() { fault.clone() } else { format!("{at}: {fault}") })
            .collect();
        let details: Vec<_> =
            faults.iter().map(|(at, fault)| json!({"pointer": at, "message": fault})).collect();
        Self::new(422, "INVALID", texts.join("; ")).with(json!({"faults": details}))
    }

    /// A single fault.
    pub(crate) fn invalid_at(pointer: &str, fault: impl Into<String>) -> Self {
        Self::invalid(vec![(pointer.to_owned(), fault.into())])
    }

    /// Requests depend on each other in a circle.
    pub(crate) fn cycle(way: &[String]) -> Self {
        let message = format!("the requests depend on each other in a circle: {}", way.join(" → "));
        Self::new(422, "DEPENDENCY_CYCLE", message).with(json!({"cycle": way}))
    }

    /// The decision needs a reason.
    pub(crate) fn reason_required() -> Self {
        Self::new(422, "REASON_REQUIRED", "the decision needs a reason")
    }

    /// It is not there, in the words of who looked for it.
    pub(crate) fn not_found_because(message: impl Into<String>) -> Self {
        Self::new(404, "NOT_FOUND", message)
    }

    /// Nothing was sent to the cluster; another try makes sense after so many seconds.
    pub(crate) fn cluster_unavailable(message: impl Into<String>, retry_after: u64) -> Self {
        Self::new(503, "CLUSTER_UNAVAILABLE", message).with(json!({"retryAfter": retry_after}))
    }

    /// The cluster does not take the credentials that the desk has of it.
    pub(crate) fn cluster_refuses(cluster: &str) -> Self {
        let message =
            format!("the cluster `{cluster}` does not take its credentials; an admin can change them");
        Self::new(401, "UNAUTHENTICATED", message)
    }

    /// Something was sent to the cluster, and there is no answer that can be given on: 502 or 504.
    pub(crate) fn no_answer(status: u16, message: impl Into<String>) -> Self {
        Self::new(status, "NO_ANSWER", message)
    }

    /// The engine cannot do it now.
    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(503, "UNAVAILABLE", message)
    }
}
