//! Instances as `ProcessInstance`.
//!
//! What needs a read of the database (nodes, summary, relatives) is read only when it is selected.

use async_graphql::{
    Error,
    dynamic::{FieldValue, ResolverContext},
};
use rondo_expression::Val;
use rondo_runtime::{
    Engine, ErrorSummary,
    kogito::{ADDONS, node_type},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    answer::ready_json,
    definitions::Definition,
    queries,
    resolve::{self, Resolved, refused},
    summary,
};
use crate::{
    json_weight, links,
    moments::date_time,
    node_kinds::{NodeInstance, error_message, node_instance_id},
};

/// An instance that is shown.
pub(super) struct Instance(pub(super) rondo_store::Instance);

impl Instance {
    /// A field of it.
    pub(super) async fn field(&self, engine: &Engine, name: &str, context: &ResolverContext<'_>) -> Resolved {
        let row = &self.0;
        let optional = |text: &Option<String>| text.clone().map(resolve::text);
        let moment = |moment: Option<i64>| moment.map(date_time).map(resolve::text);
        let id = |id: Option<Uuid>| id.map(|id| resolve::text(id.to_string()));
        Ok(match name {
            "id" => id(Some(row.id)),
            "processId" => Some(resolve::text(&row.workflow)),
            "version" => Some(resolve::text(&row.version)),
            "processName" => Some(resolve::text(&row.name)),
            "parentProcessInstanceId" => id(row.parent),
            "rootProcessInstanceId" => id(row.root),
            "rootProcessId" => optional(&row.root_workflow),
            "state" => Some(resolve::text(row.state.as_str())),
            "endpoint" => Some(resolve::text(links::endpoint(engine, &row.workflow))),
            "serviceUrl" => Some(resolve::text(engine.service_url())),
            "start" => moment(Some(row.started_at)),
            "end" => moment(row.ended_at),
            "lastUpdate" => moment(Some(row.updated_at)),
            "businessKey" => optional(&row.business_key),
            "variables" => {
                // The values and their text, before the text is counted as a part of the answer.
                let texts = [Some(&row.data), row.input.as_ref(), row.extra.as_ref()];
                let weight =
                    texts.into_iter().flatten().map(|text| json_weight::of(text) + text.len() as u64).sum();
                let _claim = resolve::allowance(context)?.claim_for_now(weight)?;
                shown(&engine.variables(row)).map(|json| FieldValue::value(ready_json(json)))
            }
            "error" => engine.error_of(row).and_then(|error| resolve::json(shown_error(row.id, &error))),
            "roles" | "milestones" => resolve::json(json!([])),
            "addons" => resolve::json(json!(ADDONS)),
            "nodes" => Some(self.nodes(engine).await?),
            "executionSummary" => {
                let history = engine.history(row.id).await.map_err(|refusal| refused(&refusal))?;
                let mut lines = summary::lines(&history, row.state);
                let place = engine.place_of(row).await.map_err(|refusal| refused(&refusal))?;
                lines.extend(place.map(|place| format!("Workflow {place}")));
                resolve::json(lines.into())
            }
            "parentProcessInstance" => match row.parent {
                Some(parent) => queries::parent(engine, parent, context).await?,
                None => None,
            },
            "childProcessInstances" => Some(queries::children(engine, row.id, context).await?),
            "nodeDefinitions" => {
                self.definition(engine).await?.and_then(|definition| resolve::json(definition.nodes()))
            }
            "source" => self.definition(engine).await?.map(|definition| resolve::text(definition.source())),
            "definition" => self.definition(engine).await?.map(FieldValue::owned_any),
            // Without a picture, without security, without deadlines of service levels.
            _ => None,
        })
    }

    async fn nodes(&self, engine: &Engine) -> Result<FieldValue<'static>, Error> {
        let id = self.0.id;
        let visits = engine.visits(id).await.map_err(|refusal| refused(&refusal))?;
        Ok(FieldValue::list(
            visits.into_iter().map(|visit| FieldValue::owned_any(NodeInstance::new(id, visit))),
        ))
    }

    async fn definition(&self, engine: &Engine) -> Result<Option<Definition>, Error> {
        Definition::of(engine, &self.0.workflow).await.map_err(|error| Error::new(error.to_string()))
    }
}

/// A field of a node instance.
pub(super) fn node_field(node: &NodeInstance, name: &str) -> Option<FieldValue<'static>> {
    match name {
        "id" => Some(resolve::text(&node.id)),
        "name" | "nodeId" | "definitionId" => Some(resolve::text(&node.name)),
        "type" => Some(resolve::text(node_type(node.visit.kind))),
        "enter" => Some(resolve::text(date_time(node.visit.entered_at))),
        "exit" => node.visit.left_at.map(date_time).map(resolve::text),
        "errorMessage" => node
            .visit
            .error
            .as_ref()
            .map(|error| resolve::text(error_message(error.kind, error.origin, &error.message))),
        _ => None,
    }
}

/// Variables as JSON; null for a run without input that has never set a variable.
fn shown(variables: &Val) -> Option<String> {
    let is_empty = |value: &Val| value.is_object() && value.members().is_empty();
    let is_set = |(name, value): (&str, &Val)| !name.starts_with("workflowdata") || !is_empty(value);
    variables.members().into_iter().any(is_set).then(|| variables.to_json())
}

/// The error that an instance stands at, its node by the id that `nodes` shows.
fn shown_error(instance: Uuid, error: &ErrorSummary) -> Value {
    json!({
        "nodeDefinitionId": error.place,
        "nodeInstanceId": error.visit.map(|visit| node_instance_id(instance, visit)),
        "message": error.message,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_never_set_anything_has_no_variables() {
        for (variables, null) in [
            (json!({"workflowdata": {}, "workflowdatainput": {}}), true),
            (json!({"workflowdata": {}}), true),
            (json!({"workflowdata": {"a": 1}, "workflowdatainput": {}}), false),
            (json!({"workflowdata": {}, "workflowdatainput": {"a": 1}}), false),
            (json!({"workflowdata": {}, "initiatorEntity": {}}), false),
            (json!({"workflowdata": [], "workflowdatainput": []}), false),
        ] {
            let shown = shown(&variables.clone().into());
            assert_eq!(shown.is_none(), null, "{variables}");
            assert!(null || serde_json::from_str::<Value>(&shown.unwrap()).unwrap() == variables);
        }
    }

    #[test]
    fn an_error_names_the_node_instance_as_the_nodes_do() {
        let error = ErrorSummary {
            place: "call".into(),
            visit: Some(7),
            message: "a.B - no".into(),
            ..ErrorSummary::default()
        };
        insta::assert_snapshot!(shown_error(Uuid::nil(), &error), @r#"{"nodeDefinitionId":"call","nodeInstanceId":"00000000-0000-0000-0000-000000000000-7","message":"a.B - no"}"#);
    }
}
