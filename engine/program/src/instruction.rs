//! The instructions of a program.
//!
//! A frame of the machine runs them one after the other. A frame has three registers: *data* (the state data), *focus* (the part of the
//! data that `fromStateData` selects for the current action; without it, the data) and *result* (the result of the current action; an absent
//! result is not the same as null). Each instruction says which registers it reads and writes.

use std::sync::Arc;

use rondo_expression::{Expression, Val};

use crate::ScopeId;

pub use rondo_expression::Template;

/// Index of an instruction in [`crate::Program::code`].
pub type Pc = u32;

/// One step of a program.
#[derive(Debug, Clone)]
pub enum Instruction {
    /// A scope begins: its error handlers and time limit apply from here. Clears *focus* and *result*.
    Enter(ScopeId),
    /// The innermost scope of the frame ends. If it is an action, `$WORKFLOW.prevActionResult` shows its *result* from now on.
    Leave,
    /// *data* becomes the value of the expression over *data* (spec-0.8, "State data filters").
    FilterData(Expression),
    /// The same, but a value of null leaves *data* as it is (`rondo.compat=spec`).
    SelectData(Expression),
    /// Merges the value into *data*.
    Inject(Val),
    /// Jumps to the first arm whose condition is true, else to the default. Fails if there is no default.
    Switch {
        /// Conditions over *data*, in the order in which they are evaluated, each with its target.
        arms: Vec<(Expression, Pc)>,
        /// The target if no condition is true.
        default: Option<Pc>,
    },
    /// Continues at another instruction.
    Jump(Pc),
    /// Waits for a time.
    Sleep(Duration),
    /// Skips an action unless its condition over *data* is true.
    SkipUnless {
        /// The action's condition.
        condition: Expression,
        /// The first instruction after the action.
        to: Pc,
    },
    /// *focus* and *result* become the value of the expression over *data*.
    Focus(Expression),
    /// *result* becomes the value of the expression over *focus*.
    Evaluate(Expression),
    /// Writes a line to the log; *result* does not change.
    Log {
        /// The level of the line.
        level: LogLevel,
        /// The message over *focus*.
        message: Template,
    },
    /// Calls a function and waits for the answer, which becomes *result*.
    Call {
        /// Name of the function in the definition. The caller of the machine knows the service that it is bound to.
        function: Arc<str>,
        /// Its arguments over *focus*.
        arguments: Arguments,
        /// Selects one of several configurations of URL and credentials.
        config_key: Option<Expression>,
        /// Whether the frame goes on at once, without a *result*. The answer is dropped, and a failure is only noted (spec-0.8, `invoke: async`).
        is_async: bool,
    },
    /// Starts an instance of another workflow with *focus* as its input and waits for its end; its data becomes *result*.
    Subflow {
        /// Id of the workflow.
        workflow: Arc<str>,
        /// Version of the workflow; absent: the highest.
        version: Option<Arc<str>>,
        /// If the frame goes on at once, without a *result* (spec-0.8, `invoke: async`): what happens to the subflow when this instance ends.
        detached: Option<OnParentEnd>,
    },
    /// *result* becomes the value of the expression over *result* (over null if it is absent).
    FilterResult(Expression),
    /// Merges *result* into *data*: at the top level, or at the path. An absent *result* changes nothing.
    Merge(Option<Expression>),
    /// Runs branches in parallel, each on a copy of *data*. Continues when enough branches have ended, and merges their changes in the order
    /// of the branches.
    Fork {
        /// The branches.
        branches: Vec<Branch>,
        /// How many branches must end.
        completion: Completion,
    },
    /// Runs the body once for each element of a collection.
    ForEach(Arc<Loop>),
    /// The frame ends: a branch, an iteration or a compensation.
    EndFrame,
    /// Waits for events. The event that arrives decides where the frame continues, with its payload as *result*.
    Await {
        /// The awaited events, each with its target.
        filters: Vec<EventFilter>,
        /// Whether the first event ends the wait. Otherwise all of them must arrive; their payloads wait for [`Instruction::TakeEvent`].
        exclusive: bool,
        /// The longest wait, and what happens when it has passed.
        timeout: Option<EventTimeout>,
    },
    /// *result* becomes the payload of an event that the last [`Instruction::Await`] waited for, together with others.
    TakeEvent(Arc<str>),
    /// Publishes an event. The message is durable with the state of the instance, and sent afterwards.
    Publish {
        /// Name of the event in the definition.
        event: Arc<str>,
        /// Its data over *focus*; absent: *focus*.
        data: Option<Template>,
        /// Its extension attributes over *focus*.
        attributes: Vec<(Arc<str>, Template)>,
    },
    /// Runs the compensations of all completed states, the state that completed last first. Each compensation works on the data that the one
    /// before it left. Continues when the last compensation has ended (spec-0.8, "Workflow Compensation").
    Compensate,
    /// The instance ends with the status aborted.
    Abort,
    /// The path ends.
    End {
        /// Whether the whole instance ends, with all other paths.
        terminate: bool,
        /// If it evaluates to a text, the instance fails with this text as its message (SonataFlow's `metadata.errorMessage`).
        error_message: Option<Template>,
        /// The workflow that continues; the instance then ends with all paths.
        successor: Option<Box<Successor>>,
    },
}

/// The workflow that continues when an instance ends (spec-0.8, `continueAs`).
#[derive(Debug, Clone)]
pub struct Successor {
    /// Id of the workflow.
    pub workflow: Arc<str>,
    /// Version of the workflow; absent: the highest.
    pub version: Option<Arc<str>>,
    /// The input of the new instance over *data*; absent: *data*.
    pub data: Option<Template>,
    /// The time limit of the new instance; absent: that of its workflow.
    pub limit: Option<TimeLimit>,
}

/// The time limit of an instance (spec-0.8, `workflowExecTimeout`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLimit {
    /// The longest time.
    pub after: std::time::Duration,
    /// Whether actions that run then are given up. Otherwise they finish, their results count, and nothing new starts.
    pub interrupt: bool,
}

/// What happens to a subflow that nobody waits for when the instance that started it ends (spec-0.8, `onParentComplete`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnParentEnd {
    /// It is aborted.
    Terminate,
    /// It goes on.
    Continue,
}

/// Level of a line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// Arguments of a call.
#[derive(Debug, Clone)]
pub enum Arguments {
    /// The action gives no arguments.
    None,
    /// A JSON value whose texts may be expressions.
    Template(Template),
}

/// A length of time.
#[derive(Debug, Clone)]
pub enum Duration {
    /// A constant of the document.
    Fixed(std::time::Duration),
    /// An expression over *data* that gives an ISO 8601 duration, or the moment at which the time ends.
    Computed(Expression),
}

/// When a fork completes.
#[derive(Debug, Clone)]
pub enum Completion {
    /// When all branches have ended.
    All,
    /// When this many branches have ended.
    Count(usize),
    /// When as many branches have ended as the expression over *data* says.
    Computed(Expression),
}

/// A loop over a collection.
#[derive(Debug, Clone)]
pub struct Loop {
    /// The collection: an expression over *data*.
    pub input: Expression,
    /// The path in *data* for the results of the elements.
    pub output: Option<Expression>,
    /// Whether the actions of an element work on a copy of *data*, which ends with the element. Otherwise they work on *data* itself, as on
    /// SonataFlow.
    pub is_isolated: bool,
    /// Name of the variable that holds the current element.
    pub parameter: Arc<str>,
    /// First instruction of the body.
    pub body: Pc,
    /// How many elements run at the same time.
    pub batch: BatchSize,
}

/// How many elements of a loop run at the same time.
#[derive(Debug, Clone)]
pub enum BatchSize {
    /// All elements.
    All,
    /// One element after the other.
    One,
    /// All elements, but an element starts only when the element before it waits neither for a call nor for a subflow, as in one thread
    /// of SonataFlow.
    OneThread,
    /// As many as the expression over *data* says. The next batch starts when all elements of this one have ended.
    Of(Expression),
}

/// The events that lead to one target.
#[derive(Debug, Clone)]
pub struct EventFilter {
    /// Names of events in the definition.
    pub events: Vec<Arc<str>>,
    /// Where the frame continues.
    pub then: Pc,
}

/// The end of a wait for events.
#[derive(Debug, Clone)]
pub struct EventTimeout {
    /// The longest wait.
    pub after: Duration,
    /// Where the frame continues without an event. `None`: the error `timeout` is raised.
    pub then: Option<Pc>,
    /// Whether a handler that takes the error `TimedOut` comes before `then` (SonataFlow).
    pub is_handled_first: bool,
}

/// One branch of a fork.
#[derive(Debug, Clone)]
pub struct Branch {
    /// The first instruction of the branch.
    pub start: Pc,
}
