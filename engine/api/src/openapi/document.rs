//! The `OpenAPI` document of a list of workflows. Operation ids and tags are those of `SonataFlow` 10.2.

use serde_json::{Map, Value, json};

use super::schemas::{Components, answer};
use crate::links::path_of;

/// A workflow as the document describes it.
pub(super) struct Described<'a> {
    pub(super) id: &'a str,
    pub(super) description: &'a str,
    /// Schema of its input.
    pub(super) input: Option<&'a Value>,
    /// Schema of its output.
    pub(super) output: Option<&'a Value>,
    /// Whether an event starts it, so that it has no `POST`.
    pub(super) starts_by_event: bool,
}

/// The document of these workflows, served at `url`.
pub(super) fn document(url: &str, workflows: &[Described<'_>]) -> Value {
    let mut components = Components::default();
    let mut paths = Map::new();
    let tags: Vec<Value> = workflows
        .iter()
        .map(|workflow| json!({ "name": tag(workflow.id), "description": workflow.description }))
        .collect();
    for workflow in workflows {
        describe(workflow, &mut paths, &mut components);
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Rondo workflows", "version": env!("CARGO_PKG_VERSION") },
        "servers": [{ "url": url }],
        "tags": tags,
        "paths": paths,
        "components": { "schemas": components.into_value() },
    })
}

fn describe(workflow: &Described<'_>, paths: &mut Map<String, Value>, components: &mut Components) {
    let id = workflow.id;
    let anything = || json!({ "type": "object" });
    let input =
        workflow.input.map_or_else(anything, |schema| components.input(schema, &format!("{id}_input")));
    let output = match workflow.output {
        Some(schema) => components.output(schema, &format!("{id}_output")),
        None => answer(&anything()),
    };
    let operation = |name: &str, status: &str, what: &str, schema: Value| {
        json!({
            "tags": [tag(id)],
            "operationId": format!("{name}_{id}"),
            "responses": { status: { "description": what, "content": content(&schema) } },
        })
    };
    let with_body = |mut operation: Value, schema: &Value| {
        if let Some(operation) = operation.as_object_mut() {
            operation.insert("requestBody".into(), json!({ "content": content(schema) }));
        }
        operation
    };

    let all = json!({ "type": "array", "items": output });
    let mut collection =
        json!({ "get": operation("getAllProcessInstances", "200", "Instances that have not ended", all) });
    if let (Some(collection), false) = (collection.as_object_mut(), workflow.starts_by_event) {
        let created =
            operation("createProcessInstance", "201", "The instance has ended, or waits", output.clone());
        let mut created = with_body(created, &input);
        if let Some(created) = created.as_object_mut() {
            let key = json!({ "name": "businessKey", "in": "query", "schema": { "type": "string" } });
            created.insert("parameters".into(), json!([key]));
        }
        collection.insert("post".into(), created);
    }
    let one = json!({
        "parameters": [instance_parameter()],
        "get": operation("getProcessInstance", "200", "The instance", output.clone()),
        "put": with_body(operation("updateProcessInstance", "200", "Its data are replaced", output.clone()), &anything()),
        "patch": with_body(operation("patchProcessInstance", "200", "Its data are merged", output.clone()), &anything()),
        "delete": operation("deleteProcessInstance", "200", "It is aborted", output),
    });
    let items = json!({ "type": "array", "items": anything() });
    let tasks = json!({
        "parameters": [instance_parameter()],
        "get": operation("getTasksInstance", "200", "Calls that are not answered yet", items),
    });
    let schema = json!({ "get": operation("getResourceSchema", "200", "Schema of the input", anything()) });

    let path = path_of(id);
    paths.insert(format!("/{path}"), collection);
    paths.insert(format!("/{path}/schema"), schema);
    paths.insert(format!("/{path}/{{id}}"), one);
    paths.insert(format!("/{path}/{{id}}/tasks"), tasks);
}

fn instance_parameter() -> Value {
    json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } })
}

fn content(schema: &Value) -> Value {
    let mut content = Map::new();
    content.insert("application/json".into(), json!({ "schema": schema }));
    Value::Object(content)
}

fn tag(id: &str) -> String {
    format!("Process - {id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_of_a_workflow_has_its_id() {
        let schema = json!({ "title": "Order", "type": "object" });
        let order = Described {
            id: "shop.order",
            description: "Takes an order",
            input: Some(&schema),
            output: None,
            starts_by_event: false,
        };
        let event =
            Described { id: "event", description: "", input: None, output: None, starts_by_event: true };
        let document = document("http://localhost", &[order, event]);
        let mut told = Vec::new();
        for (path, operations) in document["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                if let Some(id) = operation["operationId"].as_str() {
                    told.push(format!("{method} {path} {id}"));
                }
            }
        }
        insta::assert_snapshot!(told.join("\n"), @r"
        get /order getAllProcessInstances_shop.order
        post /order createProcessInstance_shop.order
        get /order/schema getResourceSchema_shop.order
        get /order/{id} getProcessInstance_shop.order
        put /order/{id} updateProcessInstance_shop.order
        patch /order/{id} patchProcessInstance_shop.order
        delete /order/{id} deleteProcessInstance_shop.order
        get /order/{id}/tasks getTasksInstance_shop.order
        get /event getAllProcessInstances_event
        get /event/schema getResourceSchema_event
        get /event/{id} getProcessInstance_event
        put /event/{id} updateProcessInstance_event
        patch /event/{id} patchProcessInstance_event
        delete /event/{id} deleteProcessInstance_event
        get /event/{id}/tasks getTasksInstance_event
        ");
        insta::assert_snapshot!(document["paths"]["/order"]["post"], @r##"{"tags":["Process - shop.order"],"operationId":"createProcessInstance_shop.order","responses":{"201":{"description":"The instance has ended, or waits","content":{"application/json":{"schema":{"type":"object","properties":{"id":{"type":"string"},"workflowdata":{"type":"object"}}}}}}},"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Order"}}}},"parameters":[{"name":"businessKey","in":"query","schema":{"type":"string"}}]}"##);
    }
}
