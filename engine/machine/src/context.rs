//! The context of a turn besides program and snapshot, and the variable `$WORKFLOW`.

use std::sync::Arc;

use rondo_expression::{Budget, Lookup, Val};
use rondo_program::Program;

use crate::SuccessorRequest;

/// The context of the turns of an instance. It is not part of the snapshot, because secrets must not be stored with it.
#[derive(Debug, Clone)]
pub struct Context {
    /// Id of the instance, as text.
    pub instance: Arc<str>,
    /// The caller that started it: the value of `$WORKFLOW.identity`.
    pub identity: Arc<str>,
    /// Headers of the request that started it: an object.
    pub headers: Val,
    /// The value of `$SECRET`.
    pub secrets: Val,
    /// For a subflow: the variables of its callers, such as the iteration parameter of a foreach.
    pub variables: Arc<[(Arc<str>, Val)]>,
    /// The limits of each evaluation of an expression, and of each value.
    pub budget: Budget,
    /// All durations of the definition are divided by this number (1 except in tests and demos).
    pub speed: u32,
    /// Checks the data of an instance that completes.
    pub output: Option<Arc<dyn OutputCheck>>,
    /// Hides secrets in texts that become data. `None`: nothing is hidden.
    pub mask: Option<Arc<dyn Mask>>,
    /// Checks that another workflow can continue an instance. `None`: none can.
    pub successors: Option<Arc<dyn SuccessorCheck>>,
    /// How many instructions an instance may run without waiting before it fails; those for the elements of a loop do not count. Without this
    /// limit a definition with an endless loop would run for ever.
    pub max_steps: u32,
    /// The budget of one turn: an instruction costs 1, and so do 1000 steps of an expression. The next turn continues where the budget ended, so
    /// turns of other instances can run in between.
    pub turn_steps: u32,
}

/// Checks the output data of an instance before it completes. A pure function of the data.
pub trait OutputCheck: std::fmt::Debug + Send + Sync {
    /// Checks the data. The error says what is wrong with it, for people; the instance fails with it.
    fn check(&self, data: &Val) -> Result<(), String>;
}

/// Hides secrets in a text.
pub trait Mask: std::fmt::Debug + Send + Sync {
    /// The text with `***` in place of each secret.
    fn mask(&self, text: &str) -> String;
}

/// Checks that an instance which ends can be continued by another one. A pure function of the request and the workflows that are served.
pub trait SuccessorCheck: std::fmt::Debug + Send + Sync {
    /// Checks the workflow, its version and its input. The error says what is wrong, for people; the instance that ends fails with it.
    fn check(&self, successor: &SuccessorRequest) -> Result<(), String>;
}

/// The value of `$WORKFLOW` (SonataFlow).
#[derive(Debug)]
pub(crate) struct WorkflowVariable {
    pub(crate) instance: Arc<str>,
    pub(crate) identity: Arc<str>,
    pub(crate) workflow_id: Arc<str>,
    pub(crate) workflow_name: Arc<str>,
    pub(crate) workflow_version: Arc<str>,
    pub(crate) headers: Val,
    pub(crate) input: Val,
    pub(crate) previous: Option<Val>,
    pub(crate) response: Option<Val>,
    pub(crate) error: Option<Val>,
}

impl WorkflowVariable {
    pub(crate) fn new(
        program: &Program,
        context: &Context,
        input: &Val,
        previous: Option<Val>,
        response: Option<Val>,
        error: Option<Val>,
    ) -> Self {
        Self {
            instance: Arc::clone(&context.instance),
            identity: Arc::clone(&context.identity),
            workflow_id: Arc::clone(&program.id),
            workflow_name: Arc::clone(&program.name),
            workflow_version: Arc::clone(&program.version),
            headers: context.headers.clone(),
            input: input.clone(),
            previous,
            response,
            error,
        }
    }
}

impl Lookup for WorkflowVariable {
    fn get(&self, key: &str) -> Result<Val, String> {
        let response_member = |key: &str| {
            let member = self.response.as_ref().and_then(|response| response.get(key));
            member.cloned().ok_or_else(|| format!("$WORKFLOW.{key} is known only after a call was answered"))
        };
        match key {
            "instanceId" => Ok(Val::text(&*self.instance)),
            "id" => Ok(Val::text(&*self.workflow_id)),
            "name" => Ok(Val::text(&*self.workflow_name)),
            "version" => Ok(Val::text(&*self.workflow_version)),
            "headers" => Ok(Val::Lookup(Arc::new(Headers(self.headers.clone())))),
            "input" => Ok(self.input.clone()),
            "identity" => Ok(Val::text(&*self.identity)),
            "prevActionResult" => Ok(self.previous.clone().unwrap_or_default()),
            "error" => Ok(self.error.clone().unwrap_or_default()),
            "statusCode" | "statusMessage" | "responseHeaders" => response_member(key),
            "python" => {
                let python =
                    self.response.as_ref().and_then(|response| response.get("python")?.get("values"));
                python
                    .cloned()
                    .ok_or_else(|| "$WORKFLOW.python is known only after a script has run".to_owned())
            }
            _ => Err(format!("Cannot find key {key} in context")),
        }
    }

    /// The members that are shown when an expression uses `$WORKFLOW` as a whole.
    fn value(&self) -> Val {
        Val::object([
            ("id", Val::text(&*self.workflow_id)),
            ("name", Val::text(&*self.workflow_name)),
            ("version", Val::text(&*self.workflow_version)),
            ("instanceId", Val::text(&*self.instance)),
            ("input", self.input.clone()),
        ])
    }
}

/// The value of `$WORKFLOW.headers`: the headers as they were sent. A name is looked up as it is written, then without regard to case, as in
/// HTTP.
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
