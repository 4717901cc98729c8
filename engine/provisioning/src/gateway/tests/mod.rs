//! The gateway against a cloud in the same process.

mod bench;
mod calls;
mod canary;
mod cloud;
mod clusters;
mod once;
mod references;
mod users;

use serde_json::{Map, Value, json};

use super::{call::Call, provider::Place};

/// A cluster with settings and credentials.
pub(super) fn place(kind: &str, settings: Value, credentials: Value) -> Place {
    let cluster = json!({"name": "one", "type": kind, "region": "eu", "apiUrl": "http://cluster.test", "settings": settings});
    let members = |value: Value| match value {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    Place::new(serde_json::from_value(cluster).unwrap(), members(credentials))
}

/// A call that makes something.
pub(super) fn post(service: &str, path: &str, body: Value) -> Call {
    Call { method: "POST".to_owned(), body: Some(body), ..Call::get(service, path, None) }
}
