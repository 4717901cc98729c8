//! What the tests of all services share: a simulator with a client, and tables of exchanges.
#![allow(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod cloud;
pub(crate) mod wire;

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use rondo_simulator::{BACKSTAGE_TOKEN, Delays, GITLAB_TOKEN, KUBERNETES_TOKEN, Options, Service, Simulator};
use serde_json::{Value, json};

/// A running simulator and who talks to it.
pub(crate) struct World {
    pub(crate) simulator: Simulator,
    http: reqwest::Client,
}

/// One request: method and path, and the JSON body, null for none.
pub(crate) type Request<'a> = (&'a str, Value);

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Delays::default()).await
    }

    pub(crate) async fn with(delays: Delays) -> Self {
        Self::start(Options { delays, ..Options::default() }).await
    }

    pub(crate) async fn start(options: Options) -> Self {
        // Fails when another test of this process was first, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let no_redirects = reqwest::redirect::Policy::none();
        let http = reqwest::Client::builder().redirect(no_redirects).no_proxy().build().unwrap();
        Self { simulator: Simulator::start(options).await.unwrap(), http }
    }

    /// Sends a request with the right token; gives status and body, which is a text if it is no JSON.
    pub(crate) async fn ask(&self, service: Service, request: Request<'_>) -> (u16, Value) {
        self.ask_with(service, request, HeaderMap::new()).await
    }

    pub(crate) async fn ask_with(
        &self,
        service: Service,
        request: Request<'_>,
        headers: HeaderMap,
    ) -> (u16, Value) {
        let (status, _, body) = self.exchange(service, request, headers).await;
        (status, body)
    }

    /// Sends a request; gives status, headers and body of the answer.
    pub(crate) async fn exchange(
        &self,
        service: Service,
        (line, body): Request<'_>,
        headers: HeaderMap,
    ) -> (u16, HeaderMap, Value) {
        let (base, token) = match service {
            Service::Gitlab => (self.simulator.gitlab_url(), GITLAB_TOKEN),
            Service::Backstage => (self.simulator.backstage_url(), BACKSTAGE_TOKEN),
            Service::Kubernetes => (self.simulator.kubernetes_url(), KUBERNETES_TOKEN),
            Service::Openstack => (self.simulator.openstack_url(), "none"),
            Service::Mail => (self.simulator.mail_url(), "none"),
            Service::Orders => (self.simulator.orders_url(), "none"),
        };
        let (method, path) = line.split_once(' ').unwrap();
        let method: Method = method.parse().unwrap();
        let mut all = HeaderMap::new();
        all.insert(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {token}")).unwrap());
        let kind = if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
        all.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        all.extend(headers);
        let mut request = self.http.request(method, format!("{base}{path}")).headers(all);
        if !body.is_null() {
            request = request.body(body.to_string());
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await.unwrap();
        (status, headers, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Plays a table: each request must be answered with the status, and with a body that contains the expected one.
    pub(crate) async fn play(&self, service: Service, table: &[(&str, Value, u16, Value)]) {
        for (line, body, status, expected) in table {
            let (found, answer) = self.ask(service, (line, body.clone())).await;
            assert_eq!(found, *status, "{line} {body} was answered {answer}");
            contains(&answer, expected, line);
        }
    }

    /// Asks the control plane.
    pub(crate) async fn control(&self, line: &str, body: Value) -> (u16, Value) {
        self.ask(Service::Gitlab, (line, body)).await
    }
}

/// Asserts that all members of `expected` are in `actual`; arrays must have the same length.
pub(crate) fn contains(actual: &Value, expected: &Value, at: &str) {
    match (actual, expected) {
        (Value::Object(actual), Value::Object(expected)) => {
            for (name, value) in expected {
                contains(actual.get(name).unwrap_or(&Value::Null), value, &format!("{at} .{name}"));
            }
        }
        (Value::Array(actual), Value::Array(expected)) => {
            assert_eq!(actual.len(), expected.len(), "{at}: {actual:?}");
            for (index, (actual, expected)) in actual.iter().zip(expected).enumerate() {
                contains(actual, expected, &format!("{at} [{index}]"));
            }
        }
        _ => assert_eq!(actual, expected, "{at}"),
    }
}

/// A header with this value.
pub(crate) fn header(name: &'static str, value: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(name.parse().unwrap(), HeaderValue::from_static(value))])
}

/// Shorthand for a virtual machine.
pub(crate) fn machine(name: &str, spec: &Value) -> Value {
    let mut spec = spec.clone();
    if spec["template"].is_null() {
        spec["template"] = json!({ "spec": { "domain": { "memory": { "guest": "4Gi" } } } });
    }
    json!({ "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "metadata": { "name": name }, "spec": spec })
}

/// Shorthand for a namespace.
pub(crate) fn namespace(name: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } })
}

/// Headers to add to.
pub(crate) fn no_headers() -> HeaderMap {
    HeaderMap::new()
}
