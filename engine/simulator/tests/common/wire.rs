//! Exchanges that were captured from the real services: what is sent, and what status and shape the answer has.

use std::collections::BTreeMap;

use reqwest::header::HeaderMap;
use rondo_simulator::Service;
use serde_json::{Value, json};

use super::World;

/// Members whose values are a part of the shape: clients decide by them. In lists they differ from item to item.
const DECISIVE: [&str; 10] = [
    "status",
    "code",
    "type",
    "title",
    "reason",
    "phase",
    "OS-EXT-STS:vm_state",
    "OS-EXT-STS:task_state",
    "OS-EXT-STS:power_state",
    "retryAfter",
];

/// The captured exchanges of a file, and which ids of the simulator stand for the captured ones.
pub(crate) struct Captures {
    service: Service,
    exchanges: Vec<Value>,
    ids: BTreeMap<String, String>,
    played: Vec<String>,
}

impl Captures {
    pub(crate) fn read(service: Service, file: &str) -> Self {
        let mut document: Value = serde_json::from_str(file).unwrap();
        let exchanges = document["exchanges"].take();
        let exchanges = exchanges.as_array().unwrap().clone();
        Self { service, exchanges, ids: BTreeMap::new(), played: Vec::new() }
    }

    /// From now on `captured` is sent as `id`.
    pub(crate) fn stands_for(&mut self, id: &Value, captured: &str) {
        self.ids.insert(captured.to_owned(), id.as_str().unwrap().to_owned());
    }

    /// Sends the request called `name`, and checks that the answer has the captured status, headers and shape. `body` is
    /// sent where the capture has none. Gives the answer.
    pub(crate) async fn play(
        &mut self,
        world: &World,
        name: &str,
        body: Value,
        headers: &HeaderMap,
    ) -> (HeaderMap, Value) {
        let exchange = self.exchanges.iter().find(|exchange| exchange["name"] == name);
        let exchange = exchange.unwrap_or_else(|| panic!("nothing captured is called {name}"));
        self.played.push(name.to_owned());
        let (request, response) = (&exchange["request"], &exchange["response"]);
        let path = request["path"].as_str().unwrap();
        let path = path.split('/').map(|part| self.translated(part)).collect::<Vec<_>>().join("/");
        let line = format!("{} {path}", request["method"].as_str().unwrap());
        let mut sent = if request["json"].is_null() { body } else { request["json"].clone() };
        self.translate(&mut sent);
        let (status, answered, answer) = world.exchange(self.service, (&line, sent), headers.clone()).await;
        assert_eq!(u64::from(status), response["status"].as_u64().unwrap(), "{name}: {answer}");
        for header in response["headers"].as_object().into_iter().flatten().map(|(header, _)| header) {
            assert!(answered.contains_key(header), "{name}: there is no header {header}");
        }
        if let Some(captured) = response.get("json") {
            has_shape(&answer, captured, name, true);
        }
        (answered, answer)
    }

    /// Asserts that each captured exchange was played.
    pub(crate) fn all_were_played(&self) {
        let missed = self.exchanges.iter().map(|exchange| exchange["name"].as_str().unwrap());
        let missed: Vec<&str> =
            missed.filter(|name| !self.played.iter().any(|played| played == name)).collect();
        assert!(missed.is_empty(), "not played: {missed:?}");
    }

    fn translated(&self, text: &str) -> String {
        self.ids.get(text).cloned().unwrap_or_else(|| text.to_owned())
    }

    fn translate(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.translated(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.translate(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.translate(member)),
            _ => {}
        }
    }
}

/// Asserts that a value has all captured members with values of the same type, and the same decisive ones. Each item of a
/// list must have the shape of the captured first one.
fn has_shape(actual: &Value, captured: &Value, at: &str, compares_values: bool) {
    match (actual, captured) {
        (Value::Object(actual), Value::Object(captured)) => {
            for (name, value) in captured {
                let found =
                    actual.get(name).unwrap_or_else(|| panic!("{at}: there is no {name} in {actual:?}"));
                if compares_values && DECISIVE.contains(&name.as_str()) && !value.is_object() {
                    assert_eq!(found, value, "{at}.{name}");
                }
                has_shape(found, value, &format!("{at}.{name}"), compares_values);
            }
        }
        (Value::Array(actual), Value::Array(captured)) => {
            assert_eq!(actual.is_empty(), captured.is_empty(), "{at}: {actual:?}");
            for item in actual {
                has_shape(item, &captured[0], &format!("{at}[]"), false);
            }
        }
        _ => {
            let kind = |value: &Value| std::mem::discriminant(value);
            assert_eq!(kind(actual), kind(captured), "{at}: {actual} is not like {captured}");
        }
    }
}

/// Shorthand for a body that a capture leaves out.
pub(crate) fn none() -> Value {
    json!(null)
}
