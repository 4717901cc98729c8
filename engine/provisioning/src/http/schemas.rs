//! The schemas of bodies, taken from the document of the desk: what it says is what is checked.
//!
//! Promises: what is told of a fault has no value of a member that is `writeOnly` in the document.

use std::collections::{BTreeSet, HashMap};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::DOCUMENT;
use crate::refusal::Refusal;

/// Faults that are told at once.
const MOST_FAULTS: usize = 100;

/// Bytes of a fault that shows the value; a longer one has its place only.
const LONGEST_FAULT: usize = 500;

/// The schema of the body of each operation.
pub(crate) struct Schemas {
    by_operation: HashMap<String, Validator>,
    /// Names of members that are never shown.
    write_only: BTreeSet<String>,
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
        let mut write_only = BTreeSet::new();
        collect_write_only(&document, &mut write_only);
        Self { by_operation, write_only }
    }

    /// Checks the body of an operation.
    pub(crate) fn check(&self, operation: &str, body: &Value) -> Result<(), Refusal> {
        let Some(validator) = self.by_operation.get(operation) else { return Ok(()) };
        let faults: Vec<_> = validator
            .iter_errors(body)
            .take(MOST_FAULTS)
            .map(|error| {
                let fault = error.to_string();
                let is_told = fault.len() <= LONGEST_FAULT && !self.shows_secret(body, &fault);
                let fault = if is_told { fault } else { error.masked().to_string() };
                (error.instance_path().to_string(), fault)
            })
            .collect();
        if faults.is_empty() { Ok(()) } else { Err(Refusal::invalid(faults)) }
    }
}

impl Schemas {
    /// Whether a text has a value of the body that is never shown.
    pub(crate) fn shows_secret(&self, body: &Value, text: &str) -> bool {
        self.is_in(body, text, false)
    }

    /// Looks through a value; `is_secret` where it is a part of what is never shown.
    fn is_in(&self, value: &Value, text: &str, is_secret: bool) -> bool {
        match value {
            Value::Object(members) => members
                .iter()
                .any(|(name, member)| self.is_in(member, text, is_secret || self.write_only.contains(name))),
            Value::Array(items) => items.iter().any(|item| self.is_in(item, text, is_secret)),
            Value::String(secret) if is_secret => {
                // Faults show values as JSON.
                let written = value.to_string();
                !secret.is_empty() && (text.contains(secret) || text.contains(written.trim_matches('"')))
            }
            Value::Number(number) => is_secret && text.contains(&number.to_string()),
            Value::String(_) | Value::Bool(_) | Value::Null => false,
        }
    }
}

/// Adds the names of properties that are `writeOnly` anywhere in a document.
fn collect_write_only(document: &Value, names: &mut BTreeSet<String>) {
    match document {
        Value::Object(members) => {
            for (name, member) in members {
                if member["writeOnly"] == Value::Bool(true) {
                    names.insert(name.clone());
                }
                collect_write_only(member, names);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_write_only(item, names)),
        _ => {}
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
    fn a_fault_shows_the_value_but_of_members_that_are_never_shown() {
        let schemas = Schemas::read();
        assert!(["credentials", "secret", "password"].iter().all(|name| schemas.write_only.contains(*name)));
        let fault = |operation: &str, body: Value| schemas.check(operation, &body).unwrap_err().to_string();
        let told = fault("createCluster", json!({"name": 17, "type": "manual", "region": "eu"}));
        assert!(told.contains("17"), "{told}");
        for credentials in [json!("a \"hidden\" one"), json!(["hidden"]), json!(471_100)] {
            let told = fault(
                "createCluster",
                json!({"name": "x", "type": "manual", "region": "eu", "credentials": credentials}),
            );
            assert!(told.contains("/credentials: value is not of type"), "{told}");
        }
        let told = fault(
            "createWebhook",
            json!({"pool": 1, "url": 2, "secret": {"of": "hidden"}, "password": ["hidden"]}),
        );
        assert!(
            told.contains("/secret") && told.contains("/pool: 1 is not") && !told.contains("hidden"),
            "{told}"
        );
        let told =
            fault("createCluster", json!({"name": ["x".repeat(2000)], "type": "manual", "region": "eu"}));
        assert!(told.contains("/name: value is not of type") && told.len() < 1000, "{told}");
    }
}
