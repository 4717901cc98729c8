//! What a turn may look at beside the program and the snapshot, and what `$WORKFLOW` shows.

use std::sync::Arc;

use rondo_expression::{Budget, Lookup, Val};
use rondo_program::Program;

/// Surroundings of a turn. They stay the same for the life of an instance, and are not part of its snapshot: headers
/// and secrets must not be stored with it.
#[derive(Debug, Clone)]
pub struct Context {
    /// Id of the instance, as text.
    pub instance: Arc<str>,
    /// Who asked for it, as `$WORKFLOW.identity` shows it.
    pub identity: Arc<str>,
    /// Headers of the request that started it: an object.
    pub headers: Val,
    /// What `$SECRET` shows.
    pub secrets: Val,
    /// Variables of the callers of a subflow.
    pub variables: Arc<[(Arc<str>, Val)]>,
    /// Bound of each evaluation.
    pub budget: Budget,
    /// How many times faster than written the durations of a definition pass (tests and demos; else 1).
    pub speed: u32,
    /// What the data of a completed instance must satisfy.
    pub output: Option<Arc<dyn OutputCheck>>,
    /// How many instructions an instance may run without waiting before it fails, those for the elements of a loop not counted.
    /// Protects against definitions that go round in circles without ever waiting.
    pub max_steps: u32,
    /// How much one turn may do: an instruction is 1, and so are 1000 steps of an expression. What is left is done in
    /// the next turn, so that others come up in between.
    pub turn_steps: u32,
}

/// Checks the data with which an instance wants to end; a pure function of them.
pub trait OutputCheck: std::fmt::Debug + Send + Sync {
    /// `Err` says, for people, what is wrong with the data.
    fn check(&self, data: &Val) -> Result<(), String>;
}

/// `$WORKFLOW` (SonataFlow).
#[derive(Debug)]
pub(crate) struct WorkflowVariable {
    pub(crate) instance: Arc<str>,
    pub(crate) identity: Arc<str>,
    pub(crate) program: (Arc<str>, Arc<str>, Arc<str>),
    pub(crate) headers: Val,
    pub(crate) input: Val,
    pub(crate) previous: Option<Val>,
    pub(crate) response: Option<Val>,
}

impl WorkflowVariable {
    pub(crate) fn new(
        program: &Program,
        context: &Context,
        input: &Val,
        previous: Option<Val>,
        response: Option<Val>,
    ) -> Self {
        Self {
            instance: Arc::clone(&context.instance),
            identity: Arc::clone(&context.identity),
            program: (Arc::clone(&program.id), Arc::clone(&program.name), Arc::clone(&program.version)),
            headers: context.headers.clone(),
            input: input.clone(),
            previous,
            response,
        }
    }

    /// Looks a header up: as it was sent, else without regard to case, as HTTP does.
    fn all(&self) -> Val {
        Val::object([
            ("id", Val::text(&*self.program.0)),
            ("name", Val::text(&*self.program.1)),
            ("version", Val::text(&*self.program.2)),
            ("instanceId", Val::text(&*self.instance)),
            ("input", self.input.clone()),
        ])
    }
}

impl Lookup for WorkflowVariable {
    fn get(&self, key: &str) -> Result<Val, String> {
        let of_response = |key: &str| {
            let response = self.response.as_ref().and_then(|response| response.get(key));
            response
                .cloned()
                .ok_or_else(|| format!("$WORKFLOW.{key} is known only after a call was answered"))
        };
        match key {
            "instanceId" => Ok(Val::text(&*self.instance)),
            "id" => Ok(Val::text(&*self.program.0)),
            "name" => Ok(Val::text(&*self.program.1)),
            "version" => Ok(Val::text(&*self.program.2)),
            "headers" => Ok(Val::Lookup(Arc::new(Headers(self.headers.clone())))),
            "input" => Ok(self.input.clone()),
            "identity" => Ok(Val::text(&*self.identity)),
            "prevActionResult" => Ok(self.previous.clone().unwrap_or_default()),
            "statusCode" | "statusMessage" | "responseHeaders" => of_response(key),
            _ => Err(format!("Cannot find key {key} in context")),
        }
    }

    fn value(&self) -> Val {
        self.all()
    }
}

/// `$WORKFLOW.headers`: names as they were sent, found in any case.
#[derive(Debug)]
struct Headers(Val);

impl Lookup for Headers {
    fn get(&self, key: &str) -> Result<Val, String> {
        if let Some(value) = self.0.get(key) {
            return Ok(value.clone());
        }
        let members = self.0.members();
        Ok(members
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(key))
            .map(|(_, value)| value.clone())
            .unwrap_or_default())
    }

    fn value(&self) -> Val {
        self.0.clone()
    }
}
