//! A cloud that speaks Keystone, Nova and Neutron, and whose answers can be lost, held back or replaced.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// The password of the cluster, and what its tokens begin with. Both must be nowhere.
pub(super) const PASSWORD: &str = "cluster-password-canary";
pub(super) const TOKEN: &str = "cluster-token-canary";

/// A call that the cloud got.
#[derive(Debug, Clone)]
pub(super) struct Got {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

/// What becomes of the next call of a method and path, instead of the usual.
#[derive(Default, Clone)]
pub(super) struct Planned {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
    /// What it asks for is done nevertheless.
    pub(super) acts: bool,
    /// The connection breaks off instead of an answer.
    pub(super) is_lost: bool,
}

#[derive(Default)]
struct Things {
    got: Vec<Got>,
    planned: HashMap<String, Vec<Planned>>,
    tokens: u32,
    valid: HashSet<String>,
    made: HashMap<String, Vec<Value>>,
    under_way: usize,
    most_under_way: usize,
}

pub(super) struct Cloud {
    pub(super) address: String,
    things: Mutex<Things>,
    /// Seconds that a token is good for.
    pub(super) token_seconds: Mutex<i64>,
    /// Calls other than those for tokens wait for a permit.
    pub(super) gate: Semaphore,
}

impl Cloud {
    pub(super) async fn start() -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let cloud = Arc::new(Self {
            address: format!("http://{}", listener.local_addr().unwrap()),
            things: Mutex::default(),
            token_seconds: Mutex::new(3600),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
        });
        let router = Router::new().fallback(handle).with_state(Arc::clone(&cloud));
        tokio::spawn(async move { axum::serve(listener, router).await });
        cloud
    }

    /// What the cloud got, without calls for tokens.
    pub(super) fn got(&self) -> Vec<Got> {
        self.things.lock().got.iter().filter(|got| !got.path.ends_with("/auth/tokens")).cloned().collect()
    }

    /// How often a method and path were called.
    pub(super) fn count(&self, method: &str, path: &str) -> usize {
        self.things.lock().got.iter().filter(|got| got.method == method && got.path == path).count()
    }

    pub(super) fn tokens(&self) -> u32 {
        self.things.lock().tokens
    }

    /// Ends all tokens.
    pub(super) fn revoke(&self) {
        self.things.lock().valid.clear();
    }

    pub(super) fn plan(&self, method: &str, path: &str, planned: Planned) {
        self.things.lock().planned.entry(format!("{method} {path}")).or_default().push(planned);
    }

    /// The things of a kind that there are.
    pub(super) fn made(&self, kind: &str) -> Vec<Value> {
        self.things.lock().made.get(kind).cloned().unwrap_or_default()
    }

    pub(super) fn add(&self, kind: &str, thing: Value) {
        self.things.lock().made.entry(kind.to_owned()).or_default().push(thing);
    }

    pub(super) fn under_way(&self) -> usize {
        self.things.lock().under_way
    }

    pub(super) fn most_under_way(&self) -> usize {
        self.things.lock().most_under_way
    }

    /// Waits until so many calls are under way.
    pub(super) async fn wait_for_calls(&self, count: usize) {
        for _ in 0..2000 {
            if self.under_way() >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{} calls are under way, not {count}", self.under_way());
    }

    fn token(&self, got: &Got) -> Response {
        let given = &got.body["auth"]["identity"]["password"]["user"]["password"];
        let mut things = self.things.lock();
        things.tokens += 1;
        if given != PASSWORD {
            return (StatusCode::UNAUTHORIZED, json!({"error": {"code": 401}}).to_string()).into_response();
        }
        let token = format!("{TOKEN}-{}", things.tokens);
        things.valid.insert(token.clone());
        let end = Timestamp::now().as_second() + *self.token_seconds.lock();
        let endpoint = |url: String| json!([{"interface": "public", "region": "RegionOne", "url": url}]);
        let catalog = json!([
            {"type": "compute", "endpoints": endpoint(format!("{}/v2.1", self.address))},
            {"type": "network", "endpoints": endpoint(format!("{}/", self.address))},
            {"type": "object-store", "endpoints": endpoint(format!("{}/v1/AUTH_1", self.address))},
        ]);
        let body = json!({"token": {"expires_at": Timestamp::from_second(end).unwrap().to_string(), "catalog": catalog}});
        (StatusCode::CREATED, [("X-Subject-Token", token)], body.to_string()).into_response()
    }

    /// What the services do.
    fn act(&self, got: &Got) -> Response {
        let answer = |status: u16, body: Value| {
            (StatusCode::from_u16(status).unwrap(), [("Content-Type", "application/json")], body.to_string())
                .into_response()
        };
        let Some(kind) = got.path.rsplit('/').find(|segment| !segment.is_empty() && *segment != "detail")
        else {
            return answer(404, Value::Null);
        };
        let mut things = self.things.lock();
        match got.method.as_str() {
            "GET" => {
                let filters: Vec<(String, String)> =
                    url::form_urlencoded::parse(got.query.as_bytes()).into_owned().collect();
                let is_meant = |thing: &&Value| {
                    filters.iter().filter(|(name, _)| name != "limit").all(|(name, value)| {
                        thing[name.as_str()].as_str()
                            == Some(value.trim_start_matches('^').trim_end_matches('$'))
                    })
                };
                let found: Vec<_> =
                    things.made.get(kind).into_iter().flatten().filter(is_meant).cloned().collect();
                answer(200, json!({kind.replace('-', "_"): found}))
            }
            "POST" => {
                let Some((one, thing)) = got.body.as_object().and_then(|members| members.iter().next())
                else {
                    return answer(400, json!({"badRequest": {"code": 400}}));
                };
                let mut thing = thing.clone();
                let made = things.made.entry(kind.to_owned()).or_default();
                thing["id"] = format!("{one}-{}", made.len() + 1).into();
                made.push(thing.clone());
                if one == "server" {
                    thing["adminPass"] = "admin-password-canary".into();
                    return answer(202, json!({"server": thing}));
                }
                answer(201, json!({one: thing}))
            }
            "PUT" | "DELETE" => answer(204, Value::Null),
            _ => answer(405, Value::Null),
        }
    }
}

async fn handle(State(cloud): State<Arc<Cloud>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, 1 << 20).await.unwrap();
    let got = Got {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body: serde_json::from_slice(&bytes).unwrap_or_default(),
    };
    let planned = {
        let mut things = cloud.things.lock();
        things.got.push(got.clone());
        let key = format!("{} {}", got.method, got.path);
        things.planned.get_mut(&key).filter(|plans| !plans.is_empty()).map(|plans| plans.remove(0))
    };
    if got.path.ends_with("/auth/tokens") && planned.is_none() {
        return cloud.token(&got);
    }
    {
        let mut things = cloud.things.lock();
        things.under_way += 1;
        things.most_under_way = things.most_under_way.max(things.under_way);
    }
    drop(cloud.gate.acquire().await);
    cloud.things.lock().under_way -= 1;
    if let Some(planned) = planned {
        if planned.acts {
            cloud.act(&got);
        }
        if planned.is_lost {
            let broken = futures_util::stream::iter([Err::<String, _>(std::io::Error::other("lost"))]);
            return Body::from_stream(broken).into_response();
        }
        let mut answer = (StatusCode::from_u16(planned.status).unwrap(), planned.body).into_response();
        for (name, value) in planned.headers {
            answer.headers_mut().insert(axum::http::HeaderName::from_static(name), value.parse().unwrap());
        }
        return answer;
    }
    let token = got.headers.get("X-Auth-Token").and_then(|token| token.to_str().ok()).unwrap_or_default();
    if !cloud.things.lock().valid.contains(token) {
        return (StatusCode::UNAUTHORIZED, json!({"error": {"code": 401}}).to_string()).into_response();
    }
    cloud.act(&got)
}
