//! Keystone: tokens, their projects, and the catalog.
//!
//! Promises: a token belongs to one project, which exists from its first token on, and ends after an hour of the
//! simulator's clock. The catalog lists all services at this simulator's own address, in every region.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::refusal::Refusal;
use super::settings::CloudOptions;
use crate::clock::later;
use crate::world::Shared;

/// How long a token is valid: Keystone's default.
const VALID_FOR: Duration = Duration::from_hours(1);

/// The project of application credentials, which name none.
const DEFAULT_PROJECT: &str = "admin";

/// Projects by name, and tokens.
#[derive(Debug, Default)]
pub(super) struct Identity {
    projects: BTreeMap<String, String>,
    tokens: BTreeMap<String, Token>,
}

/// A token, and what it is for.
#[derive(Clone, Debug)]
struct Token {
    project: String,
    project_name: String,
    issued: Timestamp,
    expires: Timestamp,
}

/// Who asks, for which project, and in which version of the API.
#[derive(Debug)]
pub(super) struct Scope {
    pub(super) project: String,
    /// Nova's microversion, such as 2.67.
    pub(super) microversion: (u32, u32),
}

impl FromRequestParts<Arc<Shared>> for Scope {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Refusal> {
        let token = header(&parts.headers, "x-auth-token");
        let world = shared.world();
        let project = world.cloud.identity.project_of(token, world.clock.now());
        let project = project.ok_or_else(|| Refusal::unauthorized(Some(shared.urls.openstack.clone())))?;
        let version = header(&parts.headers, "openstack-api-version").strip_prefix("compute ");
        let version = version.and_then(|version| version.split_once('.'));
        let microversion =
            version.and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
        Ok(Self { project, microversion: microversion.unwrap_or((2, 1)) })
    }
}

impl Identity {
    /// The project of a token that is valid.
    fn project_of(&self, token: &str, now: Timestamp) -> Option<String> {
        let token = self.tokens.get(token).filter(|token| now < token.expires)?;
        Some(token.project.clone())
    }

    /// A new token for a project, which is made if there is none of this name.
    fn issue(&mut self, project_name: &str, now: Timestamp) -> (String, Token) {
        self.tokens.retain(|_, token| now < token.expires);
        let made = || Uuid::new_v4().simple().to_string();
        let project = self.projects.entry(project_name.to_owned()).or_insert_with(made).clone();
        let project_name = project_name.to_owned();
        let token = Token { project, project_name, issued: now, expires: later(now, VALID_FOR) };
        let id = format!("gAAAAAB{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        self.tokens.insert(id.clone(), token.clone());
        (id, token)
    }
}

/// The name of the project that wrong or right credentials ask for.
fn asked_project(body: &Value, options: &CloudOptions) -> Option<String> {
    let identity = &body["auth"]["identity"];
    let method = identity["methods"].as_array().and_then(|methods| methods.first()?.as_str());
    let given = &identity[method?];
    match method? {
        "password" => {
            let user = &given["user"];
            let known = user["name"] == options.user || user["id"] == options.user;
            let project = &body["auth"]["scope"]["project"];
            let name = project["name"].as_str().or(project["id"].as_str());
            (known && user["password"] == options.password)
                .then(|| name.unwrap_or(DEFAULT_PROJECT).to_owned())
        }
        "application_credential" => {
            let known = given["id"].is_string() && given["secret"] == options.password;
            known.then(|| DEFAULT_PROJECT.to_owned())
        }
        _ => None,
    }
}

/// `POST /v3/auth/tokens`
pub(super) async fn create(State(shared): State<Arc<Shared>>, body: Bytes) -> Result<Response, Refusal> {
    let malformed =
        |why: String| Refusal::keystone(StatusCode::BAD_REQUEST, &format!("the body is no JSON: {why}"));
    let body: Value = serde_json::from_slice(&body).map_err(|error| malformed(error.to_string()))?;
    let options = &shared.options.cloud;
    let name = asked_project(&body, options).ok_or_else(|| Refusal::unauthorized(None))?;
    let (id, token) = {
        let mut world = shared.world();
        let now = world.clock.now();
        world.cloud.identity.issue(&name, now)
    };
    let body = Json(token.view(options, &shared.urls.openstack, &body["auth"]["identity"]["methods"]));
    let mut response = (StatusCode::CREATED, body).into_response();
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-subject-token", id);
    }
    Ok(response)
}

/// `DELETE /v3/auth/tokens`
pub(super) async fn revoke(
    State(shared): State<Arc<Shared>>,
    _scope: Scope,
    headers: HeaderMap,
) -> StatusCode {
    let known = shared.world().cloud.identity.tokens.remove(header(&headers, "x-subject-token"));
    if known.is_some() { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}

impl Token {
    fn view(&self, options: &CloudOptions, base: &str, methods: &Value) -> Value {
        let domain = json!({ "id": "default", "name": "Default" });
        let project = &self.project;
        let service = |kind: &str, name: &str, url: String| {
            let endpoints = options.regions.iter().flat_map(|region| {
                ["public", "internal"].map(|interface| {
                    json!({
                        "interface": interface, "region": region, "region_id": region,
                        "id": format!("{name}-{interface}-{region}"), "url": url,
                    })
                })
            });
            json!({ "type": kind, "name": name, "id": name, "endpoints": endpoints.collect::<Vec<_>>() })
        };
        json!({ "token": {
            "methods": methods,
            "user": { "id": "u1", "name": options.user, "domain": domain, "password_expires_at": null },
            "project": { "id": project, "name": self.project_name, "domain": domain },
            "roles": [{ "id": "r1", "name": "member" }],
            "is_domain": false,
            "audit_ids": [Uuid::new_v4().simple().to_string()],
            "issued_at": format!("{:.6}", self.issued),
            "expires_at": format!("{:.6}", self.expires),
            "catalog": [
                service("identity", "keystone", format!("{base}/v3")),
                service("compute", "nova", format!("{base}/v2.1")),
                service("network", "neutron", format!("{base}/")),
                service("image", "glance", base.to_owned()),
                service("volumev3", "cinderv3", format!("{base}/v3/{project}")),
                service("object-store", "swift", format!("{base}/v1/AUTH_{project}")),
            ],
        } })
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
