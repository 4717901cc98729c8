//! Custom resources: workflows as they are written for the Kubernetes operator of `SonataFlow`.
//!
//! Owns: finding them in YAML and JSON files, reading `spec.flow` as a document of specification 0.8, and the `ConfigMap`s that hold properties
//! and resources for them. Promises: a diagnostic names the line of the file that people see; a file of other Kubernetes resources costs a
//! look at its text and nothing else. Never: asks a cluster, or renders a template.
//! Source: the operator's API `sonataflow.org/v1alpha08`.

mod config_map;
mod flow;
mod import;
mod kustomization;
mod manifests;
mod mounted;
mod parts;
mod places;

use std::sync::Arc;

use crate::{Diagnostic, Loaded, codes};

pub use import::{CustomResourceProject, custom_resource_projects};
pub(crate) use manifests::{Manifests, ResourceContents};
pub(crate) use mounted::{MountedFiles, split_name};

/// A workflow that is written as a custom resource.
#[derive(Debug)]
pub(crate) struct CustomResource {
    /// `metadata.name`, the id of the workflow.
    pub(crate) id: String,
    pub(crate) namespace: Option<String>,
    /// Its flow as a document of specification 0.8. The source is called `file#id`.
    pub(crate) loaded: Loaded,
    /// `spec.resources.configMaps`.
    pub(crate) config_maps: Vec<ConfigMapReference>,
    /// The environment variables of its container that have a value in the resource.
    pub(crate) variables: Vec<(String, String)>,
}

/// A `ConfigMap` whose keys are files of the workflow.
#[derive(Debug)]
pub(crate) struct ConfigMapReference {
    pub(crate) name: String,
    /// `workflowPath`: the folder that the files are in, without slashes at its ends; empty for the top.
    pub(crate) folder: String,
    pub(crate) position: crate::Position,
}

/// Loads the flow of the first custom resource of a text; `None` if the text has no custom resource.
pub(crate) fn load_first(path: &str, text: &str) -> Option<Result<Loaded, Vec<Diagnostic>>> {
    let (resources, mut diagnostics) = read_text(path, &text.into());
    if let Some(mut resource) = resources.into_iter().next() {
        resource.loaded.warnings.extend(diagnostics);
        return Some(Ok(resource.loaded));
    }
    if diagnostics.is_empty() {
        return None;
    }
    if !diagnostics.iter().any(Diagnostic::is_error) {
        let message = "there is no custom resource with a flow in the file";
        diagnostics.push(Diagnostic::file(crate::Severity::Error, codes::CUSTOM_RESOURCE, path, message));
    }
    Some(Err(diagnostics))
}

/// Reads all custom resources of a text.
pub(crate) fn read_text(path: &str, text: &Arc<str>) -> (Vec<CustomResource>, Vec<Diagnostic>) {
    let (mut resources, mut diagnostics) = (Vec::new(), Vec::new());
    for part in parts::split(path, text).into_iter().filter(|part| part.kind == parts::Kind::Flow) {
        let (read, problems) = flow::read_part(path, text, part);
        resources.extend(read);
        diagnostics.extend(problems);
    }
    (resources, diagnostics)
}

#[cfg(test)]
mod tests;
