//! Glance: the images that there are.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::identity::Scope;
use super::refusal::Refusal;

/// An image: id, name, smallest disk in GiB.
const IMAGES: [(&str, &str, u64); 4] = [
    ("70a599e0-31e7-49b7-b260-868f441e862b", "ubuntu-24.04", 10),
    ("2c9d6f5e-0a1b-4c39-9a52-5b0b6e1f7d21", "debian-13", 10),
    ("b8e2f6a4-7d3c-4f0e-8b15-3a9c4d2e6f70", "rocky-10", 10),
    ("5f1c7b90-6e2d-4a8b-9c47-e0d3b5a81f64", "postgresql-16", 20),
];

fn view((id, name, min_disk): (&str, &str, u64)) -> Value {
    json!({
        "id": id, "name": name, "status": "active", "visibility": "public", "min_disk": min_disk, "min_ram": 512,
        "disk_format": "qcow2", "container_format": "bare", "size": 613_416_960,
    })
}

/// Whether an image has this id.
pub(super) fn is_known(id: &str) -> bool {
    IMAGES.iter().any(|(known, ..)| *known == id)
}

/// `GET /v2/images`
pub(super) async fn list(_scope: Scope, Query(query): Query<BTreeMap<String, String>>) -> Json<Value> {
    let wanted = |image: &Value| {
        ["name", "status", "visibility"]
            .iter()
            .all(|member| query.get(*member).is_none_or(|value| image[*member] == *value))
    };
    let images: Vec<Value> = IMAGES.into_iter().map(view).filter(wanted).collect();
    Json(json!({ "images": images, "schema": "/v2/schemas/images", "first": "/v2/images" }))
}

/// `GET /v2/images/{id}`
pub(super) async fn read(_scope: Scope, Path(id): Path<String>) -> Result<Json<Value>, Refusal> {
    let image = IMAGES.into_iter().find(|(known, ..)| *known == id);
    image.map(|image| Json(view(image))).ok_or_else(|| Refusal::plain(StatusCode::NOT_FOUND))
}
