//! Carries out the calls of instances.

use std::sync::Arc;

use rondo_expression::Val;
use rondo_function::{Answer, ProcessHeaders, Request};
use rondo_machine::{CallRequest, Input};
use rondo_program::Failure;
use rondo_store::Instance;

use crate::{engine::Inner, living::Living, registry::Delivery};

/// Makes a call and delivers what comes of it. The call runs on its own; the instance is not held up.
pub(crate) fn make(inner: &Arc<Inner>, living: &Living, request: CallRequest) {
    let inner = Arc::clone(inner);
    let deployed = Arc::clone(&living.deployed);
    let headers = Arc::clone(&living.headers);
    let process = Process::of(&living.row);
    let id = living.row.id;
    let running = Arc::clone(&inner);
    running.calls.spawn(async move {
        rondo_store::failpoint("call-before");
        let input = match deployed.bindings.get(&request.function) {
            None => {
                failed(&request, Failure::validation(format!("no function is called `{}`", request.function)))
            }
            Some(binding) => {
                let key = format!("{id}-{}", request.call);
                let answer = inner
                    .caller
                    .call(
                        binding,
                        Request {
                            arguments: request.arguments.clone(),
                            state_data: &request.data,
                            headers: &headers,
                            process: process.headers(),
                            idempotency_key: &key,
                            config_key: request.config_key.as_deref(),
                            state: &request.state,
                            action: &request.action,
                            attempt: request.attempt,
                            properties: &inner.properties,
                        },
                    )
                    .await;
                match answer {
                    Ok(answer) => Input::Answered {
                        call: request.call,
                        response: Some(response(&answer)),
                        result: Some(answer.result).filter(|result| !result.is_null()),
                    },
                    Err(error) => failed(&request, error.into_failure()),
                }
            }
        };
        rondo_store::failpoint("call-after");
        inner.deliver(id, Delivery::input(input));
    });
}

/// Who calls, as the called services are told.
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

fn failed(request: &CallRequest, failure: Failure) -> Input {
    Input::CallFailed { call: request.call, failure }
}

/// What `$WORKFLOW` shows of an answer beside its result.
fn response(answer: &Answer) -> Val {
    let headers = answer.headers.iter().map(|(name, value)| (name.as_str(), Val::text(value.as_str())));
    Val::object([
        ("statusCode", Val::Int(i64::from(answer.status))),
        ("statusMessage", Val::text(answer.status_message.as_str())),
        ("responseHeaders", Val::object(headers)),
    ])
}
