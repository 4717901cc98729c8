//! The schemas of bodies, taken from the document of the desk: what it says is what is checked.

use std::collections::HashMap;

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::DOCUMENT;
use crate::refusal::Refusal;

/// Faults that are told at once.
const MOST_FAULTS: usize = 100;

/// The schema of the body of each operation.
pub(crate) struct Schemas {
    by_operation: HashMap<String, Validator>,
}

impl Schemas {
    pub(crate) fn read() -> Self {
        let document: Value = serde_yaml::from_str(DOCUMENT).unwrap_or_default();
        let components = with_null(document["components"].clone());
        let mut by_operation = HashMap::new();
        for path in document["paths"].as_object().into_iter().flat_map(Map::values) {
            for operation in path.as_object().into_iter().flat_map(Map::values) {
                let (Some(id), Some(media)) =
                    (operation["operationId"].as_str(), operation["requestBody"]["content"].as_object())
                else {
                    continue;
                };
                let Some(schema) =
                    media.get("application/json").map(|media| with_null(media["schema"].clone()))
                else {
                    continue;
                };
                let schema = json!({"allOf": [schema], "components": components});
                // The tests hold that every schema of the document compiles.
                if let Ok(validator) = jsonschema::draft7::new(&schema) {
                    by_operation.insert(id.to_owned(), validator);
                }
            }
        }
        Self { by_operation }
    }

    /// Checks the body of an operation.
    pub(crate) fn check(&self, operation: &str, body: &Value) -> Result<(), Refusal> {
        let Some(validator) = self.by_operation.get(operation) else { return Ok(()) };
        let faults: Vec<_> = validator
            .iter_errors(body)
            .take(MOST_FAULTS)
            .map(|error| {
                // The value may be a secret, or a megabyte; its place is told.
                (error.instance_path().to_string(), error.masked_with("it").to_string())
            })
            .collect();
        if faults.is_empty() { Ok(()) } else { Err(Refusal::invalid(faults)) }
    }
}

/// `nullable: true` of OpenAPI 3.0 as JSON Schema has it.
fn with_null(schema: Value) -> Value {
    match schema {
        Value::Object(mut members) => {
            let is_nullable = members.remove("nullable") == Some(Value::Bool(true));
            if is_nullable && let Some(Value::String(kind)) = members.get("type") {
                let kinds = json!([kind, "null"]);
                members.insert("type".to_owned(), kinds);
            }
            Value::Object(members.into_iter().map(|(name, member)| (name, with_null(member))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(with_null).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_body_of_the_document_has_a_schema_that_compiles() {
        let document: Value = serde_yaml::from_str(DOCUMENT).unwrap();
        let operations = document["paths"]
            .as_object()
            .unwrap()
            .values()
            .flat_map(|path| path.as_object().unwrap().values());
        let with_body =
            operations.filter(|operation| !operation["requestBody"]["content"]["application/json"].is_null());
        let schemas = Schemas::read();
        for operation in with_body {
            let id = operation["operationId"].as_str().unwrap();
            assert!(schemas.by_operation.contains_key(id), "{id}");
        }
    }

    #[test]
    fn all_faults_are_told_with_their_places() {
        let schemas = Schemas::read();
        let refusal = schemas.check("createCluster", &json!({"name": "x", "type": 1})).unwrap_err();
        assert_eq!(refusal.code, "INVALID");
        assert!(refusal.message.contains("region") && refusal.message.contains("/type"), "{refusal}");
        schemas.check("putPool", &json!({"kind": "tenant", "quota": null})).unwrap();
    }

    #[test]
    fn a_fault_does_not_show_the_value() {
        let schemas = Schemas::read();
        for (operation, body) in [
            ("createWebhook", json!({"pool": "acme", "url": "https://a.example", "secret": "canary"})),
            (
                "putCluster",
                json!({"name": "a", "type": "openstack", "region": "eu", "credentials": "canary"}),
            ),
            ("createRequest", json!({"name": "canary of Jane", "resources": ["canary"]})),
        ] {
            let refusal = schemas.check(operation, &body).unwrap_err();
            assert!(!format!("{refusal:?}").contains("canary"), "{refusal:?}");
        }
    }
}
