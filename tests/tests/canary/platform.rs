//! The platform with a canary for every secret, and everything that is heard of it.

use std::{collections::BTreeMap, fs, net::Ipv4Addr, process::Command, sync::Mutex};

use reqwest::{Client, Method};
use rondo_simulator::{
    CloudOptions, FloatingAddresses, HostPorts, OPENSTACK_USER, Options, PROJECT, ProvisionerOptions,
    Simulator,
};
use rondo_tests::{Engine, folder, prepare, root, until};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{cloud::Cloud, receiver::Receiver, search::Secret};

/// Names of the secrets that are given to the platform.
const GIVEN: [&str; 18] = [
    "root",
    "rita",
    "jane",
    "provisioner",
    "engine",
    "gitlab",
    "hook",
    "backstage",
    "mail",
    "cloud",
    "kubernetes",
    "webhook",
    "receiver-secret",
    "receiver-password",
    "github",
    "address-password",
    "stranger",
    "refused-password",
];

pub(crate) struct Platform {
    pub(crate) engine: Engine,
    pub(crate) services: Simulator,
    pub(crate) cloud: Cloud,
    pub(crate) receiver: Receiver,
    secrets: Mutex<BTreeMap<String, String>>,
    /// What was answered, and by what.
    heard: Mutex<Vec<(String, Vec<u8>)>>,
    _flows: TempDir,
}

/// The canary of this name. It has letters that are written otherwise in addresses and in base64.
pub(crate) fn canary(name: &str) -> String {
    format!("canary-{name}/7Hq2+w==")
}

impl Platform {
    pub(crate) async fn start() -> Self {
        prepare();
        let services = Simulator::start(Options {
            gitlab_token: canary("gitlab"),
            backstage_token: canary("backstage"),
            kubernetes_token: canary("kubernetes"),
            webhook_secret: canary("webhook"),
            cloud: CloudOptions {
                password: canary("cloud"),
                regions: vec!["eu-west-1".to_owned()],
                floating_addresses: FloatingAddresses { first: Ipv4Addr::new(127, 40, 0, 2), count: 4 },
                ..CloudOptions::default()
            },
            hosts: Some(HostPorts { ssh: 0, http: 0 }),
            ..Options::default()
        });
        let services = services.await.unwrap();
        let cloud = Cloud::start(services.openstack_url()).await;
        let receiver = Receiver::start().await;
        let broker = services.start_broker().await.unwrap();
        let flows = flows(&services);
        let environment = [
            ("DESK_ENABLED", "true".to_owned()),
            ("NATS_URL", broker.clone()),
            ("MAIL_URL", services.mail_url()),
            ("GITLAB_URL", services.gitlab_url()),
            ("GITLAB_TOKEN", canary("gitlab")),
            ("BACKSTAGE_URL", services.backstage_url()),
            ("BACKSTAGE_TOKEN", canary("backstage")),
            ("KUBERNETES_URL", services.kubernetes_url()),
            ("KUBERNETES_TOKEN", canary("kubernetes")),
            ("RONDO_CLOCK_SPEED", "50".to_owned()),
            ("RUST_LOG", "trace".to_owned()),
        ];
        let engine = Engine::start(&flows.path().join("workflows"), &environment).await;
        let provisioner = ProvisionerOptions {
            desk_url: engine.url("/desk/v1"),
            token: canary("provisioner"),
            nats_url: Some(broker),
            has_empty_body: false,
        };
        services.start_provisioner(provisioner).await.unwrap();
        services.announce_orders_to(engine.url("/"));
        let secrets = GIVEN.iter().map(|name| ((*name).to_owned(), canary(name))).collect();
        let (secrets, heard) = (Mutex::new(secrets), Mutex::default());
        Self { engine, services, cloud, receiver, secrets, heard, _flows: flows }
    }

    /// From now on this must be nowhere either.
    pub(crate) fn learn(&self, name: &str, secret: &str) {
        self.secrets.lock().unwrap().insert(name.to_owned(), secret.to_owned());
    }

    /// Every secret that is known.
    pub(crate) fn secrets(&self) -> Vec<Secret> {
        self.secrets.lock().unwrap().iter().map(|(name, secret)| Secret::new(name, secret)).collect()
    }

    /// Everything that was answered.
    pub(crate) fn heard(&self) -> Vec<(String, Vec<u8>)> {
        self.heard.lock().unwrap().clone()
    }

    /// Asks as one of the people, or with another token. Remembers the answer; gives its status and body.
    pub(crate) async fn ask(&self, person: &str, method: Method, path: &str, body: Value) -> (u16, Value) {
        let mut request =
            Client::new().request(method.clone(), self.engine.url(path)).bearer_auth(canary(person));
        let key = format!("call-{}", self.heard.lock().unwrap().len());
        request = request.header("Idempotency-Key", key);
        if !body.is_null() {
            request = request.json(&body);
        }
        let (status, text) = self.hear(&format!("{person}: {method} {path}"), request).await;
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    /// Sends a request, and remembers all of the answer.
    pub(crate) async fn hear(&self, what: &str, request: reqwest::RequestBuilder) -> (u16, String) {
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), format!("{:?}", answer.headers()));
        let text = answer.text().await.unwrap();
        self.heard.lock().unwrap().push((what.to_owned(), format!("{headers}\n{text}").into_bytes()));
        (status, text)
    }

    /// Asks the desk for something that it does.
    pub(crate) async fn desk(&self, person: &str, method: Method, path: &str, body: Value) -> Value {
        let (status, body) = self.ask(person, method, &format!("/desk/v1{path}"), body).await;
        assert!(status < 300, "{path}: {status} {body}");
        body
    }

    /// Waits until a request is in a state. Panics when it ends otherwise.
    pub(crate) async fn wait_for(&self, id: &str, state: &str) -> Value {
        let mut last = Value::Null;
        let holds = async || {
            let request = Client::new()
                .get(self.engine.url(&format!("/desk/v1/requests/{id}")))
                .bearer_auth(canary("root"));
            last = rondo_tests::Answer::to(request).await.unwrap().body;
            assert!(!is_lost(&last) || last["state"] == state, "the request should be {state}: {last}");
            last["state"] == state
        };
        until(&format!("{id} is {state}"), holds).await;
        last
    }

    /// Pools, clusters, a rule, webhooks.
    pub(crate) async fn register(&self) {
        let grants = json!([{"to": "everyone", "actions": ["create"]}, {"to": "role:reviewer", "actions": ["modify"]}]);
        self.desk("root", Method::PUT, "/pools/acme", json!({"kind": "tenant", "grants": grants})).await;
        let lab = json!([{"to": "jane", "actions": ["create_with_approval"]}, {"to": "role:reviewer", "actions": ["modify"]}]);
        self.desk("root", Method::PUT, "/pools/lab", json!({"kind": "pool", "grants": lab})).await;
        let ministry = json!([{"to": "jane", "actions": ["create"]}]);
        self.desk("root", Method::PUT, "/pools/AGRI", json!({"kind": "organization", "grants": ministry}))
            .await;
        let ports = self.services.host_ports();
        let (ssh, http) = (ports.map(|ports| ports.ssh), ports.map(|ports| ports.http));
        let kubernetes = json!({"type": "kubernetes", "apiUrl": self.services.kubernetes_url(), "credentials": {"token": canary("kubernetes")}});
        for (name, region, more) in [
            (
                "os",
                "eu-west-1",
                json!({
                    "type": "openstack", "apiUrl": format!("{}/v3", self.cloud.url()),
                    "credentials": {"user": OPENSTACK_USER, "password": canary("cloud"), "project": "os", "domain": "Default"},
                    "settings": {"network": "private", "externalNetwork": "public", "volumeType": "nvme", "sshPort": ssh, "httpPort": http},
                }),
            ),
            ("k8s", "eu-west-1", kubernetes.clone()),
            ("silver", "private", kubernetes),
            ("vendor", "eu-west-1", json!({"type": "manual"})),
            ("sim", "eu-west-1", json!({"type": "simulation"})),
        ] {
            let mut cluster = json!({"name": name, "region": region, "capacity": {"cpu": 100, "memoryGiB": 400, "storageGiB": 4000, "slots": 50}});
            cluster.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            self.desk("root", Method::POST, "/clusters", cluster).await;
            self.desk("root", Method::POST, &format!("/clusters/{name}/test"), Value::Null).await;
        }
        let url = format!("{}/hooks/provisioning", self.services.orders_url());
        self.desk(
            "root",
            Method::POST,
            "/webhooks",
            json!({"pool": "acme", "url": url, "secret": canary("webhook")}),
        )
        .await;
        let hook = json!({
            "pool": "acme", "url": self.receiver.url(), "secret": canary("receiver-secret"), "username": "shop", "password": canary("receiver-password"),
        });
        self.desk("root", Method::POST, "/webhooks", hook).await;
    }
}

/// Whether a request has come to an end that nobody asked for.
fn is_lost(request: &Value) -> bool {
    ["Failed", "Rolled Back"].iter().any(|state| request["state"] == **state)
}

/// The flows of this repository, with properties that have the secrets of the people and of other services.
fn flows(services: &Simulator) -> TempDir {
    let flows = folder(&[]);
    let copied =
        Command::new("cp").arg("-r").arg(root().join("workflows")).arg(flows.path()).status().unwrap();
    assert!(copied.success());
    let file = flows.path().join("workflows/application.properties");
    let mut lines = vec![
        fs::read_to_string(&file).unwrap(),
        "rondo.desk.webhooks.allow-http=true".to_owned(),
        "rondo.desk.webhooks.allow-loopback=true".to_owned(),
        "rondo.desk.mail.domain=example.org".to_owned(),
        format!("rondo.desk.mail.token={}", canary("mail")),
        format!("rondo.desk.token={}", canary("engine")),
        format!("rondo.desk.tickets.gitlab.url={}", services.gitlab_url()),
        format!("rondo.desk.tickets.gitlab.token={}", canary("gitlab")),
        format!("rondo.desk.tickets.gitlab.hook-token={}", canary("hook")),
        format!("rondo.desk.tickets.gitlab.project={PROJECT}"),
        format!("rondo.desk.users.jane.tokens.github={}", canary("github")),
        "rondo.desk.users.root.roles=admin".to_owned(),
        "rondo.desk.users.rita.roles=reviewer".to_owned(),
        "rondo.desk.users.provisioner.roles=private-admin".to_owned(),
    ];
    lines.extend(
        ["root", "rita", "jane", "provisioner"]
            .map(|name| format!("rondo.desk.users.{name}.token={}", canary(name))),
    );
    fs::write(&file, lines.join("\n")).unwrap();
    flows
}
