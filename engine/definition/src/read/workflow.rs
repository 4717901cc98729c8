//! Reads the top level of a definition, and the parts of it that may be in files of their own.

use serde_json::{Map, Value};

use super::{
    Declared, Fields, ReadWorkflow, Reader, definitions,
    earlier_names::{Early, find_early, todays_name},
    extensions, problems, start, states, timeouts,
};
use crate::{
    Diagnostic, Limits, Pointer, codes,
    model::{At, ExpressionLang, Workflow},
};

/// Reads a definition.
pub(super) fn read_workflow(reader: &mut Reader, value: &Value) -> ReadWorkflow {
    let mut declared = Declared::default();
    let workflow = read_top_level(reader, value, &mut declared);
    ReadWorkflow { workflow, declared }
}

/// Reads the top level. Of a definition of an early specification, which has another form, only that is reported.
fn read_top_level(reader: &mut Reader, value: &Value, declared: &mut Declared) -> Option<Workflow> {
    if value.is_null() {
        let message = "the file is empty; a workflow has at least `id`, `specVersion` and `states`";
        reader.error(codes::WRONG_TYPE, &Pointer::root(), message);
        return None;
    }
    let before = reader.problems.len();
    let workflow = read_current(reader, value, declared);
    let new = reader.problems.get(before..).unwrap_or_default();
    let early = value.as_object().filter(|_| new.iter().any(Diagnostic::is_error)).and_then(find_early);
    let Some(Early { version, marks }) = early else { return workflow };
    reader.problems.truncate(before);
    let at = ["specVersion", "schemaVersion"].map(|name| Pointer::root().key(name));
    let at = at.into_iter().find(|at| reader.source.raw(at).is_some()).unwrap_or_default();
    let message = format!(
        "workflow: it is written for specification {version}, whose form is another than that of 0.8: it has {}",
        marks
            .iter()
            .map(|mark| if mark.contains(' ') { (*mark).to_owned() } else { format!("`{mark}`") })
            .collect::<Vec<_>>()
            .join(", ")
    );
    reader
        .error(codes::EARLIER_SPECIFICATION, &at, message)
        .help("write it anew for 0.8; `rondo explain RON0162` says what became of the names");
    None
}

fn read_current(reader: &mut Reader, value: &Value, declared: &mut Declared) -> Option<Workflow> {
    let mut fields = Fields::open(reader, value, &Pointer::root(), "workflow")?;
    if fields.has("document") || fields.has("do") {
        let message =
            "this is a document of the Serverless Workflow DSL 1.0 (`document`, `do`); only 0.8 is served";
        reader.error(codes::UNSUPPORTED_DSL, &Pointer::root(), message);
        return None;
    }
    if fields.has("apiVersion") && !fields.has("states") {
        report_resource(reader, &mut fields);
        return None;
    }
    let id = read_id(reader, &mut fields);
    let name = fields.text(reader, "name").map(|name| name.value);
    let version = read_version(reader, &mut fields);
    let description = fields.text(reader, "description").map(|text| text.value).unwrap_or_default();
    let annotations = fields.texts(reader, "annotations").into_iter().map(|text| text.value).collect();
    check_spec_version(reader, &mut fields);
    let expression_lang = fields
        .choice(
            reader,
            "expressionLang",
            &[("jq", ExpressionLang::Jq), ("jsonpath", ExpressionLang::JsonPath)],
        )
        .unwrap_or_default();
    let data_input_schema = extensions::read_schema(reader, &mut fields, "dataInputSchema");
    let extensions = extensions::read_extensions(reader, &mut fields);
    declared.namespaces.clone_from(&extensions.namespaces);

    let constants = read_constants(reader, &mut fields);
    let secrets = read_here_or_in_file(reader, &mut fields, "secrets", |reader, fields| {
        fields.texts(reader, "secrets").into_iter().map(|name| name.value).collect()
    })
    .unwrap_or_default();
    let functions = read_definitions(
        reader,
        &mut fields,
        "functions",
        &mut declared.functions,
        definitions::read_functions,
    );
    let events =
        read_definitions(reader, &mut fields, "events", &mut declared.events, definitions::read_events);
    declared.has_errors = fields.has("errors");
    let errors =
        read_definitions(reader, &mut fields, "errors", &mut declared.errors, definitions::read_errors);
    let retries =
        read_definitions(reader, &mut fields, "retries", &mut declared.retries, definitions::read_retries);
    let auth = read_definitions(reader, &mut fields, "auth", &mut declared.auth, definitions::read_auth);
    let timeouts = read_here_or_in_file(reader, &mut fields, "timeouts", |reader, fields| {
        let at = fields.pointer("timeouts");
        fields
            .take("timeouts")
            .map(|value| timeouts::read_workflow_timeouts(reader, value, &at))
            .unwrap_or_default()
    })
    .unwrap_or_default();
    let auto_retries = fields.flag(reader, "autoRetries", false);
    let keep_active = fields.flag(reader, "keepActive", false);
    fields.metadata(reader);

    let start = start::read_start(reader, &mut fields);
    let states = read_states(reader, &mut fields, declared);
    warn_about_misspelt(reader, &fields);
    let id = id?;
    let first = states.first().map(|state| At { value: state.name.clone(), at: state.at.key("name") })?;
    Some(Workflow {
        name: name.unwrap_or_else(|| id.clone()),
        id,
        version,
        description,
        annotations,
        start: start.state.unwrap_or(first),
        schedule: start.schedule,
        expression_lang,
        data_input_schema,
        data_output_schema: extensions.output_schema,
        uri_definitions: extensions.uri_definitions,
        constants,
        secrets,
        functions,
        events,
        errors,
        retries,
        auth,
        auto_retries,
        keep_active,
        timeouts,
        states,
    })
}

/// Reports a Kubernetes resource in the place of a workflow. A well-formed custom resource is not read here, but its flow is.
fn report_resource(reader: &mut Reader, fields: &mut Fields) {
    let at = fields.pointer("kind");
    let message = match fields.take("kind").and_then(Value::as_str) {
        Some(kind) => format!("this is the Kubernetes resource `{kind}`, not a workflow"),
        None => "this is a Kubernetes resource without `kind`".to_owned(),
    };
    reader
        .error(codes::CUSTOM_RESOURCE, &at, message)
        .help("write `kind: SonataFlow` for a workflow as custom resource, or the workflow itself");
}

/// Reads `id`, else `key`. It becomes a part of paths, so some characters are not allowed.
fn read_id(reader: &mut Reader, fields: &mut Fields) -> Option<String> {
    let key = fields.text(reader, "key");
    if !fields.has("id") && key.is_none() {
        fields.take("id");
        let message = "workflow: one of `id` and `key` is required";
        reader.error(codes::MISSING, &fields.at, message);
        return None;
    }
    if fields.has("id") && key.is_some() {
        let message = "workflow: only one of `id` and `key` may be given";
        reader
            .deviation(codes::ID_AND_KEY, &fields.pointer("key"), message)
            .help("`id` is the one that counts");
    }
    let id = if fields.has("id") { fields.required_text(reader, "id")? } else { key? };
    let fits = |c: char| !c.is_control() && !"/\\?#%".contains(c);
    if id.value.trim().is_empty() || matches!(id.value.as_str(), "." | "..") || !id.value.chars().all(fits) {
        let message = format!("workflow: the id `{}` cannot be a part of a path", id.value.escape_debug());
        reader.error(codes::INVALID_ID, &id.at, message).help("use letters, digits, `-`, `_` and `.`");
        return None;
    }
    Some(id.value)
}

/// Reads `version`. It names a workflow before there is data that an expression could be evaluated on.
fn read_version(reader: &mut Reader, fields: &mut Fields) -> String {
    let Some(version) = fields.text(reader, "version") else { return "1.0".to_owned() };
    if version.value.trim_start().starts_with("${") {
        let message = format!(
            "workflow: the expression in `version` has no effect yet: the version is the text `{}`",
            version.value
        );
        reader.warning(codes::WITHOUT_EFFECT, &version.at, message);
    }
    version.value
}

fn check_spec_version(reader: &mut Reader, fields: &mut Fields) {
    let Some(version) = fields.text(reader, "specVersion") else {
        let message = "workflow: `specVersion` is missing";
        reader.deviation(codes::SPEC_VERSION, &fields.at, message).help("write specVersion: '0.8'");
        return;
    };
    if version.value != "0.8" && !version.value.starts_with("0.8.") {
        let message = format!("workflow: `specVersion` is `{}`; the document is read as 0.8", version.value);
        reader.deviation(codes::SPEC_VERSION, &version.at, message);
    }
}

fn read_states(
    reader: &mut Reader,
    fields: &mut Fields,
    declared: &mut Declared,
) -> Vec<crate::model::State> {
    let Some(list) = fields.required_list(reader, "states") else { return Vec::new() };
    let states = list
        .iter()
        .zip(1..)
        .filter_map(|((at, value), number)| {
            states::read_state(reader, value, at, number, &mut declared.states)
        })
        .collect();
    definitions::report_duplicates(reader, "state", &list);
    states
}

/// Warns about unknown properties at the top level that are similar to a known one. Other unknown properties are allowed there by the
/// specification.
fn warn_about_misspelt(reader: &mut Reader, fields: &Fields) {
    for name in fields.names().filter(|name| !fields.known().contains(name)) {
        let absent: Vec<_> = fields.known().iter().copied().filter(|known| !fields.has(known)).collect();
        if todays_name(name, &absent).or_else(|| crate::did_you_mean(name, absent.iter().copied())).is_some()
        {
            let message = format!("workflow: there is no property `{name}`; it has no effect");
            let warning = reader.warning(codes::IGNORED_PROPERTY, &fields.pointer(name), message);
            problems::suggest(warning.on_key(), name, &absent);
        }
    }
}

/// `constants`: an object, or the URI of a file that holds it, itself or under `constants`.
fn read_constants(reader: &mut Reader, fields: &mut Fields) -> Value {
    let empty = || Value::Object(Map::new());
    match fields.take("constants") {
        None => empty(),
        Some(Value::String(uri)) => {
            let at = fields.pointer("constants");
            let Some(loaded) = read_file(reader, "constants", uri, &at) else { return empty() };
            match loaded.value {
                Value::Object(mut map) => match map.remove("constants") {
                    Some(Value::Object(inner)) => Value::Object(inner),
                    Some(other) => {
                        map.insert("constants".to_owned(), other);
                        Value::Object(map)
                    }
                    None => Value::Object(map),
                },
                other => {
                    let what = format!("workflow: the file `{uri}` of `constants`");
                    problems::report_wrong_type(reader, &what, &at, "an object", &other);
                    empty()
                }
            }
        }
        Some(Value::Object(map)) => Value::Object(map.clone()),
        Some(other) => {
            fields.mistyped(reader, "constants", "an object or the URI of a file", other);
            empty()
        }
    }
}

/// Reads a list of definitions, here or in a file that contains it under the same name.
fn read_definitions<T: Default>(
    reader: &mut Reader,
    fields: &mut Fields,
    name: &'static str,
    declared_names: &mut Vec<String>,
    read: impl FnOnce(&mut Reader, &[(Pointer, &Value)], &mut Vec<String>) -> T,
) -> T {
    let read = |reader: &mut Reader, fields: &mut Fields| {
        let list = fields.list(reader, name);
        read(reader, &list, declared_names)
    };
    read_here_or_in_file(reader, fields, name, read).unwrap_or_default()
}

/// Reads a property that may be the URI of a file. Such a file contains the property under the same name.
fn read_here_or_in_file<T>(
    reader: &mut Reader,
    fields: &mut Fields,
    name: &'static str,
    read: impl FnOnce(&mut Reader, &mut Fields) -> T,
) -> Option<T> {
    let Some(Value::String(uri)) = fields.take(name) else { return Some(read(reader, fields)) };
    let at = fields.pointer(name);
    let loaded = read_file(reader, name, uri, &at)?;
    if loaded.value.get(name).is_none_or(Value::is_null) {
        let message = format!("workflow: the file `{uri}` of `{name}` has no `{name}` at its top level");
        reader.error(codes::RESOURCE_CONTENT, &at, message);
        return None;
    }
    let mut inner = Reader {
        source: &loaded.source,
        owner: reader.owner,
        compat: reader.compat,
        resources: reader.resources,
        problems: reader.problems,
    };
    let mut fields = Fields::open(&mut inner, &loaded.value, &Pointer::root(), name)?;
    Some(read(&mut inner, &mut fields))
}

/// Reads the file that a property names. Reports syntax errors in the file, and other problems at the property.
fn read_file(reader: &mut Reader, name: &str, uri: &str, at: &Pointer) -> Option<crate::Loaded> {
    let resource = match reader.resources.read(reader.owner, uri) {
        Ok(resource) => resource,
        Err(error) => {
            reader.error(codes::RESOURCE, at, format!("workflow: `{name}` is in `{uri}`: {error}"));
            return None;
        }
    };
    let text = String::from_utf8_lossy(&resource.bytes);
    match crate::load(&resource.name, &text, Limits::WORKFLOW) {
        Ok(loaded) => Some(loaded),
        Err(problems) => {
            reader.problems.extend(problems);
            None
        }
    }
}
