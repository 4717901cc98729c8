//! Reads the flow of a custom resource as a document of specification 0.8.
//!
//! Owns: which part of the resource is which property of the document, and the short forms that only the operator's schema has. Promises: each
//! value keeps its place in the file, so the document is checked as any other. Never: checks the flow itself.

use std::{ops::Range, sync::Arc};

use serde_json::{Map, Value};

use super::{
    ConfigMapReference, CustomResource,
    parts::{FLOW_KINDS, Part},
    places::{annotation_names, places},
};
use crate::{Diagnostic, Limits, Loaded, Pointer, Severity, Source, codes, load::load_part};

/// Reads the custom resources of one document of a file: one, or those of a list. One that cannot be parsed is told only if it is certain that it
/// is one.
pub(super) fn read_part(
    path: &str,
    text: &Arc<str>,
    Part { bytes: part, is_certain, .. }: Part,
) -> (Vec<CustomResource>, Vec<Diagnostic>) {
    let load = || load_part(path, text, part.clone(), Limits::WORKFLOW);
    let first = match load() {
        Ok(first) => first,
        Err(_) if !is_certain => return (Vec::new(), Vec::new()),
        Err(problems) => {
            let own = text.get(part.clone()).unwrap_or_default();
            return (
                Vec::new(),
                if own.contains("{{") { vec![template(path, text, &part)] } else { problems },
            );
        }
    };
    let count = list_items(&first.value).map(Vec::len);
    let (mut resources, mut diagnostics) = (Vec::new(), Vec::new());
    let mut read = |loaded: Loaded, at: Pointer| match read_resource(loaded, &at, text, &part) {
        Ok(Some(resource)) => resources.push(resource),
        Ok(None) => {}
        Err(problems) => diagnostics.extend(problems),
    };
    let Some(count) = count else {
        read(first, Pointer::root());
        return (resources, diagnostics);
    };
    for index in 0..count {
        // Each resource takes the document apart; lists of hundreds are rare.
        if let Ok(loaded) = load() {
            read(loaded, Pointer::root().key("items").index(index));
        }
    }
    (resources, diagnostics)
}

/// The items of a list of resources.
fn list_items(document: &Value) -> Option<&Vec<Value>> {
    document.get("kind")?.as_str().filter(|kind| kind.ends_with("List"))?;
    document.get("items")?.as_array()
}

/// Reads the resource at a pointer; `None` if it is of another kind.
fn read_resource(
    loaded: Loaded,
    at: &Pointer,
    text: &Arc<str>,
    part: &Range<usize>,
) -> Result<Option<CustomResource>, Vec<Diagnostic>> {
    let Loaded { mut value, source, mut warnings } = loaded;
    let Some(resource) = value.pointer_mut(at.as_str()) else { return Ok(None) };
    if !resource.get("kind").and_then(Value::as_str).is_some_and(|kind| FLOW_KINDS.contains(&kind)) {
        return Ok(None);
    }
    let error = |at: &Pointer, message: &str| {
        Err(vec![Diagnostic::error(
            codes::CUSTOM_RESOURCE,
            &source,
            at,
            format!("custom resource: {message}"),
        )])
    };
    let flow_at = at.key("spec").key("flow");
    let flow = resource.get_mut("spec").and_then(|spec| spec.get_mut("flow")).map(Value::take);
    let Some(Value::Object(flow)) = flow else {
        return error(at, "`spec.flow` is missing; it holds the workflow");
    };
    let name_at = at.key("metadata").key("name");
    let id = match resource.pointer("/metadata/name") {
        Some(Value::String(id)) if id.contains("{{") => {
            return Err(vec![template(source.path(), text, part)]);
        }
        Some(Value::String(id)) => id.clone(),
        Some(Value::Number(_)) => source.raw(&name_at).unwrap_or_default().to_owned(),
        _ => return error(at, "`metadata.name` is missing; it is the id of the workflow"),
    };
    let config_maps = config_maps(resource, at, &source);
    let variables = variables(resource);
    let namespace = resource.pointer("/metadata/namespace").and_then(Value::as_str).map(str::to_owned);
    let document = Outline { resource, id: &id, at }.document(flow, &source, &mut warnings);
    let name = Arc::from(format!("{}#{id}", source.path()));
    let places = places(&document, at, &flow_at);
    let value = Value::Object(document);
    let source = source.into_workflow(name, format!("{value:#}").into(), |positions| places.apply(positions));
    Ok(Some(CustomResource {
        id,
        namespace,
        loaded: Loaded { value, source, warnings },
        config_maps,
        variables,
    }))
}

/// Tells that a custom resource is the template of a chart.
fn template(path: &str, text: &str, part: &Range<usize>) -> Diagnostic {
    let source = Source::unread(path, text);
    let own = text.get(part.clone()).unwrap_or_default();
    let position = source.position_of_byte(part.start + own.find("{{").unwrap_or_default());
    let message = "this custom resource is a template, so its workflow is not served";
    Diagnostic::file(Severity::Warning, codes::TEMPLATE, path, message)
        .at_position(position)
        .help("serve what `helm template` makes of it")
}

/// What stands outside of the flow.
struct Outline<'r> {
    resource: &'r Value,
    id: &'r str,
    at: &'r Pointer,
}

impl Outline<'_> {
    /// The flow with the properties that stand outside of it, in the forms of specification 0.8.
    fn document(
        &self,
        flow: Map<String, Value>,
        source: &Source,
        warnings: &mut Vec<Diagnostic>,
    ) -> Map<String, Value> {
        let mut document = Map::new();
        document.insert("id".to_owned(), self.id.into());
        document.insert("specVersion".to_owned(), self.spec_version().into());
        for property in ["version", "description", "expressionLang"] {
            if let Some(value) = self.annotation(property) {
                document.insert(property.to_owned(), value.clone());
            }
        }
        for (name, mut value) in flow {
            if let Some(counts) = document.get(&name) {
                let is_same = value == *counts || name == "specVersion" && value.to_string().contains("0.8");
                if !is_same && name != "description" {
                    warnings.push(self.without_effect(source, &name, counts));
                }
                continue;
            }
            match name.as_str() {
                // The id of the workflow is the name of the resource, whatever key the flow has.
                "key" => continue,
                "states" => value.as_array_mut().into_iter().flatten().for_each(lengthen_default),
                "retries" => value.as_array_mut().into_iter().flatten().for_each(plain_retry),
                _ => {}
            }
            document.insert(name, value);
        }
        document
    }

    /// A property in an annotation such as `sonataflow.org/version`.
    fn annotation(&self, property: &str) -> Option<&Value> {
        let annotations = self.resource.pointer("/metadata/annotations")?;
        annotation_names(property)
            .iter()
            .find_map(|name| annotations.get(name))
            .filter(|value| !value.is_null())
    }

    /// The version of the specification in `apiVersion`: `v1alpha08` is 0.8.
    fn spec_version(&self) -> String {
        let Some(version) = self.resource.get("apiVersion").and_then(Value::as_str) else {
            return "0.8".to_owned();
        };
        let version = version.rsplit('/').next().unwrap_or(version);
        if version == "v1alpha08" { "0.8".to_owned() } else { version.to_owned() }
    }

    fn without_effect(&self, source: &Source, name: &str, counts: &Value) -> Diagnostic {
        let at = self.at.key("spec").key("flow").key(name);
        let counts = counts.as_str().map_or_else(|| counts.to_string(), str::to_owned);
        let place = match name {
            "id" => "metadata.name",
            "specVersion" => "apiVersion",
            _ => "its annotation",
        };
        let message = format!("custom resource: `{name}` of the flow has no effect; {place} says `{counts}`");
        Diagnostic::warning(codes::FLOW_PROPERTY, source, &at, message).on_key(source, &at)
    }
}

/// `defaultCondition: Next` is short for a transition to `Next`.
fn lengthen_default(state: &mut Value) {
    if let Some(default) = state.get_mut("defaultCondition")
        && default.is_string()
    {
        *default = Value::Object(Map::from_iter([("transition".to_owned(), default.take())]));
    }
}

/// The schema has `multiplier` and `jitter` as an object with a number or a text.
fn plain_retry(retry: &mut Value) {
    for name in ["multiplier", "jitter"] {
        if let Some(value) = retry.get_mut(name)
            && let Some(object) = value.as_object()
        {
            let text = object.get("strVal").filter(|text| text.as_str().is_some_and(|text| !text.is_empty()));
            *value = text.or(object.get("floatVal")).cloned().unwrap_or_default();
        }
    }
}

/// `spec.resources.configMaps`.
fn config_maps(resource: &Value, at: &Pointer, source: &Source) -> Vec<ConfigMapReference> {
    let list = resource.pointer("/spec/resources/configMaps").and_then(Value::as_array).into_iter().flatten();
    let read = |(index, entry): (usize, &Value)| {
        let at = at.key("spec").key("resources").key("configMaps").index(index).key("configMap").key("name");
        let name = entry.pointer("/configMap/name")?.as_str()?.to_owned();
        let folder = entry.get("workflowPath").and_then(Value::as_str).unwrap_or_default();
        let parts = folder.split('/').filter(|part| !matches!(*part, "" | "." | ".."));
        let folder = parts.collect::<Vec<_>>().join("/");
        Some(ConfigMapReference { name, folder, position: source.position(&at) })
    };
    list.enumerate().filter_map(read).collect()
}

/// The environment variables of the workflow's container that have a value here. One that another tool fills in (`${NAME}`) has none.
fn variables(resource: &Value) -> Vec<(String, String)> {
    let list = resource.pointer("/spec/podTemplate/container/env").and_then(Value::as_array);
    let text = |entry: &Value, name: &str| match entry.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
        other => Some(other.to_string()),
    };
    let is_value = |value: &String| !value.contains("${") && !value.contains("$(") && !value.contains("{{");
    let variable = |entry: &Value| Some((text(entry, "name")?, text(entry, "value").filter(is_value)?));
    list.into_iter().flatten().filter_map(variable).collect()
}
