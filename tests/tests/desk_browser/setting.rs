//! A desk with something on every page, and the people who look at them.

use reqwest::{Client, Method};
use rondo_simulator::{KUBERNETES_TOKEN, Simulator, WEBHOOK_SECRET};
use rondo_tests::{Engine, Page, folder, services, until};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Rita reviews, root is the admin, jane asks.
const PROPERTIES: &str = "rondo.desk.enabled=true
rondo.desk.webhooks.allow-http=true
rondo.desk.webhooks.allow-loopback=true
rondo.desk.users.rita.token=t-rita
rondo.desk.users.rita.roles=reviewer
rondo.desk.users.root.token=t-root
rondo.desk.users.root.roles=admin
rondo.desk.users.jane.token=t-jane
";

/// A plate of a product.
pub(crate) const PLATE: &str = "a1b2c3";

pub(crate) struct Setting {
    pub(crate) engine: Engine,
    /// A request that no rule stops.
    pub(crate) shop: String,
    /// The webhook of the pool.
    pub(crate) webhook: String,
    services: Simulator,
    _flows: TempDir,
}

impl Setting {
    pub(crate) async fn start() -> Self {
        let (services, _) = services().await;
        let flows = folder(&[("application.properties", PROPERTIES)]);
        let engine = Engine::start(flows.path(), &[]).await;
        let mut setting =
            Self { engine, shop: String::new(), webhook: String::new(), services, _flows: flows };
        setting.register().await;
        setting
    }

    async fn register(&mut self) {
        let grants = json!([{"to": "everyone", "actions": ["create"]}, {"to": "role:reviewer", "actions": ["modify"]}]);
        let quota = json!({"instances": 20, "cpu": 96, "memoryGiB": 256, "storageGiB": 2000});
        self.call(
            Method::PUT,
            "/pools/acme",
            json!({"kind": "tenant", "name": "ACME Inc.", "quota": quota, "grants": grants}),
        )
        .await;
        self.call(
            Method::PUT,
            "/pools/lab",
            json!({"kind": "pool", "name": "Laboratory", "enabled": false, "owner": "user:default/jane"}),
        )
        .await;
        let capacity = json!({"cpu": 48, "memoryGiB": 800, "storageGiB": 10000, "slots": 50});
        let simulated = json!({"name": "sim", "type": "simulation", "region": "eu-west-1", "default": true, "capacity": capacity});
        self.call(Method::POST, "/clusters", simulated).await;
        let url = self.services.kubernetes_url();
        for (name, token) in [("k8s-right", KUBERNETES_TOKEN), ("k8s-wrong", "none")] {
            let cluster = json!({
                "name": name, "type": "kubernetes", "region": "eu-west-1", "apiUrl": url, "consoleUrl": url,
                "capacity": capacity, "credentials": {"token": token},
            });
            self.call(Method::POST, "/clusters", cluster).await;
        }
        let rule = json!({"name": "High-Resource VPS Approval", "priority": 1, "minCpu": 16, "approvers": ["role:reviewer"]});
        self.call(Method::POST, "/approval-rules", rule).await;
        let url = format!("{}/hooks/provisioning", self.services.orders_url());
        let hook = json!({"pool": "acme", "url": url, "secret": WEBHOOK_SECRET});
        self.webhook = id_of(&self.call(Method::POST, "/webhooks", hook).await);
        self.shop = self.request("jane", "shop", 4).await;
        let product = json!({"status": "ACTIVE", "data": {
            "name": "Tree Inventory", "ministry": "AGRI", "cluster": "SILVER", "isTest": false,
            "projectOwner": {"email": "jane@example.org", "ref": "user:default/jane"},
            "members": [{"ref": "user:default/kim", "roles": ["EDITOR", "VIEWER"]}],
            "resourceRequests": {"production": {"cpu": 4, "memory": 16, "storage": 64}},
        }});
        self.call(Method::PUT, &format!("/products/{PLATE}"), product).await;
        let lock = json!({"request": "01a22b6d-8290-7751-b5e5-b7ed2129ae3b", "awaits": ["silver"]});
        self.call(Method::PUT, &format!("/products/{PLATE}/lock"), lock).await;
        until("the first event is delivered", async || {
            let path = format!("/webhooks/{}/deliveries", self.webhook);
            self.call(Method::GET, &path, Value::Null).await.to_string().contains("delivered")
        })
        .await;
    }

    /// Asks the desk as its admin.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Value) -> Value {
        let mut request =
            Client::new().request(method, self.engine.url(&format!("/desk/v1{path}"))).bearer_auth("t-root");
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = rondo_tests::Answer::to(request).await.unwrap();
        assert!(answer.status < 300, "{path}: {answer:?}");
        answer.body
    }

    /// Somebody asks for a server; gives the request's id.
    pub(crate) async fn request(&self, person: &str, name: &str, cpu: u32) -> String {
        let asked = json!({
            "pool": "acme", "requester": format!("user:default/{person}"), "type": "vps", "provider": "simulation", "name": name,
            "reason": "for the spring campaign", "resources": {"cpu": cpu, "memoryGiB": 8, "storageGiB": 80},
        });
        id_of(&self.call(Method::POST, "/requests", asked).await)
    }

    /// Reports a step of the request that no rule stops, as its flow does.
    pub(crate) async fn report(&self, step: &str, status: &str) {
        self.call(Method::PUT, &format!("/requests/{}/steps/{step}", self.shop), json!({"status": status}))
            .await;
    }

    /// All pages: a name and the address of each.
    pub(crate) fn addresses(&self) -> [(&'static str, String); 11] {
        [
            ("sign-in", "sign-in".to_owned()),
            ("requests", "requests".to_owned()),
            ("request", format!("requests/{}", self.shop)),
            ("inbox", "inbox".to_owned()),
            ("products", "products".to_owned()),
            ("product", format!("products/{PLATE}")),
            ("clusters", "clusters".to_owned()),
            ("pools", "pools".to_owned()),
            ("webhooks", "webhooks".to_owned()),
            ("webhook", format!("webhooks/{}", self.webhook)),
            ("problem", "requests/none".to_owned()),
        ]
        .map(|(name, place)| (name, self.engine.url(&format!("/desk/{place}"))))
    }

    /// Signs somebody in.
    pub(crate) async fn sign_in(&self, page: &Page, person: &str) {
        page.open(&self.engine.url("/desk/sign-in")).await;
        page.click("#token").await;
        page.write(&format!("t-{person}")).await;
        page.follow("main button").await;
        page.until("location.pathname === '/desk/requests'").await;
    }

    /// What went wrong in a page: errors of scripts and of the console, what the policy stopped, requests to elsewhere, and answers that are
    /// errors but for addresses with one of the `expected` parts.
    pub(crate) fn problems(&self, page: &Page, expected: &[&str]) -> Vec<String> {
        let own = self.engine.url("/desk");
        let is_expected = |url: &str| expected.iter().any(|part| url.contains(part));
        let mut problems = Vec::new();
        for event in page.events() {
            let params = &event["params"];
            let text = |pointer: &str| params.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let is_wrong = match event["method"].as_str().unwrap_or_default() {
                "Runtime.exceptionThrown" => true,
                "Runtime.consoleAPICalled" => ["error", "warning", "assert"].contains(&text("/type")),
                "Log.entryAdded" => {
                    ["error", "warning"].contains(&text("/entry/level")) && !is_expected(text("/entry/url"))
                }
                "Network.requestWillBeSent" => !text("/request/url").starts_with(&own),
                _ => false,
            };
            if is_wrong {
                problems.push(event.to_string());
            }
        }
        problems
    }
}

fn id_of(made: &Value) -> String {
    made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
}
