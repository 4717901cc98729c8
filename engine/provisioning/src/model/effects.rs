//! What a change brings about beyond itself.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Failure, Request, State, Step};

/// What the caller carries out in the transaction of the change.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Transitions, for the history.
    pub(crate) transitions: Vec<Transition>,
    /// Events for everybody who listens.
    pub(crate) events: Vec<Happened>,
    /// What flows are told.
    pub(crate) told: Vec<Told>,
    /// Whether quota or capacity may have become free.
    pub(crate) frees: bool,
    /// Whether those that depend on the request have to be looked at.
    pub(crate) settled: bool,
    /// Whether the approval that the request waits for is withdrawn.
    pub(crate) withdraws_approval: bool,
}

/// One transition of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Transition {
    /// Number among those of the request, from 1.
    pub(crate) sequence: u64,
    /// From which state; `None` for the first.
    pub(crate) from: Option<State>,
    /// To which state.
    pub(crate) to: State,
    /// Who brought it about.
    pub(crate) by: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
    /// When.
    pub(crate) at: Timestamp,
}

/// A type of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventKind {
    /// A request was made, or is tried again.
    Started,
    /// A step is done.
    StepCompleted,
    /// What a request takes is reserved at the provider.
    Allocated,
    /// A service is switched on.
    Activated,
    /// A request is done.
    Completed,
    /// A request came to nothing.
    Failed,
    /// A service is switched off.
    Suspended,
    /// A service is switched on again.
    Reactivated,
    /// Nothing is left of a request.
    RolledBack,
    /// A private cloud product was created, edited or deleted.
    ProductChanged,
}

impl EventKind {
    /// All types.
    pub(crate) const ALL: [Self; 10] = [
        Self::Started,
        Self::StepCompleted,
        Self::Allocated,
        Self::Activated,
        Self::Completed,
        Self::Failed,
        Self::Suspended,
        Self::Reactivated,
        Self::RolledBack,
        Self::ProductChanged,
    ];

    /// The `type` of the event.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Started => "provisioning.started",
            Self::StepCompleted => "provisioning.step-completed",
            Self::Allocated => "resource.allocated",
            Self::Activated => "service.activated",
            Self::Completed => "provisioning.completed",
            Self::Failed => "provisioning.failed",
            Self::Suspended => "service.suspended",
            Self::Reactivated => "service.reactivated",
            Self::RolledBack => "provisioning.rolled-back",
            Self::ProductChanged => "product.changed",
        }
    }
}

/// An event, with the data that it has at its moment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Happened {
    /// `<request>-<number among its events>`: the same however often it is delivered.
    pub(crate) id: String,
    /// Its type.
    pub(crate) kind: EventKind,
    /// The number of the transition that it belongs to.
    pub(crate) sequence: u64,
    /// Its data.
    pub(crate) data: Value,
    /// When.
    pub(crate) at: Timestamp,
}

impl Happened {
    /// An event of a request, which has counted it already.
    pub(super) fn of(request: &Request, kind: EventKind, step: Option<Step>, at: Timestamp) -> Self {
        let asked = &request.asked;
        let mut data = serde_json::Map::new();
        let mut put = |name: &str, value: Value| {
            data.insert(name.to_owned(), value);
        };
        put("requestId", request.id.clone().into());
        put("orderId", asked.order_id.clone().into());
        put("pool", asked.pool.clone().into());
        put("requester", asked.requester.clone().into());
        put("type", asked.kind.clone().into());
        put("provider", asked.provider.clone().into());
        put("region", asked.region.clone().into());
        put("cluster", request.cluster.clone().into());
        put("state", request.state.name().into());
        put("resources", as_json(&asked.resources));
        if let Some(step) = step {
            put("step", step.name().into());
        }
        if !request.recorded.is_empty() {
            put("allocated", as_json(&request.recorded));
        }
        if let Some(access) = &request.access {
            put("access", as_json(access));
        }
        if let Some(failure) = &request.failure {
            put("failure", as_json(&Failure { attempts: Some(request.attempt), ..failure.clone() }));
        }
        if let (EventKind::RolledBack, Some(cause)) = (kind, request.cause) {
            put("cause", as_json(&cause));
        }
        Self {
            id: format!("{}-{}", request.id, request.events),
            kind,
            sequence: request.transitions,
            data: Value::Object(data),
            at,
        }
    }
}

/// What is made of strings, numbers and lists alone can always be written.
pub(crate) fn as_json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// Something that a flow is told: an event for the engine.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    /// `type` of the event.
    pub(crate) event_type: String,
    /// The instance that waits for it.
    pub(crate) instance: Option<String>,
    /// The request whose flow it starts or is for.
    pub(crate) business_key: Option<String>,
    /// Its data.
    pub(crate) data: Value,
}
