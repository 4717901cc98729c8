//! A desk with a cluster at the cloud, called as flows and people call it.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request},
};
use rondo_definition::{Environment, Properties};
use rondo_event::{Channels, CloudEvent, Sender};
use rondo_function::{Caller, Secrets};
use rondo_memory::MemoryBudget;
use rondo_store::{Commit, Database, INSTANCES, Instance, Revision, Transaction, WorkError, Write, store_in};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;
use uuid::Uuid;

use super::cloud::{Cloud, PASSWORD};
use crate::{Afterwards, DESK, Desk, Flows, Seal, Settings, Surroundings, routes};

/// Durations of the desk pass this many times faster, where a test waits for them.
const SPEED: u32 = 100;

pub(super) struct Bench {
    pub(super) cloud: Arc<Cloud>,
    router: Router,
    database: Database,
    pub(super) folder: TempDir,
}

/// An answer of the desk.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
    pub(super) json: Value,
}

struct NoFlows;

impl Flows for NoFlows {
    fn tell(&self, _: &mut Transaction<'_>, _: &CloudEvent) -> Result<Afterwards, WorkError<String>> {
        Ok(Box::new(|| {}))
    }

    fn has_one_for(&self, _: &str, _: &str) -> bool {
        false
    }
}

/// Hides texts from the eye, and binds them to their owner.
struct Mirror;

impl Seal for Mirror {
    fn seal(&self, owner: &str, text: &[u8]) -> Result<Vec<u8>, String> {
        Ok(owner.bytes().chain([0]).chain(text.iter().copied()).map(|byte| !byte).collect())
    }

    fn open(&self, owner: &str, sealed: &[u8]) -> Result<Vec<u8>, String> {
        let opened: Vec<u8> = sealed.iter().map(|byte| !byte).collect();
        let text = opened.strip_prefix(owner.as_bytes()).and_then(|rest| rest.strip_prefix(&[0]));
        text.map(<[u8]>::to_vec).ok_or_else(|| format!("it was not sealed for {owner}"))
    }
}

const PROPERTIES: &str = "rondo.desk.enabled=true\nrondo.desk.token=engine-token\nrondo.desk.users.jane.token=jane-token\n\
    rondo.desk.users.jane.tokens.github=github-token-canary\nrondo.desk.users.kim.token=kim-token\nrondo.auth.token=admin-token\n";

impl Bench {
    /// A desk with the cluster `os-eu`, whose endpoints come from the catalog.
    pub(super) async fn new() -> Self {
        Self::at_speed(SPEED).await
    }

    /// The same with a clock of another speed.
    pub(super) async fn at_speed(speed: u32) -> Self {
        let cloud = Cloud::start().await;
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite://{}/rondo.db", folder.path().display());
        let database = Database::open(&url, &[INSTANCES, DESK]).await.unwrap();
        let text = format!(
            "{PROPERTIES}rondo.clock.speed={speed}\nrondo.desk.github.url={}/github\n",
            cloud.address
        );
        let (properties, _) = Properties::parse("application.properties", &text, Environment::new());
        let caller = Caller::new(&properties, Secrets::default(), &MemoryBudget::new(1 << 28)).unwrap();
        let channels = Arc::new(Channels::read(&properties).0);
        let surroundings = Surroundings {
            database: database.clone(),
            flows: Arc::new(NoFlows),
            seal: Arc::new(Mirror),
            sender: Arc::new(Sender::new(channels, caller.client().unwrap(), &properties).unwrap()),
            outbound: caller.outbound().unwrap(),
        };
        let desk = Desk::open(surroundings, Settings::read(&properties, "http://desk.test").unwrap());
        let bench = Self { cloud, router: routes(desk), database, folder };
        let made = bench.admin("POST", "/clusters", bench.cluster(PASSWORD)).await;
        assert_eq!(made.status, 201, "{made:?}");
        bench
    }

    /// The cluster as it is written.
    pub(super) fn cluster(&self, password: &str) -> Value {
        json!({
            "name": "os-eu", "type": "openstack", "region": "eu", "apiUrl": format!("{}/v3", self.cloud.address),
            "credentials": {"user": "desk", "password": password, "project": "acme", "domain": "Default"},
        })
    }

    pub(super) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> Answered {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/desk/v1{path}"))
            .header("Content-Type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let answer = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = answer.into_parts();
        let text = String::from_utf8(to_bytes(body, 1 << 24).await.unwrap().to_vec()).unwrap();
        let json = serde_json::from_str(&text).unwrap_or_default();
        Answered { status: parts.status.as_u16(), headers: parts.headers, text, json }
    }

    pub(super) async fn admin(&self, method: &str, path: &str, body: Value) -> Answered {
        self.ask(method, path, &[("Authorization", "Bearer admin-token")], body).await
    }

    /// A call of a person.
    pub(super) async fn person(&self, name: &str, method: &str, path: &str) -> Answered {
        self.ask(method, path, &[("Authorization", &format!("Bearer {name}-token"))], Value::Null).await
    }

    /// A call of a flow through the gateway.
    pub(super) async fn call(&self, method: &str, path: &str, body: Value) -> Answered {
        self.call_of(Uuid::nil(), method, path, body).await
    }

    /// The same of an instance.
    pub(super) async fn call_of(&self, instance: Uuid, method: &str, path: &str, body: Value) -> Answered {
        let instance = instance.to_string();
        let headers = [("Authorization", "Bearer engine-token"), ("kogitoprocinstanceid", instance.as_str())];
        self.ask(method, &format!("/clusters/os-eu/gateway{path}"), &headers, body).await
    }

    /// A request of jane, and the instance that works on it.
    pub(super) async fn request(&self) -> (String, Uuid) {
        self.admin(
            "PUT",
            "/pools/acme",
            json!({"kind": "tenant", "grants": [{"to": "everyone", "actions": ["create"]}]}),
        )
        .await;
        let asked = json!({
            "pool": "acme", "requester": "user:default/jane", "type": "vps", "provider": "openstack", "name": "shop",
            "resources": {"cpu": 1},
        });
        let made = self.admin("POST", "/requests", asked).await;
        assert_eq!(made.status, 201, "{made:?}");
        let id = made.json["id"].as_str().unwrap().to_owned();
        let instance = self.instance(Some(&id), None).await;
        (id, instance)
    }

    /// An instance with a business key, or below a root.
    pub(super) async fn instance(&self, business_key: Option<&str>, root: Option<Uuid>) -> Uuid {
        let store = store_in(self.database.clone());
        let revision =
            Revision { digest: "r".to_owned(), workflow: "provision".to_owned(), ..Revision::default() };
        store.put_revisions(vec![revision]).await.unwrap();
        let row = Instance {
            id: Uuid::now_v7(),
            revision: "r".to_owned(),
            business_key: business_key.map(str::to_owned),
            root,
            turn: 1,
            data: "{}".to_owned(),
            ..Instance::default()
        };
        let id = row.id;
        store.commit(Commit { writes: vec![Write::Insert(row)], ..Commit::default() }).await.unwrap();
        id
    }

    /// The health of the cluster.
    pub(super) async fn health(&self) -> String {
        self.admin("GET", "/clusters/os-eu", Value::Null).await.json["health"].as_str().unwrap().to_owned()
    }

    /// Waits until the cluster has a health.
    pub(super) async fn wait_for_health(&self, expected: &str) {
        for _ in 0..1000 {
            if self.health().await == expected {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("the cluster is {}, not {expected}", self.health().await);
    }
}
