//! A simulated `OpenStack`, and a client with a token for a project.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue};
use rondo_simulator::Service::Openstack;
use rondo_simulator::{CloudOptions, Delays, Options};
use serde_json::{Value, json};

use super::{World, contains};

pub(crate) const NONE: Value = Value::Null;
pub(crate) const IMAGE: &str = "70a599e0-31e7-49b7-b260-868f441e862b";
/// What the gateway sends in place of a reference.
pub(crate) const CLOUD_INIT: &str = "I2Nsb3VkLWNvbmZpZwo=";

/// A simulator, and a client with a token for a project.
pub(crate) struct Cloud {
    pub(crate) world: World,
    pub(crate) headers: HeaderMap,
    pub(crate) project: String,
}

impl Cloud {
    pub(crate) async fn new() -> Self {
        Self::with(Delays::default(), CloudOptions::default()).await
    }

    pub(crate) async fn with(delays: Delays, cloud: CloudOptions) -> Self {
        let cloud = CloudOptions { password: "secret".to_owned(), ..cloud };
        let world = World::start(Options { delays, cloud, ..Options::default() }).await;
        let mut cloud = Self { world, headers: HeaderMap::new(), project: String::new() };
        cloud.sign_in("acme").await;
        cloud
    }

    /// Takes a new token.
    pub(crate) async fn sign_in(&mut self, project: &str) {
        let body = credentials("secret", project);
        let (status, headers, answer) =
            self.world.exchange(Openstack, ("POST /v3/auth/tokens", body), HeaderMap::new()).await;
        assert_eq!(status, 201, "{answer}");
        self.headers.insert("x-auth-token", headers["x-subject-token"].clone());
        self.headers.insert("openstack-api-version", HeaderValue::from_static("compute 2.67"));
        answer["token"]["project"]["id"].as_str().unwrap().clone_into(&mut self.project);
    }

    pub(crate) async fn ask(&self, line: &str, body: Value) -> (u16, Value) {
        self.world.ask_with(Openstack, (line, body), self.headers.clone()).await
    }

    /// Makes something; gives the member of the answer.
    pub(crate) async fn make(&self, line: &str, member: &str, body: Value) -> Value {
        let (status, mut answer) = self.ask(line, json!({ member: body })).await;
        assert!((200..203).contains(&status), "{line}: {answer}");
        answer[member].take()
    }

    /// Asserts status and a part of the answer.
    pub(crate) async fn expect(&self, line: &str, body: Value, status: u16, expected: Value) {
        let (found, answer) = self.ask(line, body.clone()).await;
        assert_eq!(found, status, "{line} {body} was answered {answer}");
        contains(&answer, &expected, line);
    }

    pub(crate) async fn network(&self, name: &str) -> Value {
        let (_, answer) = self.ask(&format!("GET /v2.0/networks?name={name}"), NONE).await;
        answer["networks"][0]["id"].clone()
    }

    pub(crate) async fn port(&self) -> Value {
        let network = self.network("private").await;
        let port =
            self.make("POST /v2.0/ports", "port", json!({ "network_id": network, "name": "rq-1" })).await;
        port["id"].clone()
    }

    pub(crate) async fn server(&self, port: &Value) -> String {
        let server = self.make("POST /v2.1/servers", "server", server(port)).await;
        server["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn control(&self, line: &str, body: Value) {
        let (status, answer) = self.world.control(line, body).await;
        assert_eq!(status, 204, "{answer}");
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.world.simulator.advance(Duration::from_secs(seconds));
    }
}

pub(crate) fn credentials(password: &str, project: &str) -> Value {
    let domain = json!({ "name": "Default" });
    json!({ "auth": {
        "identity": { "methods": ["password"], "password": { "user": { "name": "desk", "domain": domain, "password": password } } },
        "scope": { "project": { "name": project, "domain": domain } },
    } })
}

pub(crate) fn server(port: &Value) -> Value {
    json!({
        "name": "rq-1", "flavorRef": "3", "networks": [{ "port": port }], "user_data": CLOUD_INIT,
        "metadata": { "requestId": "0198c0de", "orderId": "ord-7", "tenantId": "acme" },
        "block_device_mapping_v2": [{
            "boot_index": 0, "uuid": IMAGE, "source_type": "image", "destination_type": "volume", "volume_size": 80,
            "volume_type": "nvme", "delete_on_termination": true,
        }],
    })
}

pub(crate) fn building() -> Delays {
    let [build, power, deletion] = [10, 5, 5].map(Duration::from_secs);
    Delays { server_build: build, server_power: power, server_deletion: deletion, ..Delays::default() }
}
