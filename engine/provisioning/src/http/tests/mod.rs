//! The face of the desk, called as programs call it.

mod bad_input;
mod document;
mod errors;
mod many_at_once;
mod repeated;
mod spaces;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request},
};
use rondo_definition::{Environment, Properties};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::{Desk, desk::tests::resting_desk, routes};

const PROPERTIES: &str = "rondo.desk.users.root.token=root\nrondo.desk.users.root.roles=admin\nrondo.desk.users.jane.token=jane\n\
    rondo.desk.users.jane.tokens.github=github-token-canary\nrondo.desk.users.kim.token=kim\nrondo.desk.users.ana.token=ana\n\
    rondo.desk.users.eve.token=eve\nrondo.desk.users.flow.token=flow\nrondo.desk.users.flow.roles=service\n\
    rondo.desk.webhooks.allow-http=true\nrondo.desk.mail.url=http://127.0.0.1:1\n";

/// A desk with the pool `acme` and the cluster `sim`. Tokens are the names of people.
#[derive(Clone)]
struct Web {
    desk: Desk,
    router: Router,
}

/// An answer of the desk.
#[derive(Debug)]
struct Answered {
    status: u16,
    headers: HeaderMap,
    text: String,
    json: Value,
}

impl Answered {
    fn code(&self) -> &str {
        self.json["error"]["code"].as_str().unwrap_or_default()
    }

    /// The pointers of all faults.
    fn faults(&self) -> Vec<&str> {
        let faults = self.json["error"]["details"]["faults"].as_array();
        faults.into_iter().flatten().filter_map(|fault| fault["pointer"].as_str()).collect()
    }
}

impl Web {
    async fn new() -> Self {
        let (properties, _) = Properties::parse("application.properties", PROPERTIES, Environment::new());
        let desk = resting_desk(&properties).await;
        let web = Self { router: routes(desk.clone()), desk };
        let grants = json!([{"to": "jane", "actions": ["create"]}, {"to": "kim", "actions": ["modify"]}, {"to": "eve", "actions": ["manage"]}]);
        let pool = json!({"kind": "tenant", "quota": {"instances": 1000, "cpu": 100}, "grants": grants});
        web.done("root", "PUT", "/pools/acme", pool).await;
        web.done("root", "POST", "/clusters", json!({"name": "sim", "type": "simulation", "region": "eu"}))
            .await;
        web
    }

    async fn send(
        &self,
        person: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Answered {
        let mut request = Request::builder().method(method).uri(format!("/desk/v1{path}"));
        if !person.is_empty() {
            request = request.header("Authorization", format!("Bearer {person}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = answer.into_parts();
        let text = String::from_utf8(to_bytes(body, 1 << 24).await.unwrap().to_vec()).unwrap();
        let json = serde_json::from_str(&text).unwrap_or_default();
        Answered { status: parts.status.as_u16(), headers: parts.headers, text, json }
    }

    async fn ask(&self, person: &str, method: &str, path: &str, body: Value) -> Answered {
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        self.send(person, method, path, &[], body).await
    }

    /// The same, for what must succeed. Answers the body.
    async fn done(&self, person: &str, method: &str, path: &str, body: Value) -> Value {
        let answered = self.ask(person, method, path, body).await;
        assert!((200..300).contains(&answered.status), "{method} {path}: {answered:?}");
        answered.json
    }

    /// What jane asks for, with members of another value.
    fn order(more: &Value) -> Value {
        let mut order = json!({
            "pool": "acme", "requester": "user:default/jane", "type": "vps", "provider": "simulation", "name": "shop", "resources": {"cpu": 1},
        });
        order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        order
    }

    /// Has jane ask for something. Answers its id.
    async fn request(&self, more: Value) -> String {
        id(&self.done("jane", "POST", "/requests", Self::order(&more)).await)
    }

    /// Asks kim and ana for jane. Answers the id of the question.
    async fn question(&self, more: Value) -> String {
        let mut asked = json!({"subject": "instance:1", "title": "Open?", "requester": "jane", "approvers": ["kim", "ana", "jane"]});
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        id(&self.done("jane", "POST", "/approvals", asked).await)
    }

    async fn report(&self, request: &str, step: &str, status: &str) -> Answered {
        self.ask("flow", "PUT", &format!("/requests/{request}/steps/{step}"), json!({"status": status})).await
    }

    async fn usage(&self) -> Value {
        self.done("root", "GET", "/pools/acme", Value::Null).await["usage"].clone()
    }
}

fn id(body: &Value) -> String {
    body["id"].as_str().unwrap().to_owned()
}
