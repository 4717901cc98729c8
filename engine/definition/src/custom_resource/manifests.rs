//! The Kubernetes resources of a folder that concern workflows.
//!
//! Owns: which `ConfigMap` a custom resource means: the one of its name that lies nearest. Promises: without a custom resource in the folder no
//! other resource is parsed.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    path::Path,
    sync::Arc,
};

use super::{
    ConfigMapReference, CustomResource, MountedFiles,
    config_map::{ConfigMap, Datum},
    kustomization, parts, read_text,
};
use crate::{
    Diagnostic, Limits, Position, Severity, codes, in_parallel,
    load::load_part,
    resources::{below, folder_of, read_confined},
};

/// The key of properties in a `ConfigMap`.
const PROPERTIES_KEY: &str = "application.properties";

/// The resources of a folder.
#[derive(Debug, Default)]
pub(crate) struct Manifests {
    /// The custom resources with a flow, in the order of files.
    pub(crate) resources: Vec<CustomResource>,
    /// The files that have one, or should have one.
    pub(crate) files: BTreeSet<String>,
    /// Files that are named like workflows, but are Kubernetes resources of another kind.
    pub(crate) others: BTreeSet<String>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    config_maps: Vec<ConfigMap>,
}

/// What a custom resource brings besides its flow.
#[derive(Debug, Default)]
pub(crate) struct ResourceContents {
    pub(crate) properties: Option<PropertiesText>,
    pub(crate) mounted: MountedFiles,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// The text of properties, and where it stands.
#[derive(Debug)]
pub(crate) struct PropertiesText {
    pub(crate) file: Arc<str>,
    pub(crate) start: Position,
    pub(crate) text: String,
}

impl PropertiesText {
    /// The lines of the file that it takes, counted from 1.
    pub(crate) fn lines(&self) -> Range<usize> {
        self.start.line..self.start.line + self.text.lines().count().max(1)
    }
}

/// A file with documents of interest.
struct Manifest {
    path: String,
    text: Arc<str>,
    parts: Vec<parts::Part>,
    /// Its kind, if it is named like a workflow, and is a resource of another kind.
    other_kind: Option<String>,
}

impl Manifests {
    /// Reads files of a folder. `workflows` are those that are named like workflows. Files that cannot be read, or are no text, are no
    /// manifests.
    pub(crate) fn read(root: &Path, workflows: &[String], others: &[String]) -> Self {
        let files = workflows.iter().map(|path| (path, true)).chain(others.iter().map(|path| (path, false)));
        let open = |(path, is_workflow): (&String, bool)| Manifest::open(root, path, is_workflow);
        let manifests: Vec<_> = in_parallel(files.collect(), open).into_iter().flatten().collect();
        let mut found = Self::default();
        for manifest in &manifests {
            if let Some(kind) = &manifest.other_kind {
                let message =
                    format!("this is the Kubernetes resource `{kind}`, not a workflow, so it is not served");
                let warning =
                    Diagnostic::file(Severity::Warning, codes::OTHER_RESOURCE, &manifest.path, message);
                found.diagnostics.push(warning.help("give it a name without `.sw`"));
                found.others.insert(manifest.path.clone());
            }
            if !manifest.has(parts::Kind::Flow) {
                continue;
            }
            let (resources, diagnostics) = read_text(&manifest.path, &manifest.text);
            if !resources.is_empty() || !diagnostics.is_empty() {
                found.files.insert(manifest.path.clone());
            }
            found.resources.extend(resources);
            found.diagnostics.extend(diagnostics);
        }
        let path = |resource: &CustomResource| Arc::clone(resource.loaded.source.path());
        found.resources.sort_by_key(path);
        if !found.resources.is_empty() {
            found.config_maps = manifests.iter().flat_map(|manifest| manifest.config_maps(root)).collect();
        }
        found
    }

    /// The properties and the files of a custom resource.
    pub(crate) fn contents(&self, resource: &CustomResource) -> ResourceContents {
        let mut contents = ResourceContents::default();
        let path = resource.loaded.source.path();
        if let Some(found) =
            self.find(&format!("{}-props", resource.id), resource, None, &mut contents.diagnostics)
            && let Some(Datum { bytes, file, start }) = found.data.get(PROPERTIES_KEY)
        {
            let text = String::from_utf8_lossy(bytes).into_owned();
            contents.properties = Some(PropertiesText { file: Arc::clone(file), start: *start, text });
        }
        for reference in &resource.config_maps {
            let Some(found) =
                self.find(&reference.name, resource, Some(reference), &mut contents.diagnostics)
            else {
                continue;
            };
            for (key, datum) in &found.data {
                contents.mounted.mount(&below(&reference.folder, key), &found.file, Arc::clone(&datum.bytes));
                contents.mounted.offer(key, &found.file, Arc::clone(&datum.bytes));
            }
        }
        let is_beside = |map: &&ConfigMap| folder_of(&map.file) == folder_of(path);
        for map in self.config_maps.iter().filter(is_beside) {
            for (key, datum) in map.data.iter().filter(|(key, _)| *key != PROPERTIES_KEY) {
                contents.mounted.offer(key, &map.file, Arc::clone(&datum.bytes));
            }
        }
        contents
    }

    /// The `ConfigMap` of a name that lies nearest to a custom resource. Tells that there is none, if the resource refers to it, or that there
    /// are several.
    fn find(
        &self,
        name: &str,
        resource: &CustomResource,
        reference: Option<&ConfigMapReference>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<&ConfigMap> {
        let path = resource.loaded.source.path();
        let is_meant = |map: &&ConfigMap| {
            let is_foreign = map.namespace.is_some()
                && resource.namespace.is_some()
                && map.namespace != resource.namespace;
            map.name == name && !is_foreign
        };
        let mut ranked: BTreeMap<usize, Vec<&ConfigMap>> = BTreeMap::new();
        for map in self.config_maps.iter().filter(is_meant) {
            ranked.entry(distance(path, &map.file)).or_default().push(map);
        }
        let position = reference
            .map_or_else(|| resource.loaded.source.position(&"id".into()), |reference| reference.position);
        let Some(nearest) = ranked.into_values().next() else {
            if let Some(reference) = reference {
                let where_to = if reference.folder.is_empty() {
                    String::new()
                } else {
                    format!(" at `{}/`", reference.folder)
                };
                let message = format!(
                    "custom resource: the ConfigMap `{name}` is in no file of the folder; its files{where_to} are looked for among the \
                     files of the folder"
                );
                diagnostics.push(
                    Diagnostic::file(Severity::Warning, codes::CONFIG_MAP, path, message)
                        .at_position(position),
                );
            }
            return None;
        };
        let (first, others) = nearest.split_first()?;
        if let Some(other) = others.iter().find(|other| !other.has_same_data(first)) {
            let message = format!(
                "custom resource: there are several ConfigMaps `{name}`; the one in {} is read, not the one in {}",
                first.file, other.file
            );
            diagnostics.push(
                Diagnostic::file(Severity::Warning, codes::SEVERAL_CONFIG_MAPS, path, message)
                    .at_position(position),
            );
        }
        Some(first)
    }
}

impl Manifest {
    /// Reads a file; `None` if nothing in it is of interest.
    fn open(root: &Path, path: &str, is_workflow: bool) -> Option<Self> {
        let text = String::from_utf8(read_confined(root, path).ok()??).ok()?;
        let parts = parts::split(path, &text);
        let parts: Vec<_> = parts.into_iter().filter(|part| part.kind != parts::Kind::Other).collect();
        let has_flow = parts.iter().any(|part| part.kind == parts::Kind::Flow);
        let other_kind = if is_workflow && !has_flow { parts::is_other_resource(&text) } else { None };
        let is_of_interest = !parts.is_empty() || other_kind.is_some();
        is_of_interest.then(|| Self { path: path.to_owned(), text: text.into(), parts, other_kind })
    }

    fn has(&self, kind: parts::Kind) -> bool {
        self.parts.iter().any(|part| part.kind == kind)
    }

    /// The `ConfigMap`s in it. What cannot be parsed is left out: it is a template, or is nobody's.
    fn config_maps(&self, root: &Path) -> Vec<ConfigMap> {
        let mut found = Vec::new();
        for part in &self.parts {
            let Ok(loaded) = load_part(&self.path, &self.text, part.bytes.clone(), Limits::WORKFLOW) else {
                continue;
            };
            if part.kind == parts::Kind::Kustomization {
                let read = |path: &str| read_confined(root, path).ok().flatten();
                found.extend(kustomization::config_maps(&loaded.value, &loaded.source, read));
            } else {
                found.extend(ConfigMap::read_all(&loaded.value, &loaded.source));
            }
        }
        found
    }
}

/// How far a file is from another: nothing for the same one, else the folders to go up and down, and one.
fn distance(from: &str, to: &str) -> usize {
    if from == to {
        return 0;
    }
    let parts = |path: &str| {
        folder_of(path).split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let (from, to) = (parts(from), parts(to));
    let common = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
    1 + (from.len() - common) + (to.len() - common)
}
