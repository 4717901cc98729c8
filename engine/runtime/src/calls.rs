//! Makes the calls of instances, and delivers their answers.

use std::sync::{Arc, OnceLock};

use rondo_expression::Val;
use rondo_function::{Answer, BeforeLargeAnswer, ProcessHeaders, Request};
use rondo_machine::{CallRequest, Input};
use rondo_memory::Share;
use rondo_program::Failure;
use rondo_store::Instance;
use uuid::Uuid;

use crate::{
    active_instance::ActiveInstance, catalog::Deployed, crash_loop::DEATHS, delivery::Delivery,
    executor::Executor, panics, publication,
};

impl Executor {
    /// Makes a call in a task of its own, and delivers its outcome.
    pub(crate) fn make_call(self: &Arc<Self>, instance: &ActiveInstance, request: CallRequest) {
        let now = self.clock.now();
        if let Some(message) = publication::message_of_call(instance, &request, &self.channels, now) {
            let call = request.call;
            let input = match message {
                // The commit of the turn that made this call has put the message into the outbox.
                Ok(_) => Input::Answered { call, result: None, response: None },
                Err(problem) => Input::CallFailed { call, failure: Failure::validation(problem) },
            };
            return self.dispatcher.deliver(instance.row.id, Delivery::input(input));
        }
        let call = Call {
            id: instance.row.id,
            process: Process::of(&instance.row),
            deployed: Arc::clone(&instance.deployed),
            headers: Arc::clone(&instance.request.headers),
            request,
        };
        let executor = Arc::clone(self);
        let task = async move {
            rondo_store::failpoint("call-before");
            // Reading a large answer may end the process (out of memory), so the instance is marked before it. While the call waits for its
            // service the instance is not marked: a few restarts of the engine in that time would stop the instance.
            let mark = Arc::new(OnceLock::new());
            let before_large_answer = {
                let (mark, crash_loop, id) = (Arc::clone(&mark), Arc::clone(&executor.crash_loop), call.id);
                BeforeLargeAnswer::new(move || {
                    mark.get_or_init(|| crash_loop.mark(id));
                })
            };
            let made = panics::caught(call.make_apart(&executor, before_large_answer)).await;
            let (input, memory) = made.unwrap_or_else(|panic| {
                let text = panics::text(&*panic);
                tracing::error!(instance_id = %call.id, panic = text, "a call ended in a defect of the engine");
                let text = format!("the engine met a defect while it made this call: {text}");
                (call.failed(Failure::runtime(text)), None)
            });
            rondo_store::failpoint("call-after");
            // The call has ended, so nobody else owns the mark.
            let mark = Arc::into_inner(mark).and_then(OnceLock::into_inner).flatten();
            executor.dispatcher.deliver(call.id, Delivery::input(input).with_mark(mark).with_memory(memory));
        };
        self.calls.spawn_on(task, self.call_threads.handle());
    }
}

/// A call under way.
struct Call {
    id: Uuid,
    process: Process,
    deployed: Arc<Deployed>,
    headers: Arc<Vec<(String, String)>>,
    request: CallRequest,
}

impl Call {
    /// Makes the call. If one more end of the process would stop the instance, no other call of such an instance runs at the same time:
    /// two of them would not show which one ended the process.
    async fn make_apart(
        &self,
        executor: &Executor,
        before_large_answer: BeforeLargeAnswer,
    ) -> (Input, Option<Share>) {
        let _alone = match executor.crash_loop.deaths(self.id) + 1 < DEATHS {
            true => None,
            false => Some(executor.crash_loop.alone().await),
        };
        self.make(executor, before_large_answer).await
    }

    /// Makes the call. Returns the input for the instance, and the share of memory that the answer takes.
    async fn make(
        &self,
        executor: &Executor,
        before_large_answer: BeforeLargeAnswer,
    ) -> (Input, Option<Share>) {
        let request = &self.request;
        let Some(binding) = self.deployed.bindings.get(&request.function) else {
            let text = format!("no function is called `{}`", request.function);
            return (self.failed(Failure::validation(text)), None);
        };
        let key = format!("{}-{}", self.id, request.call);
        let request = Request {
            arguments: request.arguments.clone(),
            state_data: &request.data,
            headers: &self.headers,
            process: self.process.headers(),
            idempotency_key: &key,
            config_key: request.config_key.as_deref(),
            state: &request.state,
            action: &request.action,
            attempt: request.attempt,
            python: request.python.as_ref(),
            before_large_answer,
            properties: &self.deployed.project.properties,
        };
        match executor.caller.call(binding, request).await {
            Ok(answer) => {
                let response = response(&answer);
                let result = Some(answer.result).filter(|result| !result.is_null());
                (Input::Answered { call: self.request.call, response, result }, Some(answer.share))
            }
            Err(error) => (self.failed(error.into_failure()), None),
        }
    }

    fn failed(&self, failure: Failure) -> Input {
        Input::CallFailed { call: self.request.call, failure }
    }
}

/// The calling instance, for the headers of its requests.
struct Process {
    id: String,
    workflow: String,
    version: String,
    parent: Option<String>,
    root: Option<String>,
    root_workflow: Option<String>,
    business_key: Option<String>,
    reference_id: Option<String>,
}

impl Process {
    fn of(row: &Instance) -> Self {
        Self {
            id: row.id.to_string(),
            workflow: row.workflow.clone(),
            version: row.version.clone(),
            parent: row.parent.map(|id| id.to_string()),
            root: row.root.map(|id| id.to_string()),
            root_workflow: row.root_workflow.clone(),
            business_key: row.business_key.clone(),
            reference_id: row.reference_id.clone(),
        }
    }

    fn headers(&self) -> ProcessHeaders<'_> {
        ProcessHeaders {
            instance_id: &self.id,
            workflow_id: &self.workflow,
            version: &self.version,
            parent_instance_id: self.parent.as_deref(),
            root_instance_id: self.root.as_deref(),
            root_workflow_id: self.root_workflow.as_deref(),
            business_key: self.business_key.as_deref(),
            reference_id: self.reference_id.as_deref(),
        }
    }
}

/// Status and headers of an answer, or the variables of a Python script, as `$WORKFLOW` shows them; `None` for an answer without status.
fn response(answer: &Answer) -> Option<Val> {
    if let Some(python) = &answer.python {
        return Some(Val::object([("python", python.clone())]));
    }
    let headers = answer.headers.iter().map(|(name, value)| (name.as_str(), Val::text(value.as_str())));
    Some(Val::object([
        ("statusCode", Val::Int(i64::from(answer.status?))),
        ("statusMessage", Val::text(answer.status_message.as_str())),
        ("responseHeaders", Val::object(headers)),
    ]))
}
