//! A server that records requests and sends prepared answers, and calls against it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{Request as HttpRequest, Response};
use rondo_definition::Properties;
use rondo_expression::Val;
use rondo_memory::MemoryBudget;
use rondo_program::{HttpFunction, HttpMethod};
use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::binding::{Binding, OpenApiTarget, Target};
use crate::caller::{Caller, Request};
use crate::error::CallError;
use crate::headers::ProcessHeaders;
use crate::http_target::HttpTarget;
use crate::mask::Secrets;
use crate::openapi;
use crate::openapi::document::SpecDocument;

/// An answer of the server. It sends its replies in order, and the last one again and again.
#[derive(Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn new(status: u16, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        let headers =
            if content_type.is_empty() { vec![] } else { vec![("content-type", content_type.to_owned())] };
        Self { status, headers, body: body.into() }
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }
}

/// A request as the server saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// The replies that are left, and the requests so far.
type Shared = Arc<Mutex<(Vec<Reply>, Vec<Seen>)>>;

pub(crate) struct Server {
    pub(crate) url: String,
    state: Shared,
}

impl Server {
    pub(crate) async fn start(replies: Vec<Reply>) -> Self {
        let state = Arc::new(Mutex::new((replies, Vec::new())));
        let app = axum::Router::new().fallback(serve).with_state(Arc::clone(&state));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, state }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.lock().unwrap().1.clone()
    }

    pub(crate) fn last(&self) -> Seen {
        self.seen().pop().expect("a request")
    }
}

async fn serve(State(state): State<Shared>, request: HttpRequest<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let headers = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    let seen = Seen {
        method: parts.method.to_string(),
        target: parts.uri.to_string(),
        headers: headers.collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let mut state = state.lock().unwrap();
    state.1.push(seen);
    let reply = if state.0.len() > 1 { state.0.remove(0) } else { state.0[0].clone() };
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(reply.body)).unwrap()
}

/// A document with one path; `more` is merged into its top level.
pub(crate) fn spec(path: &str, method: &str, mut operation: Value, more: Value) -> Value {
    let mut document = json!({"openapi": "3.0.3", "info": {"title": "T", "version": "1"}, "paths": {}});
    operation["operationId"] = "op".into();
    document["paths"][path][method] = operation;
    for (name, value) in more.as_object().unwrap() {
        document[name.as_str()] = value.clone();
    }
    document
}

/// Binds the operation `op` of a document, whose settings have the key `svc`.
pub(crate) fn openapi(document: &Value) -> Arc<Binding> {
    let document = Arc::new(SpecDocument::parse("specs/svc", document.to_string().into()).unwrap());
    let place = document.operation("op").unwrap().clone();
    let (operation, problems) =
        openapi::extract(&document, &place, None, &|_, file| Err(format!("`{file}` is not there"))).unwrap();
    assert_eq!(problems, Vec::<String>::new());
    let target =
        Target::OpenApi(Box::new(OpenApiTarget { operation, key: "svc".to_owned(), has_config_key: false }));
    binding(target)
}

/// A function `f` with this target.
pub(crate) fn binding(target: Target) -> Arc<Binding> {
    Arc::new(Binding { name: "f".to_owned(), target, asked_headers: Arc::default() })
}

/// Parses an operation such as `get:/a`.
pub(crate) fn http(operation: &str, fails_on_error_status: bool) -> HttpFunction {
    let (method, address) = operation.split_once(':').unwrap();
    let method = HttpMethod::parse(method).unwrap();
    HttpFunction { method, address: address.to_owned(), fails_on_error_status }
}

/// A function that sends a plain HTTP request.
pub(crate) fn rest(operation: &str, fails_on_error_status: bool) -> Arc<Binding> {
    binding(Target::Http(HttpTarget::Rest(http(operation, fails_on_error_status))))
}

/// Properties with the server's address, and more lines.
pub(crate) fn properties(server: &str, more: &str) -> Properties {
    let text = format!("quarkus.rest-client.svc.url={server}\n{more}\n");
    let (properties, diagnostics) =
        Properties::parse("application.properties", &text, rondo_definition::Environment::new());
    assert_eq!(diagnostics, vec![]);
    properties
}

pub(crate) fn val(json: Value) -> Val {
    Val::deserialize(json).unwrap()
}

/// The result of a call, as JSON.
pub(crate) fn result(answer: &Answer) -> Value {
    serde_json::to_value(&answer.result).unwrap()
}

/// A caller with memory for some large answers.
pub(crate) fn caller(properties: &Properties, secrets: Secrets) -> Caller {
    Caller::new(properties, secrets, &MemoryBudget::new(256 << 20)).unwrap()
}

/// Calls with ordinary values; the `configKey`, for functions that have one, is `east`.
pub(crate) async fn call(
    binding: &Arc<Binding>,
    properties: &Properties,
    arguments: Value,
) -> Result<Answer, CallError> {
    call_with(&caller(properties, Secrets::default()), binding, properties, arguments, &[]).await
}

pub(crate) async fn call_with(
    caller: &Caller,
    binding: &Arc<Binding>,
    properties: &Properties,
    arguments: Value,
    headers: &[(&str, &str)],
) -> Result<Answer, CallError> {
    call_of("i-1", caller, binding, properties, arguments, headers).await
}

/// A call of this instance.
pub(crate) async fn call_of(
    instance: &str,
    caller: &Caller,
    binding: &Arc<Binding>,
    properties: &Properties,
    arguments: Value,
    headers: &[(&str, &str)],
) -> Result<Answer, CallError> {
    let headers: Vec<(String, String)> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let state_data = val(json!({"whole": "data"}));
    let request = Request {
        // Null means an action without arguments.
        arguments: (!arguments.is_null()).then(|| val(arguments)),
        state_data: &state_data,
        headers: &headers,
        process: ProcessHeaders {
            instance_id: instance,
            workflow_id: "flow",
            version: "1.0",
            ..ProcessHeaders::default()
        },
        idempotency_key: "i-1/7",
        config_key: Some("east"),
        properties,
        state: "Create issue",
        action: "create",
        attempt: 2,
        python: None,
        before_large_answer: crate::BeforeLargeAnswer::default(),
    };
    caller.call(binding, request).await
}

/// The message to the client whose request led to the error.
pub(crate) fn client_message(error: &CallError) -> String {
    rondo_program::sonataflow::client_message(&error.clone().into_failure())
}
