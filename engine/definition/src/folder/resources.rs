//! Reads the workflows that are custom resources, each as a project of its own.
//!
//! Promises: the properties of a custom resource are those of its `ConfigMap` over those of the project in whose folder it lies, and its files
//! are those of its `ConfigMap`s, then those of that project. A workflow that a file has too is served from the file.

use std::{collections::BTreeSet, ops::Range, path::Path, sync::Arc};

use crate::{
    Diagnostic, Document, Options, Pointer, Project, PropertiesFile, codes,
    custom_resource::{CustomResource, Manifests, ResourceContents},
    model::SchemaSource,
    parse::read_loaded,
    resources::folder_of,
    settings,
};

/// What was read of a custom resource.
pub(super) struct ReadResource {
    pub(super) document: Option<Document>,
    pub(super) project: Arc<Project>,
    /// The file with its properties, and the lines of it that they take.
    pub(super) properties: Option<(Arc<str>, Range<usize>)>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// Reads a custom resource. `of_folder` is the project in whose folder it lies.
pub(super) fn read_resource(
    root: &Path,
    resource: CustomResource,
    manifests: &Manifests,
    of_folder: &Project,
) -> ReadResource {
    let ResourceContents { properties: text, mounted, mut diagnostics } = manifests.contents(&resource);
    let name = Arc::clone(resource.loaded.source.name());
    let folder = folder_of(resource.loaded.source.path()).to_owned();
    let file = text.as_ref().map(|text| {
        let (file, problems) = PropertiesFile::parse_within(&text.file, &text.text, text.start);
        diagnostics.extend(problems);
        Arc::new(file)
    });
    let place = text.as_ref().map_or(of_folder.properties.place(), |text| &*text.file);
    let properties = of_folder.properties.with_variables_under(&resource.variables);
    let properties = properties.with_files_over(place, file.into_iter().collect());
    diagnostics.extend(settings::check_project(&properties, root, &folder));
    let resources = of_folder.resources.for_project(&folder, &properties);
    let resources = resources.unwrap_or_else(|_| of_folder.resources.clone()).with_mounted(mounted);
    let project = Arc::new(Project::new(&name, properties, resources));
    let options = Options { compat: project.compat, resources: Some(&project.resources) };
    let (document, problems) = read_loaded(resource.loaded, options);
    diagnostics.extend(problems);
    let document = document.map(|document| Document { project: Arc::clone(&project), ..document });
    diagnostics.extend(document.iter().flat_map(found_elsewhere));
    let properties = text.map(|text| (Arc::clone(&text.file), text.lines()));
    ReadResource { document, project, properties, diagnostics }
}

/// Tells which files that a workflow names are found by their last part only.
fn found_elsewhere(document: &Document) -> Vec<Diagnostic> {
    let workflow = &document.workflow;
    let mut named: Vec<(&str, &Pointer)> = Vec::new();
    for schema in workflow.data_input_schema.iter().chain(&workflow.data_output_schema) {
        if let SchemaSource::Uri(uri) = &schema.schema.value {
            named.push((uri, &schema.schema.at));
        }
    }
    for function in workflow.functions.values() {
        if let Some((uri, _)) = function.operation.value.split_once('#') {
            named.push((uri, &function.operation.at));
        }
    }
    let mut told = BTreeSet::new();
    let tell = |(uri, at): (&str, &Pointer)| {
        let holder = document.project.resources.holder_elsewhere(&document.source, uri)?;
        let message = format!(
            "custom resource: no ConfigMap is mounted so that `{uri}` is there; it is read from a ConfigMap in {holder}, which has this name at \
             another path or for another workflow"
        );
        told.insert(uri.to_owned())
            .then(|| Diagnostic::warning(codes::FOUND_ELSEWHERE, &document.source, at, message))
    };
    named.into_iter().filter_map(tell).collect()
}

/// The file that has the workflow of a custom resource in the same version.
pub(super) fn shadowing_file<'d>(files: &'d [Document], resource: &Document) -> Option<&'d Arc<str>> {
    let identity = |document: &Document| (document.workflow.id.clone(), document.workflow.version.clone());
    let wanted = identity(resource);
    files.iter().find(|document| identity(document) == wanted).map(|document| document.source.path())
}

/// Tells that a custom resource is not served.
pub(super) fn shadowed(resource: &Document, file: &str) -> Diagnostic {
    let id = &resource.workflow.id;
    let message = format!(
        "the workflow `{id}` is served from {file}, so this custom resource of the same version is not"
    );
    Diagnostic::warning(codes::SHADOWED_RESOURCE, &resource.source, &Pointer::from("id"), message)
}
