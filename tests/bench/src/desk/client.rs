//! Calls of the desk.

use std::time::Instant;

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::{Result, process::Server};

/// Somebody who calls the desk of a server.
#[derive(Clone)]
pub(super) struct Desk {
    http: Client,
    url: String,
}

/// A page of a list.
pub(super) struct Page {
    pub(super) items: Vec<Value>,
    /// Where the list goes on.
    pub(super) next: Option<String>,
}

impl Desk {
    pub(super) fn of(server: &Server) -> Self {
        Self { http: Client::new(), url: format!("http://{}", server.address) }
    }

    /// Sends a body; the answer has to be a success.
    pub(super) async fn send(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        let request = self.http.request(method, format!("{}/desk/v1{path}", self.url)).json(body);
        let answer = request.send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        if status.is_success() {
            Ok(serde_json::from_str(&text).unwrap_or_default())
        } else {
            Err(format!("{path}: {status} {text}").into())
        }
    }

    /// Reads a page of the API.
    pub(super) async fn page(&self, path: &str) -> Result<Page> {
        let (text, _) = self.read(&format!("/desk/v1{path}")).await?;
        page_of(path, &text)
    }

    /// Reads a page of the API, and how long that took in milliseconds.
    pub(super) async fn timed_page(&self, path: &str) -> Result<(Page, f64)> {
        let (text, taken) = self.read(&format!("/desk/v1{path}")).await?;
        Ok((page_of(path, &text)?, taken))
    }

    /// Reads a text, and how long that took in milliseconds.
    pub(super) async fn read(&self, path: &str) -> Result<(String, f64)> {
        let begin = Instant::now();
        let answer = self.http.get(format!("{}{path}", self.url)).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        let taken = begin.elapsed().as_secs_f64() * 1000.0;
        if status.is_success() { Ok((text, taken)) } else { Err(format!("{path}: {status} {text}").into()) }
    }

    /// Makes a cluster of a type, which has room for everything.
    pub(super) async fn make_cluster(&self, kind: &str, settings: &Value) -> Result<()> {
        let cluster =
            json!({"name": kind, "type": kind, "region": "eu", "enabled": true, "settings": settings});
        self.send(Method::POST, "/clusters", &cluster).await.map(drop)
    }
}

fn page_of(path: &str, text: &str) -> Result<Page> {
    let mut body: Value = serde_json::from_str(text)?;
    let Value::Array(items) = body["items"].take() else { return Err(format!("{path}: {text}").into()) };
    Ok(Page { items, next: body["next"].as_str().map(str::to_owned) })
}
