//! Workflows as `ProcessDefinition`: one row for each id, the revision that is served.
//!
//! A workflow whose file is gone keeps its row, marked unavailable: lists of runs fail in the Orchestrator plugin when the
//! definition of one of them is missing.

use std::{collections::HashSet, sync::Arc};

use async_graphql::dynamic::FieldValue;
use rondo_runtime::{
    Deployed, Engine,
    kogito::{self, ADDONS},
};
use rondo_store::{Revision, StoreError};
use serde_json::{Value, json};

use super::resolve;
use crate::links;

/// A workflow that is shown.
pub(super) enum Definition {
    /// It is served.
    Served(Arc<Deployed>),
    /// It was served once.
    Gone(Box<Revision>),
}

/// Every workflow that is or was served.
pub(super) async fn all(engine: &Engine) -> Result<Vec<Definition>, StoreError> {
    let served = engine.workflows();
    let ids: HashSet<&str> = served.iter().map(|deployed| &*deployed.program.id).collect();
    let known = engine.store().definitions().await?.into_iter();
    let gone: Vec<_> = known
        .map(|definition| definition.revision)
        .filter(|revision| !ids.contains(revision.workflow.as_str()))
        .map(|revision| Definition::Gone(Box::new(revision)))
        .collect();
    Ok(served.into_iter().map(Definition::Served).chain(gone).collect())
}

impl Definition {
    /// The workflow of this id; `None` when it was never served.
    pub(super) async fn of(engine: &Engine, id: &str) -> Result<Option<Self>, StoreError> {
        if let Some(deployed) = engine.workflow(id) {
            return Ok(Some(Self::Served(deployed)));
        }
        let mut known = engine.store().definitions().await?.into_iter().map(|definition| definition.revision);
        Ok(known.find(|revision| revision.workflow == id).map(|revision| Self::Gone(Box::new(revision))))
    }

    /// A field of it.
    pub(super) fn field(&self, engine: &Engine, name: &str) -> Option<FieldValue<'static>> {
        match name {
            "source" => Some(resolve::text(self.source())),
            "nodes" => resolve::json(self.nodes()),
            _ => resolve::json(self.members(engine).get(name).cloned().unwrap_or_default()),
        }
    }

    /// The document as it was read.
    pub(super) fn source(&self) -> &str {
        match self {
            Self::Served(deployed) => &deployed.outline.text,
            Self::Gone(revision) => &revision.source,
        }
    }

    /// Its nodes, every member named.
    pub(super) fn nodes(&self) -> Value {
        let Self::Served(deployed) = self else { return json!([]) };
        let nodes = kogito::nodes(&deployed.outline).into_iter().map(|node| {
            let kogito::Metadata { unique_id, state, action, branch } = node.metadata;
            json!({
                "id": node.id, "name": node.name, "type": node.kind, "uniqueId": node.unique_id,
                "metadata": { "UniqueId": unique_id, "state": state, "branch": branch, "action": action },
            })
        });
        nodes.collect()
    }

    /// The members that filters and orders use.
    pub(super) fn members(&self, engine: &Engine) -> Value {
        let (id, name, version, description, annotations, metadata) = match self {
            Self::Served(deployed) => {
                let (program, outline) = (&deployed.program, &deployed.outline);
                let annotations = outline.annotations.as_slice();
                (
                    &*program.id,
                    &*program.name,
                    &*program.version,
                    &*outline.description,
                    annotations,
                    Value::Null,
                )
            }
            Self::Gone(revision) => {
                let unavailable = json!({ "status": "unavailable" });
                (
                    &*revision.workflow,
                    &*revision.name,
                    &*revision.version,
                    &*revision.description,
                    [].as_slice(),
                    unavailable,
                )
            }
        };
        json!({
            "id": id,
            "name": name,
            "version": version,
            "type": "SW",
            "endpoint": links::endpoint(engine, id),
            "serviceUrl": engine.service_url(),
            "description": Some(description).filter(|text| !text.is_empty()),
            "annotations": annotations,
            "addons": ADDONS,
            "roles": [],
            "metadata": metadata,
        })
    }
}
