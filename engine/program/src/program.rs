//! A program and the tables its instructions point into.

use std::{sync::Arc, time::Duration};

use rondo_expression::{Expression, MergeRules, Val};

use crate::{Instruction, Pc};

/// Index into [`Program::states`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct StateId(pub u32);

/// Index into [`Program::actions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct ActionId(pub u32);

/// Version of the workflow, as written.
pub type Version = Arc<str>;

/// A workflow, ready to run.
#[derive(Debug)]
pub struct Program {
    /// Id of the workflow.
    pub id: Arc<str>,
    /// Name of the workflow.
    pub name: Arc<str>,
    /// Version of the workflow.
    pub version: Version,
    /// The instructions; the first state's begin at `start`.
    pub code: Vec<Instruction>,
    /// Where an instance begins.
    pub start: Pc,
    /// Where an instance goes on that is asked to abort: compensation, then the end.
    pub abort: Pc,
    /// Where an instance goes on whose time is over: the states that run before its end, then as above.
    pub overtime: Pc,
    /// What is known of each state.
    pub states: Vec<StateInfo>,
    /// What is known of each action.
    pub actions: Vec<ActionInfo>,
    /// What `$CONST` shows.
    pub constants: Val,
    /// Whether an instance stays active when its last path ended.
    pub keep_active: bool,
    /// Whether some expression looks at `$WORKFLOW.prevActionResult`, so that results must be kept.
    pub uses_previous: bool,
    /// How results are merged into data.
    pub merge: MergeRules,
    /// How long an instance may take.
    pub timeout: Option<Duration>,
}

/// What the machine knows of a state beside its instructions.
#[derive(Debug)]
pub struct StateInfo {
    /// Name in the document.
    pub name: Arc<str>,
    /// `operation`, `switch`, …
    pub kind: &'static str,
    /// Its first instruction.
    pub entry: Pc,
    /// Error handlers in the order they are tried.
    pub handlers: Vec<Handler>,
    /// First instruction of the state that undoes this one.
    pub compensation: Option<Pc>,
    /// How long one visit may take, retries included.
    pub timeout: Option<Duration>,
}

/// An error handler of a state.
#[derive(Debug)]
pub struct Handler {
    /// The errors it takes.
    pub errors: Vec<ErrorMatch>,
    /// Where the path goes on.
    pub then: Pc,
}

/// What an error definition is compared with. The rule is the machine's.
#[derive(Debug, Clone, PartialEq)]
pub struct ErrorMatch {
    /// Name of the definition.
    pub name: Arc<str>,
    /// Its code; without one only the name counts.
    pub code: Option<Arc<str>>,
}

/// What the machine knows of an action beside its instructions.
#[derive(Debug)]
pub struct ActionInfo {
    /// Its own name, else what it calls.
    pub name: Arc<str>,
    /// Name of the function, event or workflow that it calls.
    pub target: Arc<str>,
    /// The state it belongs to.
    pub state: StateId,
    /// Name of the branch it belongs to.
    pub branch: Option<Arc<str>>,
    /// How long one attempt may take.
    pub timeout: Option<Duration>,
    /// What to do when an attempt fails.
    pub retry: Option<RetryPolicy>,
}

/// When and how often a failed action is tried again.
#[derive(Debug)]
pub struct RetryPolicy {
    /// Wait before the first retry.
    pub delay: Duration,
    /// Longest wait.
    pub max_delay: Option<Duration>,
    /// Added to the wait each time.
    pub increment: Duration,
    /// The wait is multiplied by this each time.
    pub multiplier: f64,
    /// Retries, the first attempt not counted. `None`: unlimited.
    pub max_attempts: Option<u32>,
    /// Random part of the wait.
    pub jitter: Option<Jitter>,
    /// Only these errors are retried; `None`: all.
    pub only: Option<Vec<ErrorMatch>>,
    /// These are not.
    pub except: Vec<ErrorMatch>,
}

/// Random part of a wait.
#[derive(Debug, Clone, Copy)]
pub enum Jitter {
    /// Up to this fraction of the wait, up or down.
    Fraction(f64),
    /// Up to this long, up or down.
    Span(Duration),
}

impl Program {
    /// The instruction at `pc`; `None` only for a counter that is not of this program.
    pub fn instruction(&self, pc: Pc) -> Option<&Instruction> {
        self.code.get(pc as usize)
    }

    /// What is known of a state.
    pub fn state(&self, id: StateId) -> Option<&StateInfo> {
        self.states.get(id.0 as usize)
    }

    /// What is known of an action.
    pub fn action(&self, id: ActionId) -> Option<&ActionInfo> {
        self.actions.get(id.0 as usize)
    }

    /// What the action that begins at `pc` does: `call`, `subflow`, `log`, or `compute`.
    pub fn action_kind(&self, pc: Pc) -> &'static str {
        let behind = self.code.iter().skip(pc as usize + 1);
        behind
            .take_while(|instruction| !matches!(instruction, Instruction::LeaveAction))
            .find_map(|instruction| match instruction {
                Instruction::Call { .. } => Some("call"),
                Instruction::Child { .. } => Some("subflow"),
                Instruction::Log { .. } => Some("log"),
                _ => None,
            })
            .unwrap_or("compute")
    }

    /// Every function that some instruction calls, with the expression that chooses its configuration.
    pub fn calls(&self) -> impl Iterator<Item = (&Arc<str>, Option<&Expression>)> {
        self.code.iter().filter_map(|instruction| match instruction {
            Instruction::Call { function, config_key, .. } => Some((function, config_key.as_ref())),
            _ => None,
        })
    }
}
