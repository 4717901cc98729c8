//! Mutations: what consoles do to instances.
//!
//! The answer is a text; a failure is `null` with an error of the kind `DataFetchingException`. A mutation that needs a part of Kogito
//! that the engine does not have (user tasks, single nodes, jobs) fails with a message that says so.

use async_graphql::{
    Error,
    dynamic::{FieldValue, ResolverContext},
};
use rondo_expression::{ReadLimits, Val};
use rondo_runtime::{Engine, InstanceView};
use rondo_store::State;
use uuid::Uuid;

use super::{
    allowance::Allowance,
    resolve::{self, Resolved, refused},
};
use crate::json_weight;

/// Runs the mutation of this name.
pub(super) async fn run(engine: &Engine, name: &str, context: &ResolverContext<'_>) -> Resolved {
    let argument =
        |name: &str| context.args.get(name).and_then(|value| value.string().ok().map(str::to_owned));
    let id = argument("id").unwrap_or_default();
    let done = |what: &str| {
        Ok(Some(FieldValue::value(format!("Successfully performed: {what} ProcessInstance with id: {id}"))))
    };
    match name {
        "ProcessInstanceAbort" => {
            engine.abort(known(&id)?).await.map_err(|refusal| refused(&refusal))?;
            done("ABORT")
        }
        "ProcessInstanceRetry" => {
            succeeded(engine.retrigger(known(&id)?).await.map_err(|refusal| refused(&refusal))?)?;
            done("RETRIGGER")
        }
        "ProcessInstanceSkip" => {
            succeeded(engine.skip(known(&id)?).await.map_err(|refusal| refused(&refusal))?)?;
            done("SKIP")
        }
        "ProcessInstanceUpdateVariables" => {
            let text = argument("variables").unwrap_or_default();
            update(engine, resolve::allowance(context)?, known(&id)?, &text).await
        }
        other => Err(Error::new(format!(
            "{other} is not supported: this engine has no user tasks, and timers and nodes belong to their instance"
        ))),
    }
}

fn known(id: &str) -> Result<Uuid, Error> {
    Uuid::parse_str(id).map_err(|_| Error::new(format!("Unable to find the instance with id {id}")))
}

/// Fails when the instance stands at an error again.
fn succeeded(view: InstanceView) -> Result<(), Error> {
    match view.failure.filter(|_| view.state == State::Error) {
        None => Ok(()),
        Some(failure) => Err(Error::new(format!(
            "Process instance with id {} failed because of {}",
            view.id, failure.described
        ))),
    }
}

/// Replaces the data by the member `workflowdata` of a JSON text, and answers all variables as such.
async fn update(engine: &Engine, allowance: &Allowance, id: Uuid, text: &str) -> Resolved {
    let claim = allowance.claim_for_now(json_weight::of(text))?;
    let view = engine.replace(id, workflow_data(text)?).await.map_err(|refusal| refused(&refusal))?;
    drop(claim);
    // The instance holds as much as its view, and its variables are both the data and the input.
    let _claim = allowance.claim_for_now(2 * view.data.memory() as u64)?;
    drop(view);
    let row = engine.store().instance(id).await.map_err(|error| Error::new(error.to_string()))?;
    let variables = row.map(|row| engine.variables(&row).to_json()).unwrap_or_default();
    Ok(Some(FieldValue::value(variables)))
}

fn workflow_data(text: &str) -> Result<Val, Error> {
    let mut variables =
        Val::read_json(text.as_bytes(), ReadLimits::default(), &mut |_| true).map_err(|error| {
            Error::new(format!("`variables` must be JSON such as {{\"workflowdata\": {{}}}}: {error}"))
        })?;
    let data = if variables.is_object() { variables.remove("workflowdata") } else { None };
    data.ok_or_else(|| {
        Error::new("`variables` must have the member `workflowdata`; the others cannot be changed")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_must_name_the_data() {
        assert_eq!(
            serde_json::Value::from(workflow_data(r#"{"workflowdata": {"a": 77}}"#).unwrap()),
            serde_json::json!({"a": 77})
        );
        for text in ["", "{", "[]", r#"{"a": 1}"#] {
            assert!(workflow_data(text).is_err(), "{text}");
        }
    }
}
