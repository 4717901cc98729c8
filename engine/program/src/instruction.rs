//! The instructions of a program.
//!
//! A frame of the machine runs them one after the other. Three registers belong to a frame: *data* (the state data),
//! *focus* (what the current action sees, when `fromStateData` narrowed it) and *result* (what the current action
//! gave; it may be absent, which is not the same as null). Each instruction says which of them it reads and writes.

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
    /// The innermost scope of the frame ends. The *result* of an action is what `$WORKFLOW.prevActionResult` shows next.
    Leave,
    /// *data* becomes the value of the expression over *data*.
    Filter(Expression),
    /// *data* is merged with the value, as it stands.
    Inject(Val),
    /// Goes on at the first arm whose condition is true, else at the default; without one it fails.
    Switch {
        /// Conditions over *data*, in the order they are tried.
        arms: Vec<(Expression, Pc)>,
        /// Where to go when none is true.
        default: Option<Pc>,
    },
    /// Goes on elsewhere.
    Jump(Pc),
    /// Waits.
    Sleep(Duration),
    /// Goes on elsewhere when the condition over *data* is not true: an action is skipped.
    SkipUnless {
        /// The action's condition.
        condition: Expression,
        /// First instruction behind the action.
        to: Pc,
    },
    /// *focus* and *result* become the value of the expression over *data*.
    Focus(Expression),
    /// *result* becomes the value of the expression over *focus*.
    Evaluate(Expression),
    /// Writes a line to the log; *result* is left alone.
    Log {
        /// How loud.
        level: LogLevel,
        /// The message over *focus*.
        message: Template,
    },
    /// Calls a function and waits for the answer, which becomes *result*.
    Call {
        /// Name of the function in the definition; what it is bound to is known outside.
        function: Arc<str>,
        /// Its arguments over *focus*.
        arguments: Arguments,
        /// Chooses URL and credentials among several configurations.
        config_key: Option<Expression>,
    },
    /// Starts an instance of another workflow with *focus* as its input and waits for its end; its data is *result*.
    Child {
        /// Id of the workflow.
        workflow: Arc<str>,
        /// Wanted version; the newest when absent.
        version: Option<Arc<str>>,
    },
    /// *result* becomes the value of the expression over it (over null when absent).
    Results(Expression),
    /// *data* is merged with *result*, at the top or at a path of it. An absent *result* changes nothing.
    Merge(Option<Expression>),
    /// Runs branches side by side, each on a copy of *data*; goes on when enough have ended, with what they changed
    /// merged in the order of the branches.
    Fork {
        /// The branches.
        branches: Vec<Branch>,
        /// How many must end.
        completion: Completion,
    },
    /// Runs the body once for each element of a collection.
    ForEach(Arc<Loop>),
    /// The frame ends: a branch, an iteration or a compensation.
    EndFrame,
    /// Waits for events. Which one arrived decides where to go on.
    Await {
        /// What may arrive.
        filters: Vec<EventFilter>,
        /// Whether one is enough; otherwise all must have arrived.
        exclusive: bool,
        /// Longest wait, and where to go on when it is over.
        timeout: Option<(Duration, Pc)>,
    },
    /// Runs the compensations of all states that completed and have one, the last completed first, each on what the
    /// one before left; goes on when the last has ended.
    Compensate,
    /// The instance ends as aborted.
    Abort,
    /// The path ends.
    End {
        /// Ends the whole instance, other paths included.
        terminate: bool,
        /// When it gives a text, the instance fails with it.
        error_message: Option<Template>,
    },
}

/// How loud a line of the log is.
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
    /// None are given.
    None,
    /// A JSON tree with expressions in it.
    Template(Template),
}

/// How long something lasts.
#[derive(Debug, Clone)]
pub enum Duration {
    /// Known from the document.
    Fixed(std::time::Duration),
    /// An expression over *data* that gives an ISO 8601 duration.
    Computed(Expression),
}

/// When a fork is done.
#[derive(Debug, Clone)]
pub enum Completion {
    /// All branches ended.
    All,
    /// So many ended.
    Count(usize),
    /// As many as the expression over *data* gives.
    Computed(Expression),
}

/// A loop over a collection.
#[derive(Debug, Clone)]
pub struct Loop {
    /// Gives the elements, over *data*.
    pub input: Expression,
    /// Where the results are put.
    pub output: Option<Expression>,
    /// Name of the variable that holds the element.
    pub parameter: Arc<str>,
    /// First instruction of the body.
    pub body: Pc,
    /// How many elements run side by side.
    pub batch: BatchSize,
}

/// How many elements of a loop run side by side.
#[derive(Debug, Clone)]
pub enum BatchSize {
    /// All.
    All,
    /// One after the other.
    One,
    /// All, but each begins only when the one before it does not wait for a call or a subflow, as in one thread.
    OneThread,
    /// So many; the next ones start when all of them are done. A number, or an expression over *data*.
    Of(Expression),
}

/// An event that is waited for.
#[derive(Debug, Clone)]
pub struct EventFilter {
    /// Names of events in the definition.
    pub events: Vec<Arc<str>>,
    /// Where to go on, with the payload as *result*.
    pub then: Pc,
}

/// One branch of a fork.
#[derive(Debug, Clone)]
pub struct Branch {
    /// Its first instruction.
    pub start: Pc,
}
