//! `/api/catalog/entities/by-name`: the namespace template, and the components that its tasks registered.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Asked, Refusal};
use crate::options::NAMESPACE_TEMPLATE;
use crate::world::Shared;

/// `GET …/{kind}/{namespace}/{name}`: the entity.
pub(super) async fn by_name(
    State(shared): State<Arc<Shared>>,
    Path((kind, namespace, name)): Path<(String, String, String)>,
    asked: Asked,
) -> Result<Json<Value>, Refusal> {
    let world = shared.world();
    let entity = match (kind.to_lowercase().as_str(), namespace.as_str()) {
        ("component", "default") => world.backstage.component(&name).map(super::model::Component::json),
        ("template", "default") if NAMESPACE_TEMPLATE.ends_with(&format!("/{name}")) => Some(template(&name)),
        _ => None,
    };
    entity.map(Json).ok_or_else(|| {
        let message =
            format!("No entity named '{name}' found, with kind '{kind}' in namespace '{namespace}'");
        asked.refuse(StatusCode::NOT_FOUND, &message)
    })
}

fn template(name: &str) -> Value {
    json!({
        "apiVersion": "scaffolder.backstage.io/v1beta3",
        "kind": "Template",
        "metadata": {
            "name": name,
            "namespace": "default",
            "title": "Create a namespace",
            "tags": ["orchestrator"],
            "annotations": { "backstage.io/managed-by": "orchestrator" },
        },
        "spec": {
            "type": "namespace",
            "owner": "group:default/platform",
            "parameters": [{
                "title": "Namespace",
                "required": ["namespace"],
                "properties": {
                    "namespace": { "title": "Name", "type": "string" },
                    "size": { "title": "Size", "type": "string", "enum": ["small", "medium", "large"] },
                    "owner": { "title": "Owner", "type": "string" },
                    "component_id": { "title": "Name, for workflows of the Orchestrator", "type": "string" },
                    "namespace_owner": { "title": "Plain name of the owner", "type": "string" },
                    "git_host": { "title": "GitLab host", "type": "string" },
                },
            }],
        },
    })
}
