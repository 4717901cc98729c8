//! The handler of every path: finds the object that the path names, and carries out the method.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::resource::Target;
use super::status::Problem;
use crate::world::Shared;

/// Filter of a list: `labelSelector=a=b,c=d`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Selection {
    label_selector: Option<String>,
}

/// Any request below `/api` and `/apis`.
pub(super) async fn handle(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    Query(selection): Query<Selection>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let target = Target::parse(uri.path())?;
    let Target { resource, namespace, .. } = &target;
    let mut world = shared.world();
    let (now, delays) = (world.clock.now(), world.delays);
    let cluster = &mut world.cluster;

    if let (Some(name), Some(action)) = (&target.name, &target.action) {
        if method != Method::PUT {
            return Err(Problem::method_not_allowed());
        }
        cluster.act(namespace, name, action, now)?;
        return Ok(StatusCode::ACCEPTED.into_response());
    }
    if method != Method::GET && !resource.writable {
        return Err(Problem::method_not_allowed());
    }
    let object = match (method, &target.name) {
        (Method::GET, None) => {
            let mut items = cluster.list(resource, namespace, now);
            items.retain(|item| selection.takes(item));
            json!({
                "apiVersion": resource.api_version(),
                "kind": format!("{}List", resource.kind),
                "metadata": {},
                "items": items,
            })
        }
        (Method::GET, Some(name)) => cluster.read(resource, namespace, name, now)?,
        (Method::POST, None) if !namespace.is_empty() || !resource.namespaced => {
            let created = cluster.create(resource, namespace, read(&body)?, delays, now)?;
            return Ok((StatusCode::CREATED, Json(created)).into_response());
        }
        (Method::PATCH, Some(name)) => {
            let given =
                headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("none");
            if !given.starts_with("application/merge-patch+json") {
                return Err(Problem::media_type(given));
            }
            let patch = read(&body)?;
            if !patch.is_object() {
                return Err(Problem::bad_request("a merge patch is a JSON object"));
            }
            cluster.patch(resource, namespace, name, &patch, now)?
        }
        (Method::PUT, Some(name)) => {
            let object = read(&body)?;
            if object["metadata"]["name"] != **name {
                let message = "the name of the object does not match the name on the URL";
                return Err(Problem::bad_request(message));
            }
            cluster.replace(resource, namespace, name, &object, now)?
        }
        (Method::DELETE, Some(name)) => cluster.delete(resource, namespace, name, delays, now)?,
        _ => return Err(Problem::method_not_allowed()),
    };
    Ok(Json(object).into_response())
}

fn read(body: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(body)
        .map_err(|error| Problem::bad_request(format!("the object provided is unrecognized: {error}")))
}

impl Selection {
    fn takes(&self, item: &Value) -> bool {
        let wanted = self.label_selector.as_deref().unwrap_or_default();
        let mut wanted = wanted.split(',').filter_map(|pair| pair.split_once('='));
        wanted.all(|(name, value)| item["metadata"]["labels"][name] == value.trim_start_matches('='))
    }
}
