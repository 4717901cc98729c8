//! The desk and the flows, as the people of the demo use them.

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use reqwest::Method;
use serde_json::Value;

use super::token_of;
use crate::client::{Answer, Target, message_of};

/// A client for each person.
pub(super) struct Desk {
    engine: Target,
    /// How long one thing may take.
    patience: Duration,
    /// Names of requests by their ids.
    names: Mutex<BTreeMap<String, String>>,
}

impl Desk {
    pub(super) fn new(engine: &Target, patience: Duration) -> Self {
        Self { engine: engine.clone(), patience, names: Mutex::default() }
    }

    /// Asks the desk as somebody. The error says what the desk does not want, and why.
    pub(super) async fn ask(
        &self,
        person: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, String> {
        let target = self.engine.with_token(token_of(person));
        let answer = target.request(method.clone(), &format!("/desk/v1{path}"), body).await?;
        if answer.status < 300 {
            return Ok(answer.body);
        }
        let error = &answer.body["error"];
        let why = match (error["code"].as_str(), error["message"].as_str()) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            _ => message_of(&answer),
        };
        Err(format!("the desk does not do {method} {path}: {why}"))
    }

    /// Asks the desk for something that is there.
    pub(super) async fn get(&self, path: &str) -> Result<Value, String> {
        self.ask("root", Method::GET, path, None).await
    }

    /// Starts an instance of a flow; gives its id.
    pub(super) async fn start(&self, flow: &str, data: &Value) -> Result<String, String> {
        let answer: Answer = self.engine.request(Method::POST, &format!("/{flow}"), Some(data)).await?;
        let id = answer.body["id"].as_str().map(str::to_owned);
        id.ok_or_else(|| format!("{flow} was not started: {}", message_of(&answer)))
    }

    /// An instance: state, data, error.
    pub(super) async fn instance(&self, id: &str) -> Result<Value, String> {
        Ok(self.engine.request(Method::GET, &format!("/rondo/instances/{id}"), None).await?.body)
    }

    /// Waits until an instance has ended. Gives it.
    pub(super) async fn wait_for_instance(&self, id: &str) -> Result<Value, String> {
        let has_ended = |instance: &Value| !matches!(instance["state"].as_str(), Some("ACTIVE" | "PENDING"));
        self.wait(&format!("the instance {id}"), async || self.instance(id).await, has_ended).await
    }

    /// Waits until nothing more happens to a request by itself. Gives it.
    pub(super) async fn wait_for_request(&self, id: &str) -> Result<Value, String> {
        let path = format!("/requests/{id}");
        let has_ended = |request: &Value| match request["state"].as_str() {
            Some("Completed" | "Rolled Back") => true,
            Some("Failed") => request["recorded"].as_array().is_none_or(Vec::is_empty),
            _ => false,
        };
        self.wait(&format!("the request {id}"), async || self.get(&path).await, has_ended).await
    }

    /// Asks until something holds.
    pub(super) async fn wait(
        &self,
        what: &str,
        look: impl AsyncFn() -> Result<Value, String>,
        holds: impl Fn(&Value) -> bool,
    ) -> Result<Value, String> {
        let until = tokio::time::Instant::now() + self.patience;
        loop {
            let found = look().await?;
            if holds(&found) {
                return Ok(found);
            }
            if tokio::time::Instant::now() > until {
                return Err(format!("{what} took longer than {} s", self.patience.as_secs()));
            }
            tokio::time::sleep(crate::demo::POLL_INTERVAL).await;
        }
    }

    /// The name of a request.
    pub(super) async fn name_of(&self, id: &str) -> String {
        let known = |names: &BTreeMap<String, String>| names.get(id).cloned();
        if let Some(name) = self.names.lock().ok().and_then(|names| known(&names)) {
            return name;
        }
        let found = self.get(&format!("/requests/{id}")).await;
        let Some(name) = found.ok().and_then(|request| request["name"].as_str().map(str::to_owned)) else {
            return id.to_owned();
        };
        if let Ok(mut names) = self.names.lock() {
            names.insert(id.to_owned(), name.clone());
        }
        name
    }
}
