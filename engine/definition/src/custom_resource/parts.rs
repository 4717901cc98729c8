//! Splits a file into its YAML documents, and tells by their look what they are.
//!
//! Promises: a file is not parsed for this, because most YAML and JSON files of a folder are no Kubernetes resources, and those that are may be
//! templates that are no YAML; one document that cannot be parsed does not hide the others.

use std::ops::Range;

use serde_json::Value;

use crate::{Format, did_you_mean};

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A custom resource with a flow, or a list that may have one.
    Flow,
    /// A `ConfigMap`, or a list that may have one.
    ConfigMap,
    /// A file of kustomize, which may make `ConfigMap`s.
    Kustomization,
    /// Anything else.
    Other,
}

/// A document of a file.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) bytes: Range<usize>,
    pub(super) kind: Kind,
    /// Whether its kind stands on a line of its own; else it may be something else that has the word in it.
    pub(super) is_certain: bool,
}

/// The kinds of custom resources with flows. The second is the one of the first versions of the operator.
pub(super) const FLOW_KINDS: [&str; 2] = ["SonataFlow", "KogitoServerlessWorkflow"];

/// The documents of a file.
pub(super) fn split(path: &str, text: &str) -> Vec<Part> {
    let is_kustomization = is_kustomization(path);
    // Most files are no manifests, and looking for words is faster than looking at lines.
    let words = FLOW_KINDS.iter().chain(&["ConfigMap", "Kustomization"]);
    if !is_kustomization && !words.into_iter().any(|word| text.contains(word)) {
        return Vec::new();
    }
    let documents = match Format::of(path) {
        Format::Json => std::iter::once(0..text.len()).collect(),
        Format::Yaml => documents(text),
    };
    let part = |bytes: Range<usize>| {
        let (kind, is_certain) = kind_of(text.get(bytes.clone()).unwrap_or_default());
        let kind = if is_kustomization && kind == Kind::Other { Kind::Kustomization } else { kind };
        Part { bytes, kind, is_certain }
    };
    documents.into_iter().map(part).collect()
}

/// The kind of a text that should be a workflow and is another Kubernetes resource. A kind that is a misspelt one of a workflow is not meant.
pub(crate) fn is_other_resource(text: &str) -> Option<String> {
    resource_kind(text).filter(|kind| did_you_mean(kind, FLOW_KINDS).is_none())
}

/// The kind of a text that is a Kubernetes resource and no workflow.
fn resource_kind(text: &str) -> Option<String> {
    let first = documents(text).into_iter().find_map(|part| {
        let text = text.get(part)?;
        let has_content =
            text.lines().any(|line| !line.trim_start().starts_with(['#', '-']) && !line.trim().is_empty());
        has_content.then_some(text)
    })?;
    if is_braced(first) {
        let Value::Object(members) = serde_json::from_str(first).ok()? else { return None };
        let is_resource = members.contains_key("apiVersion") && !members.contains_key("states");
        return members.get("kind").filter(|_| is_resource)?.as_str().map(str::to_owned);
    }
    let is_workflow = top_level(first, "states").is_some();
    top_level(first, "apiVersion").filter(|_| !is_workflow)?;
    top_level(first, "kind").map(str::to_owned)
}

/// The byte ranges of the documents of a YAML stream. A line that begins with `---` begins a document wherever it stands, also in the middle of a
/// text.
fn documents(text: &str) -> Vec<Range<usize>> {
    let (mut documents, mut begin, mut at) = (Vec::new(), 0, 0);
    for line in text.split_inclusive('\n') {
        let is_marker = line
            .strip_prefix("---")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
        if is_marker && at > begin {
            documents.push(begin..at);
            begin = at;
        }
        at += line.len();
    }
    documents.push(begin..at);
    documents
}

/// What a document is, by its look, and whether that is certain.
fn kind_of(text: &str) -> (Kind, bool) {
    let mentions = |kinds: &[&str]| kinds.iter().any(|kind| text.contains(kind));
    let by_words = || match () {
        () if mentions(&FLOW_KINDS) => (Kind::Flow, false),
        () if mentions(&["ConfigMap"]) => (Kind::ConfigMap, false),
        () => (Kind::Other, false),
    };
    if is_braced(text) {
        return if text.contains("kind") { by_words() } else { (Kind::Other, false) };
    }
    match top_level(text, "kind") {
        Some(kind) if FLOW_KINDS.contains(&kind) => (Kind::Flow, true),
        Some("ConfigMap") => (Kind::ConfigMap, true),
        Some("Kustomization") => (Kind::Kustomization, true),
        Some(kind) if kind.ends_with("List") => by_words(),
        _ => (Kind::Other, false),
    }
}

/// Whether a document is written in braces, as JSON is.
fn is_braced(text: &str) -> bool {
    text.trim_start_matches("---").trim_start().starts_with('{') && !text.trim_start().starts_with("{{")
}

/// The text of a scalar property at the top level of a block, without quotes.
fn top_level<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.lines().find_map(|line| {
        let value = line.strip_prefix(name)?.trim_start().strip_prefix(':')?;
        let value = value.split(" #").next().unwrap_or_default().trim();
        Some(value.trim_matches(['"', '\'']))
    })
}

/// Whether kustomize reads a file of this name.
fn is_kustomization(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    matches!(name, "kustomization.yaml" | "kustomization.yml" | "Kustomization")
}
