//! Schemas of workflows as components of an `OpenAPI` document.

use serde_json::{Map, Value, json};

/// The components of a document.
#[derive(Default)]
pub(super) struct Components(Map<String, Value>);

impl Components {
    /// Adds the schema of a workflow's input and returns a reference to it. The component is named by the schema's title; without a title, or if
    /// another schema has it, by `otherwise`.
    pub(super) fn input(&mut self, schema: &Value, otherwise: &str) -> Value {
        self.add(schema, otherwise, |name| moved(schema, &place(name)))
    }

    /// Adds the schema of an answer, an instance's id and data of this schema, and returns a reference to it.
    pub(super) fn output(&mut self, schema: &Value, otherwise: &str) -> Value {
        self.add(schema, otherwise, |name| {
            let data = moved(schema, &format!("{}/properties/workflowdata", place(name)));
            answer(&data)
        })
    }

    pub(super) fn into_value(self) -> Value {
        Value::Object(self.0)
    }

    fn add(&mut self, schema: &Value, otherwise: &str, make: impl Fn(&str) -> Value) -> Value {
        let title = schema.get("title").and_then(Value::as_str).filter(|title| !title.is_empty());
        let mut name = title.unwrap_or(otherwise);
        let mut component = make(name);
        if self.0.get(name).is_some_and(|other| *other != component) {
            name = otherwise;
            component = make(name);
        }
        self.0.insert(name.to_owned(), component);
        json!({ "$ref": place(name) })
    }
}

/// Schema of the answer about an instance whose data have this schema.
pub(super) fn answer(data: &Value) -> Value {
    json!({
        "type": "object",
        "properties": { "id": { "type": "string" }, "workflowdata": data }
    })
}

/// A reference to a component: a JSON pointer in a URI fragment.
fn place(name: &str) -> String {
    let name = name.replace('~', "~0").replace('/', "~1").replace('%', "%25").replace(' ', "%20");
    format!("#/components/schemas/{name}")
}

/// Copies a schema so that its references to itself point to its new place.
fn moved(schema: &Value, place: &str) -> Value {
    match schema {
        Value::Array(items) => items.iter().map(|item| moved(item, place)).collect(),
        Value::Object(members) => {
            let members = members.iter().filter(|(key, _)| *key != "$schema" && *key != "$id");
            let moved_member = |(key, value): (&String, &Value)| {
                let value = match (key.as_str(), value.as_str().and_then(|text| text.strip_prefix('#'))) {
                    ("$ref", Some(fragment)) => Value::String(format!("{place}{fragment}")),
                    _ => moved(value, place),
                };
                (key.clone(), value)
            };
            Value::Object(members.map(moved_member).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_are_named_by_title_and_their_references_move_along() {
        let mut components = Components::default();
        let schema = json!({
            "$schema": "http://json-schema.org/draft-07/schema#", "title": "My Input",
            "properties": { "a": { "$ref": "#/$defs/A_1" } }, "$defs": { "A_1": { "type": "string" } }
        });
        let other = json!({ "title": "My Input", "type": "string" });
        let references = [
            components.input(&schema, "a_input"),
            components.input(&schema, "b_input"),
            components.input(&other, "c_input"),
            components.output(&json!({ "$ref": "#/definitions/x" }), "a_output"),
        ];
        let references = references.iter().map(|reference| reference["$ref"].to_string());
        let components = components.0.iter().map(|(name, component)| format!("{name}: {component}"));
        let told = references.chain(components).collect::<Vec<_>>().join("\n");
        insta::assert_snapshot!(told, @r##"
        "#/components/schemas/My%20Input"
        "#/components/schemas/My%20Input"
        "#/components/schemas/c_input"
        "#/components/schemas/a_output"
        My Input: {"title":"My Input","properties":{"a":{"$ref":"#/components/schemas/My%20Input/$defs/A_1"}},"$defs":{"A_1":{"type":"string"}}}
        c_input: {"title":"My Input","type":"string"}
        a_output: {"type":"object","properties":{"id":{"type":"string"},"workflowdata":{"$ref":"#/components/schemas/a_output/properties/workflowdata/definitions/x"}}}
        "##);
    }
}
