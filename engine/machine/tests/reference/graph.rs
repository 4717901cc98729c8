//! Graphs of states, and what happens to their instances.

/// An event that states wait for.
pub(crate) struct Definition {
    pub(crate) name: &'static str,
    pub(crate) event_type: &'static str,
    /// Whether it must have the key of the instance, which the first one binds.
    pub(crate) has_key: bool,
    /// Whether its user must be that of the data.
    pub(crate) has_user: bool,
}

pub(crate) const EVENTS: [Definition; 4] = [
    Definition { name: "plain", event_type: "t.plain", has_key: false, has_user: false },
    Definition { name: "keyed", event_type: "t.keyed", has_key: true, has_user: false },
    Definition { name: "mine", event_type: "t.mine", has_key: false, has_user: true },
    Definition { name: "both", event_type: "t.both", has_key: true, has_user: true },
];

/// The error definitions: name and code.
pub(crate) const ERRORS: [(&str, Option<&str>); 6] = [
    ("broken", Some("500")),
    ("missing", Some("404")),
    ("lost", Some("communication")),
    ("late", Some("timeout")),
    ("wrong", Some("expression")),
    ("Named", None),
];

/// The errors in `retryableErrors` and `nonRetryableErrors`, as indexes of [`ERRORS`].
pub(crate) const LISTED: [usize; 2] = [1, 2];

/// How long an action sleeps, in milliseconds. Each kind of timer has times of its own, because nothing is said about what happens at the same
/// moment.
pub(crate) const ACTION_SLEEP: i64 = 529;

/// A retry definition. Times are milliseconds.
pub(crate) struct Policy {
    pub(crate) name: &'static str,
    pub(crate) delay: i64,
    pub(crate) multiplier: i64,
    pub(crate) increment: i64,
    pub(crate) longest: Option<i64>,
    pub(crate) retries: Option<u32>,
}

pub(crate) const POLICIES: [Policy; 2] = [
    Policy { name: "twice", delay: 1061, multiplier: 2, increment: 0, longest: None, retries: Some(2) },
    Policy { name: "often", delay: 1061, multiplier: 1, increment: 1000, longest: Some(2161), retries: None },
];

/// A graph of states; the first one is an inject state before them.
#[derive(Debug, Clone)]
pub(crate) struct Graph {
    pub(crate) states: Vec<State>,
    /// The states that compensate others.
    pub(crate) undos: Vec<State>,
    pub(crate) auto_retries: bool,
    pub(crate) limit: Option<WorkflowLimit>,
}

/// `workflowExecTimeout`.
#[derive(Debug, Clone)]
pub(crate) struct WorkflowLimit {
    pub(crate) seconds: i64,
    pub(crate) interrupts: bool,
    /// The state of `runBefore`.
    pub(crate) run_before: Option<State>,
}

/// A state.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) kind: Kind,
    pub(crate) exit: Exit,
    pub(crate) handlers: Vec<Handler>,
    /// Index of the state that compensates it.
    pub(crate) compensated_by: Option<usize>,
    /// `stateExecTimeout`, with retries, in seconds.
    pub(crate) total: Option<i64>,
    /// `stateExecTimeout` of one execution, in seconds.
    pub(crate) single: Option<i64>,
    /// `actionExecTimeout`, in seconds.
    pub(crate) action_limit: Option<i64>,
    /// Whether it has state data filters.
    pub(crate) filters: bool,
}

/// A transition or an end.
#[derive(Debug, Clone)]
pub(crate) struct Exit {
    /// Index of a state, or a larger number, which is the end.
    pub(crate) to: usize,
    /// Whether an event is published.
    pub(crate) produces: bool,
    pub(crate) compensates: bool,
}

/// An entry of `onErrors`: the indexes of its errors.
#[derive(Debug, Clone)]
pub(crate) struct Handler {
    pub(crate) errors: Vec<usize>,
    pub(crate) exit: Exit,
}

/// What a state does. Time limits are seconds.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Inject(i64),
    Sleep(i64),
    /// A switch on data: the condition is that the counter is above a number.
    Choose {
        above: i64,
        then: Exit,
    },
    Operation {
        actions: Vec<Action>,
        parallel: bool,
    },
    Parallel {
        branches: Vec<Branch>,
        at_least: Option<usize>,
    },
    ForEach {
        length: usize,
        /// How many elements run at the same time; `None`: all.
        batch: Option<usize>,
        actions: Vec<Action>,
        collects: bool,
    },
    Event {
        exclusive: bool,
        entries: Vec<Entry>,
        limit: Option<i64>,
    },
    /// A switch on events; the state's exit is the default.
    Switch {
        conditions: Vec<(usize, Exit)>,
        limit: Option<i64>,
    },
    Callback {
        action: Action,
        event: usize,
        limit: Option<i64>,
    },
}

/// A branch of a parallel state.
#[derive(Debug, Clone)]
pub(crate) struct Branch {
    pub(crate) actions: Vec<Action>,
    pub(crate) limit: Option<i64>,
    pub(crate) action_limit: Option<i64>,
}

/// An entry of `onEvents`: the indexes of its events.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) events: Vec<usize>,
    pub(crate) actions: Vec<Action>,
    pub(crate) parallel: bool,
}

/// An action.
#[derive(Debug, Clone)]
pub(crate) struct Action {
    pub(crate) what: What,
    /// It runs only while the counter is below this number.
    pub(crate) below: Option<i64>,
    /// Whether it sleeps before.
    pub(crate) before: bool,
    /// Whether it sleeps afterwards.
    pub(crate) after: bool,
    /// Whether its result goes to a place of its own.
    pub(crate) to: bool,
    pub(crate) uses_results: bool,
    /// Index of its retry definition.
    pub(crate) retry: Option<usize>,
    /// Whether it has a list of the errors that are retried, or are not.
    pub(crate) lists_errors: bool,
}

/// What an action does.
#[derive(Debug, Clone)]
pub(crate) enum What {
    Call,
    /// An expression that counts up.
    Count,
    /// An expression that fails.
    Fail,
    Subflow,
    /// Publishes an event and waits for another one, at most for some seconds.
    Ask(usize, Option<i64>),
    /// Only publishes an event.
    Tell,
    /// A call that nobody waits for.
    Fire,
    /// A subflow that nobody waits for, and whether it outlives the instance.
    Detach(bool),
}

/// What becomes of a call or a subflow.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outcome {
    Result,
    /// The service answers with this status.
    Status(u16),
    /// The service answers with status 409, and names the error in the body.
    Named,
    /// The service cannot be reached.
    Lost,
}

/// What happens to an instance.
#[derive(Debug, Clone)]
pub(crate) enum Happening {
    /// One of the calls and subflows in flight ends.
    Answer(usize, Outcome),
    Event {
        event: usize,
        key: Option<String>,
        user: Option<String>,
    },
    /// Seconds pass.
    Time(i64),
    Abort,
}

/// The data of an event.
pub(crate) fn payload(event: usize, number: i64) -> serde_json::Value {
    serde_json::json!({EVENTS[event].name: number})
}

/// The result of a call or a subflow.
pub(crate) fn result(number: i64) -> serde_json::Value {
    serde_json::json!({"n": number, "l": [number % 3]})
}
