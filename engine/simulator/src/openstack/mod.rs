//! OpenStack: Keystone, Nova, Neutron, Glance, Cinder and Swift on one port.
//!
//! As far as provisioning flows use them, with their status codes, bodies and refusals. Promises: objects belong to the
//! project of the token; a request is carried out as often as it is sent, because these services know no
//! `Idempotency-Key`; what takes time in reality takes the delays of the simulator. Source: openstack/nova 00a03040,
//! neutron 2131d26f, cinder ab09bc39, keystone 30ef2ffa, glance c76abb08.

mod cloud;
mod compute;
mod flavor;
mod identity;
mod image;
mod network;
mod new_server;
mod object_store;
mod refusal;
mod server;
mod settings;
mod volume;

use std::sync::Arc;

use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde_json::json;

pub(crate) use cloud::Cloud;
pub(crate) use refusal::refusal_body;
pub use settings::{
    CloudFailure, CloudOptions, FloatingAddresses, OPENSTACK_PASSWORD, OPENSTACK_USER, Quota,
};

use crate::world::Shared;

/// The APIs, which begin with different versions and so do not meet.
pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/v3", get(async || Json(json!({ "version": { "id": "v3.14", "status": "stable" } }))))
        .route("/v3/auth/tokens", post(identity::create).delete(identity::revoke))
        .route("/v2.1/flavors/detail", get(compute::flavors))
        .route("/v2.1/servers", get(compute::list).post(compute::create))
        .route("/v2.1/servers/detail", get(compute::list))
        .route("/v2.1/servers/{id}", get(compute::read).delete(compute::delete))
        .route("/v2.1/servers/{id}/action", post(compute::act))
        .route("/v2.1/servers/{id}/diagnostics", get(compute::diagnostics))
        .route("/v2.0/{kind}", get(network::list).post(network::create))
        .route("/v2.0/{kind}/{id}", get(network::read).put(network::update).delete(network::delete))
        .route("/v2.0/routers/{id}/{action}", put(network::act_on_router))
        .route("/v2/images", get(image::list))
        .route("/v2/images/{id}", get(image::read))
        .route("/v3/{project}/volumes", get(volume::list).post(volume::create))
        .route("/v3/{project}/volumes/detail", get(volume::list))
        .route("/v3/{project}/volumes/{id}", get(volume::read).delete(volume::delete))
        .route(
            "/v1/{account}/{container}",
            put(object_store::create).get(object_store::read).delete(object_store::delete),
        )
        .route(
            "/v1/{account}/{container}/{object}",
            put(object_store::put_object).delete(object_store::delete_object),
        )
}

/// A path that no service has.
pub(crate) async fn unknown(uri: Uri) -> Response {
    let body = refusal_body(StatusCode::NOT_FOUND, "The resource could not be found.", uri.path());
    (StatusCode::NOT_FOUND, Json(body)).into_response()
}
