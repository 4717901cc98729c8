//! Kubernetes with `KubeVirt`: namespaces, the objects of a tenant, workloads, and virtual machines that start and stop.
//!
//! One handler takes every path below `/api` and `/apis`: Kubernetes' paths are regular, and so is this. Never:
//! controllers or watch; an object is what was sent plus metadata, a virtual machine's status is computed
//! from time. Source: Kubernetes API conventions; <https://kubevirt.io/api-reference/>.

mod admission;
mod changes;
mod cluster;
mod handler;
mod machine;
mod namespaces;
mod power;
mod quantity;
mod quota;
mod resource;
mod status;
mod tenant;
mod workloads;

use std::sync::Arc;

use axum::routing::{any, get};
use axum::{Json, Router};
use serde_json::json;

pub(crate) use cluster::Cluster;
pub(crate) use status::refusal_body;

use crate::world::Shared;

/// The API below `/api` and `/apis`.
pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/api/{*rest}", any(handler::handle))
        .route("/apis/{*rest}", any(handler::handle))
        .route(
            "/version",
            get(async || Json(json!({ "major": "1", "minor": "34", "gitVersion": "v1.34.0" }))),
        )
        .route("/readyz", get(async || "ok"))
}
