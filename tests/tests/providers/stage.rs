//! A stage: engine with desk and the flows of a provider, simulated services, one pool, and a cluster of each kind.

use std::{fs, net::Ipv4Addr, path::Path, time::Duration};

use reqwest::Method;
use rondo_simulator::{
    CloudOptions, Delays, FloatingAddresses, HostPorts, KUBERNETES_TOKEN, OPENSTACK_PASSWORD, OPENSTACK_USER,
    Options, Simulator,
};
use rondo_tests::{Answer, Engine, prepare, root};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::gate::Gate;

/// What flows of a provider need beside their own folder.
const SHARED: [&str; 2] = ["application.properties", "specs"];

/// How much faster durations pass: a look every 5 s becomes one every 100 ms.
const SPEED: u32 = 50;

/// How long anything may take before a test gives up: many times as long as it takes, for several engines start at once.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Who asks the desk as its admin, and who asks for services.
pub(crate) const ROOT: &str = "t-root";
pub(crate) const JANE: &str = "t-jane";

const USERS: &str = "\nrondo.desk.users.root.token=t-root\nrondo.desk.users.root.roles=admin\n\
    rondo.desk.users.jane.token=t-jane\n";

/// Engine, services, and what lies between them.
pub(crate) struct Stage {
    pub(crate) engine: Engine,
    pub(crate) services: Simulator,
    /// What calls of flows to the desk and its gateway pass.
    pub(crate) gate: Gate,
    _flows: TempDir,
}

impl Stage {
    /// Starts everything, with the flows of one provider.
    pub(crate) async fn start(provider: &str) -> Self {
        prepare();
        let some = Duration::from_millis(150);
        let delays = Delays {
            server_build: some,
            server_deletion: some,
            server_power: some,
            namespace_deletion: some,
            vm_provisioning: some,
            vm_starting: some,
            ..Delays::default()
        };
        // Other tests have their own addresses, and other ports on the same ones.
        let floating_addresses = FloatingAddresses { first: Ipv4Addr::new(127, 31, 0, 2), count: 12 };
        let options = Options {
            cloud: CloudOptions { floating_addresses, ..CloudOptions::default() },
            hosts: Some(HostPorts { ssh: 0, http: 0 }),
            delays,
            ..Options::default()
        };
        let services = Simulator::start(options).await.expect("the simulators start");
        let flows = TempDir::new().unwrap();
        for name in SHARED.map(str::to_owned).into_iter().chain([format!("provision-{provider}")]) {
            copy(&root().join("workflows").join(&name), &flows.path().join(&name));
        }
        let properties = flows.path().join("application.properties");
        let text = fs::read_to_string(&properties).unwrap() + USERS;
        fs::write(properties, text).unwrap();
        let gate = Gate::open().await;
        let environment = [
            ("DESK_ENABLED", "true".to_owned()),
            ("DESK_URL", gate.url()),
            ("GITLAB_TOKEN", String::new()),
            ("KUBERNETES_TOKEN", String::new()),
            ("RONDO_CLOCK_SPEED", SPEED.to_string()),
        ];
        let engine = Engine::start(flows.path(), &environment).await;
        gate.lead_to(&engine);
        let stage = Self { engine, services, gate, _flows: flows };
        stage.set_up().await;
        stage
    }

    async fn set_up(&self) {
        let grants =
            json!([{"to": "everyone", "actions": ["create"]}, {"to": "role:admin", "actions": ["modify"]}]);
        let quota = json!({"instances": 40, "cpu": 80, "memoryGiB": 320, "storageGiB": 2000});
        self.put("/pools/acme", &json!({"kind": "tenant", "quota": quota, "grants": grants})).await;
        self.put_cloud(self.services.host_ports().unwrap().ssh).await;
        let place = json!({
            "apiUrl": self.services.kubernetes_url(), "consoleUrl": "https://console.example.com",
            "credentials": {"token": KUBERNETES_TOKEN},
        });
        self.put_cluster("k8s", "kubernetes", place).await;
        self.put_cluster("sim", "simulation", json!({"settings": {"successRate": 1, "seed": 7}})).await;
        self.put_cluster("people", "manual", json!({})).await;
    }

    /// Registers the cloud, whose servers are asked for an SSH banner at this port.
    pub(crate) async fn put_cloud(&self, ssh_port: u16) {
        let ports = self.services.host_ports().unwrap();
        let settings = json!({
            "network": "private", "externalNetwork": "public", "volumeType": "nvme", "sshPort": ssh_port, "httpPort": ports.http,
        });
        let credentials = json!({"user": OPENSTACK_USER, "password": OPENSTACK_PASSWORD, "project": "desk", "domain": "Default"});
        let place = json!({
            "apiUrl": format!("{}/v3", self.services.openstack_url()), "settings": settings, "credentials": credentials,
        });
        self.put_cluster("cloud", "openstack", place).await;
    }

    /// Registers a cluster with room for everything, or changes it.
    pub(crate) async fn put_cluster(&self, name: &str, kind: &str, place: Value) {
        let mut cluster = json!({
            "name": name, "type": kind, "region": "eu", "enabled": true, "default": true,
            "capacity": {"cpu": 200, "memoryGiB": 800, "storageGiB": 10000, "slots": 100},
        });
        cluster.as_object_mut().unwrap().extend(place.as_object().unwrap().clone());
        let changed = self.ask(ROOT, Method::PUT, &format!("/clusters/{name}"), &cluster).await;
        match changed.status {
            404 => drop(self.post("/clusters", &cluster).await),
            status => assert_eq!(status, 200, "{changed:?}"),
        }
    }

    /// Asks the desk.
    pub(crate) async fn ask(&self, token: &str, method: Method, path: &str, body: &Value) -> Answer {
        let url = self.engine.url(&format!("/desk/v1{path}"));
        let mut request = reqwest::Client::new().request(method.clone(), url).bearer_auth(token);
        if method != Method::GET {
            request = request.json(body);
        }
        Answer::to(request).await.expect("the desk answers")
    }

    async fn done(&self, method: Method, path: &str, body: &Value) -> Value {
        let answer = self.ask(ROOT, method, path, body).await;
        assert!(answer.status < 300, "{path}: {answer:?}");
        answer.body
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.done(Method::GET, path, &Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        self.done(Method::POST, path, body).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Value {
        self.done(Method::PUT, path, body).await
    }

    /// Orders a service for jane, of a type and a provider, with a name. Gives the request's id.
    pub(crate) async fn order(&self, order: &Value, name: &str) -> String {
        let mut asked = json!({
            "pool": "acme", "requester": "jane", "name": name,
            "resources": {"instances": 1, "cpu": 2, "memoryGiB": 4, "storageGiB": 20},
        });
        asked.as_object_mut().unwrap().extend(order.as_object().unwrap().clone());
        let made = self.post("/requests", &asked).await;
        made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
    }

    /// Does something with a request.
    pub(crate) async fn act(&self, id: &str, action: &str) {
        self.post(&format!("/requests/{id}/actions/{action}"), &json!({})).await;
    }

    pub(crate) async fn request(&self, id: &str) -> Value {
        self.get(&format!("/requests/{id}")).await
    }

    /// Waits until a request is in a state, and all instances that worked on it have ended well.
    pub(crate) async fn until_at_rest(&self, id: &str, state: &str) -> Value {
        self.until(id, &format!("it comes to rest as {state}"), async |request| {
            request["state"] == state
                && self.instances(id).await.iter().all(|(_, state)| state == "COMPLETED")
        })
        .await
    }

    /// Waits until a request is in a state.
    pub(crate) async fn until_state(&self, id: &str, state: &str) -> Value {
        self.until(id, &format!("it is {state}"), async |request| request["state"] == state).await
    }

    /// Waits until something holds of a request. Panics with all that is known of it when that takes too long.
    pub(crate) async fn until(
        &self,
        id: &str,
        what: &str,
        mut holds: impl AsyncFnMut(&Value) -> bool,
    ) -> Value {
        let begin = std::time::Instant::now();
        loop {
            let request = self.request(id).await;
            if holds(&request).await {
                return request;
            }
            if begin.elapsed() > PATIENCE {
                let instances = self.engine.instances_where(json!({"businessKey": {"equal": id}})).await;
                panic!("this does not happen: {what}: {request:#}\n{instances:#?}\n{}", self.engine.log());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Workflow and state of the instances that work or worked on a request.
    pub(crate) async fn instances(&self, id: &str) -> Vec<(String, String)> {
        let found = self.engine.instances_where(json!({"businessKey": {"equal": id}})).await;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        found.iter().map(|instance| (text(&instance["workflow"]), text(&instance["state"]))).collect()
    }

    /// Types of the events about a request, in order.
    pub(crate) async fn events(&self, id: &str) -> Vec<String> {
        let logged = self.get(&format!("/events?request={id}")).await;
        let events = logged["items"].as_array().unwrap();
        events.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }

    /// Ends the process as a power cut would, and starts it again on the same database.
    pub(crate) async fn cut_power(&mut self) {
        self.engine.kill();
        self.engine.restart().await;
    }
}

/// Copies a file or a folder.
fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::copy(from, to).unwrap();
    }
}
