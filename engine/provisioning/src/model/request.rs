//! A request: what was asked for, how far it is, and what was made for it.

use jiff::Timestamp;
use rondo_definition::parse_moment;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Map, Value};

use super::{
    Effects, EventKind, Happened, Resources, State, Step, StepRecord, StepStatus, Transition, Violation,
    Wanted,
};

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewRequest {
    /// Its name in a batch.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<String>,
    /// The pool it counts against.
    pub(crate) pool: String,
    /// Who asks: an entity reference.
    pub(crate) requester: String,
    /// What: `vps`, `namespace`, …
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// By whom: `openstack`, `kubernetes`, …
    pub(crate) provider: String,
    /// Name for people.
    pub(crate) name: String,
    /// How much, in total.
    pub(crate) resources: Resources,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) region: Option<String>,
    /// At which cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cluster: Option<String>,
    /// At which clusters it is not made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) except_clusters: Vec<String>,
    /// From which image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) image: Option<String>,
    /// Ports that are open beside the usual ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) ports: Vec<u16>,
    /// Whose it will be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<String>,
    /// The order that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) order_id: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// Requests that must be completed before it begins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) depends_on: Vec<String>,
    /// The moment before which it does not begin.
    #[serde(default, deserialize_with = "moment", skip_serializing_if = "Option::is_none")]
    pub(crate) launch_at: Option<Timestamp>,
    /// How long it runs once it is completed, a duration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_run_time: Option<String>,
    /// An approval that was granted to its requester in its pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) approval_id: Option<String>,
    /// The instance that is told when it is finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reply_to: Option<String>,
}

/// Reads a moment as deadlines are read, so that the end of the year 9999 is one.
fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let moment = parse_moment(&text).and_then(|moment| Timestamp::from_millisecond(moment).ok());
    moment
        .map(Some)
        .ok_or_else(|| D::Error::custom(format_args!("`{text}` is no moment such as 2027-01-31T09:00:00Z")))
}

impl NewRequest {
    /// What it wants of a cluster.
    pub(crate) fn wanted(&self) -> Wanted<'_> {
        Wanted {
            provider: &self.provider,
            region: self.region.as_deref(),
            cluster: self.cluster.as_deref(),
            except: &self.except_clusters,
            resources: &self.resources,
        }
    }
}

/// Why a request came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failure {
    /// For programs: `QUOTA_EXCEEDED`, `NO_CLUSTER`, `REJECTED`, …, or what the flow says.
    pub(crate) code: String,
    /// For people.
    pub(crate) message: String,
    /// In which step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) step: Option<Step>,
    /// How often it was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) attempts: Option<u32>,
    /// Limits that it would exceed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) violations: Vec<Violation>,
}

impl Failure {
    /// A failure outside of a step.
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            step: None,
            attempts: None,
            violations: Vec::new(),
        }
    }
}

/// Why a request is rolled back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Cause {
    /// It failed.
    Failure,
    /// Somebody did not want it any more before it was done.
    Cancelled,
    /// It is not needed any more.
    Deprovisioned,
}

/// Something that was made for a request, or is about to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Recorded {
    /// `server`, `port`, `namespace`, …
    pub(crate) kind: String,
    /// Its name, which only this request uses.
    pub(crate) name: String,
    /// Whether it is known to be there.
    pub(crate) status: RecordedStatus,
    /// Its id at the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) provider_id: Option<String>,
    /// What else is known of it.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(crate) attributes: Map<String, Value>,
}

/// Whether something that was recorded is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RecordedStatus {
    /// It may be there: the call that makes it is about to be made.
    Creating,
    /// It is there.
    Created,
}

/// How what was made can be reached. Nothing secret is in here.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Access {
    /// Address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ip: Option<String>,
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hostname: Option<String>,
    /// Names and addresses of what it offers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) endpoints: Vec<Value>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) notes: Option<String>,
}

impl Access {
    /// Whether it says nothing.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A request of the desk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Request {
    /// Its id.
    pub(crate) id: String,
    /// What was asked for.
    pub(crate) asked: NewRequest,
    /// Its state.
    pub(crate) state: State,
    /// What it waits for, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) waits_for: Option<String>,
    /// Since when it waits for a place at a cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) waits_since: Option<Timestamp>,
    /// The rule that held it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rule_id: Option<String>,
    /// The approval that it waits for, or that was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) approval_id: Option<String>,
    /// Whether that approval was given, so that nobody is asked again.
    #[serde(default)]
    pub(crate) is_approved: bool,
    /// Where it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cluster: Option<String>,
    /// Its four steps.
    pub(crate) steps: Vec<StepRecord>,
    /// How often it was begun.
    pub(crate) attempt: u32,
    /// What was made for it, in the order in which it was made.
    #[serde(default)]
    pub(crate) recorded: Vec<Recorded>,
    /// How it is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) access: Option<Access>,
    /// Why it came to nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<Failure>,
    /// Why it is rolled back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<Cause>,
    /// The flow that works on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) instance_id: Option<String>,
    /// A change of power that its flow was told and has not reported yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) power_asked: Option<String>,
    /// How many transitions it has had.
    pub(crate) transitions: u64,
    /// How many events it has caused.
    pub(crate) events: u64,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When it changed last.
    pub(crate) changed_at: Timestamp,
    /// When it was completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) completed_at: Option<Timestamp>,
}

/// Who changes a request, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Act<'a> {
    /// Entity reference, or `desk`.
    pub(crate) by: &'a str,
    /// Why, in their words.
    pub(crate) why: Option<&'a str>,
    /// The moment.
    pub(crate) now: Timestamp,
}

impl Request {
    /// A request that nobody has looked at yet.
    pub(crate) fn new(id: String, asked: NewRequest, now: Timestamp) -> Self {
        Self {
            id,
            asked,
            state: State::Queued,
            waits_for: None,
            waits_since: None,
            rule_id: None,
            approval_id: None,
            is_approved: false,
            cluster: None,
            steps: Step::ALL.map(StepRecord::pending).to_vec(),
            attempt: 1,
            recorded: Vec::new(),
            access: None,
            failure: None,
            cause: None,
            instance_id: None,
            power_asked: None,
            transitions: 0,
            events: 0,
            created_at: now,
            changed_at: now,
            completed_at: None,
        }
    }

    /// Whether its quota and its place at a cluster are taken: until nothing is left of it.
    pub(crate) fn holds(&self) -> bool {
        match self.state {
            State::RolledBack => false,
            State::Failed => !self.recorded.is_empty(),
            _ => true,
        }
    }

    /// What is known of a step.
    pub(crate) fn step(&self, step: Step) -> StepStatus {
        self.steps.iter().find(|record| record.name == step).map(|record| record.status).unwrap_or_default()
    }

    /// Goes over to another state.
    pub(super) fn enter(&mut self, to: State, from: Option<State>, act: Act<'_>, effects: &mut Effects) {
        self.state = to;
        self.changed_at = act.now;
        self.transitions += 1;
        effects.transitions.push(Transition {
            sequence: self.transitions,
            from,
            to,
            by: act.by.to_owned(),
            why: act.why.map(str::to_owned),
            at: act.now,
        });
    }

    pub(super) fn go(&mut self, to: State, act: Act<'_>, effects: &mut Effects) {
        debug_assert!(self.state.next().contains(&to), "{:?} to {to:?}", self.state);
        self.enter(to, Some(self.state), act, effects);
    }

    pub(super) fn emit(&mut self, kind: EventKind, step: Option<Step>, act: Act<'_>, effects: &mut Effects) {
        self.events += 1;
        effects.events.push(Happened::of(self, kind, step, act.now));
    }
}
