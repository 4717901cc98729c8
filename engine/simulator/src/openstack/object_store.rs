//! Swift: containers with a quota of bytes, and the sizes of their objects.
//!
//! Never: keeps what is in an object.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};

use super::identity::Scope;
use super::refusal::Refusal;
use crate::world::Shared;

/// A container: the sizes of its objects, and how much it may hold.
#[derive(Debug, Default)]
pub(super) struct Container {
    objects: BTreeMap<String, u64>,
    quota_bytes: Option<u64>,
}

/// Containers by project and name.
pub(super) type Containers = BTreeMap<(String, String), Container>;

/// The project of `AUTH_{project}`, if it is that of the token.
fn check_account(scope: &Scope, account: &str) -> Result<(), Refusal> {
    match account.strip_prefix("AUTH_") {
        Some(project) if project == scope.project => Ok(()),
        _ => Err(Refusal::plain(StatusCode::FORBIDDEN)),
    }
}

/// `PUT /v1/AUTH_{project}/{container}`: 201 when it is new, 202 when it was there.
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    scope: Scope,
    Path((account, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<StatusCode, Refusal> {
    check_account(&scope, &account)?;
    let quota = headers.get("x-container-meta-quota-bytes").map(|value| value.to_str().unwrap_or_default());
    let quota = quota.map(str::parse).transpose().map_err(|_| Refusal::plain(StatusCode::BAD_REQUEST))?;
    let mut world = shared.world();
    let key = (scope.project, name);
    let status = match world.cloud.containers.contains_key(&key) {
        true => StatusCode::ACCEPTED,
        false => StatusCode::CREATED,
    };
    let container = world.cloud.containers.entry(key).or_default();
    container.quota_bytes = quota.or(container.quota_bytes);
    Ok(status)
}

/// `GET` and `HEAD /v1/AUTH_{project}/{container}`: 204 when it is there.
pub(super) async fn read(
    State(shared): State<Arc<Shared>>,
    scope: Scope,
    Path((account, name)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    check_account(&scope, &account)?;
    let known = shared.world().cloud.containers.contains_key(&(scope.project, name));
    if known { Ok(StatusCode::NO_CONTENT) } else { Err(Refusal::plain(StatusCode::NOT_FOUND)) }
}

/// `DELETE /v1/AUTH_{project}/{container}`: 409 while objects are in it.
pub(super) async fn delete(
    State(shared): State<Arc<Shared>>,
    scope: Scope,
    Path((account, name)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    check_account(&scope, &account)?;
    let mut world = shared.world();
    let key = (scope.project, name);
    match world.cloud.containers.get(&key) {
        None => Err(Refusal::plain(StatusCode::NOT_FOUND)),
        Some(container) if !container.objects.is_empty() => Err(Refusal::plain(StatusCode::CONFLICT)),
        Some(_) => {
            world.cloud.containers.remove(&key);
            Ok(StatusCode::NO_CONTENT)
        }
    }
}

/// `PUT /v1/AUTH_{project}/{container}/{object}`: 413 when it does not fit into the quota.
pub(super) async fn put_object(
    State(shared): State<Arc<Shared>>,
    scope: Scope,
    Path((account, name, object)): Path<(String, String, String)>,
    body: Bytes,
) -> Result<StatusCode, Refusal> {
    check_account(&scope, &account)?;
    let mut world = shared.world();
    let container = world.cloud.containers.get_mut(&(scope.project, name));
    let container = container.ok_or_else(|| Refusal::plain(StatusCode::NOT_FOUND))?;
    let others = container.objects.iter().filter(|(name, _)| **name != object).map(|(_, bytes)| bytes);
    let bytes = body.len() as u64;
    if container.quota_bytes.is_some_and(|quota| others.sum::<u64>() + bytes > quota) {
        return Err(Refusal::plain(StatusCode::PAYLOAD_TOO_LARGE));
    }
    container.objects.insert(object, bytes);
    Ok(StatusCode::CREATED)
}

/// `DELETE /v1/AUTH_{project}/{container}/{object}`
pub(super) async fn delete_object(
    State(shared): State<Arc<Shared>>,
    scope: Scope,
    Path((account, name, object)): Path<(String, String, String)>,
) -> Result<StatusCode, Refusal> {
    check_account(&scope, &account)?;
    let mut world = shared.world();
    let container = world.cloud.containers.get_mut(&(scope.project, name));
    let removed = container.and_then(|container| container.objects.remove(&object));
    removed.map(|_| StatusCode::NO_CONTENT).ok_or_else(|| Refusal::plain(StatusCode::NOT_FOUND))
}
