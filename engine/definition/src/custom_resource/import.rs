//! Custom resources as projects: what would be the files of a folder.

use std::{mem, path::Path};

use serde_json::Value;

use super::{CustomResource, Manifests};
use crate::{Diagnostic, folder::manifest_files};

/// A custom resource, taken apart into the files of a project.
#[derive(Debug)]
pub struct CustomResourceProject {
    /// The id of the workflow.
    pub id: String,
    /// The file that it stands in, relative to the folder.
    pub path: String,
    /// The name of its source: the path and the id.
    pub name: String,
    /// The workflow, as a document of specification 0.8.
    pub document: Value,
    /// The text of its properties.
    pub properties: Option<String>,
    /// The files of its `ConfigMap`s, by their paths below the folder of the project.
    pub files: Vec<(String, Vec<u8>)>,
    /// The environment variables of its container that have a value in it.
    pub variables: Vec<(String, String)>,
}

/// The custom resources in the files below a folder, in the order of files, and what is wrong with those that cannot be read.
pub fn custom_resource_projects(root: &Path) -> (Vec<CustomResourceProject>, Vec<Diagnostic>) {
    let (workflows, others) = manifest_files(root);
    let mut manifests = Manifests::read(root, &workflows, &others);
    let (resources, diagnostics) =
        (mem::take(&mut manifests.resources), mem::take(&mut manifests.diagnostics));
    let project = |resource: CustomResource| {
        let contents = manifests.contents(&resource);
        CustomResourceProject {
            path: resource.loaded.source.path().to_string(),
            name: resource.loaded.source.name().to_string(),
            document: resource.loaded.value,
            properties: contents.properties.map(|properties| properties.text),
            files: contents.mounted.files().map(|(path, bytes)| (path.to_owned(), bytes.to_vec())).collect(),
            variables: resource.variables,
            id: resource.id,
        }
    };
    (resources.into_iter().map(project).collect(), diagnostics)
}
