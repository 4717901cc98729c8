//! The names and forms of other versions of the specification, mostly of 0.1 to 0.7, that 0.8 does not have.
//!
//! Owns: the table of renamed properties, and telling a definition of an early specification by its form. Promises: a definition that says
//! 0.7 or later is never taken for an early one. Never: reads the old form.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// A name of other versions, and the names that it has in 0.8, by the object it stands in.
const RENAMED: [(&str, &[&str]); 33] = [
    ("consume", &["onEvents"]),
    ("consumeEventRef", &["resultEventRef"]),
    ("consumeEventTimeout", &["resultEventTimeout"]),
    ("correlationToken", &["correlation"]),
    ("dataInputPath", &["input", "fromStateData"]),
    ("dataOutputPath", &["output", "data"]),
    ("dataResultsPath", &["results"]),
    ("default", &["defaultCondition"]),
    ("error", &["errorRef"]),
    ("eventsActions", &["onEvents"]),
    ("execTimeout", &["timeouts", "workflowExecTimeout"]),
    ("expressionLanguage", &["expressionLang"]),
    ("functionref", &["functionRef"]),
    ("inputParameter", &["iterationParam"]),
    ("interval", &["delay"]),
    ("kind", &["terminate"]),
    ("maxRetries", &["maxAttempts"]),
    ("maxRetry", &["maxAttempts"]),
    ("nextState", &["transition"]),
    ("onError", &["onErrors"]),
    ("operator", &["condition"]),
    ("parameters", &["arguments"]),
    ("path", &["condition"]),
    ("produce", &["produceEvents"]),
    ("produceEvent", &["produceEvents"]),
    ("produceEventRef", &["triggerEventRef"]),
    ("refname", &["refName"]),
    ("resource", &["operation"]),
    ("schemaVersion", &["specVersion"]),
    ("startsAt", &["start"]),
    ("timeDelay", &["duration"]),
    ("timeout", &["timeouts"]),
    ("triggers", &["events"]),
];

/// The name that 0.8 has for a property of another version, if it is one of `allowed`.
pub(super) fn todays_name<'n>(name: &str, allowed: &[&'n str]) -> Option<&'n str> {
    let (_, today) = RENAMED.iter().find(|(earlier, _)| *earlier == name)?;
    allowed.iter().copied().find(|allowed| today.contains(allowed))
}

/// How many marks tell an early definition that does not say its version.
const ENOUGH_MARKS: usize = 2;

/// An early definition: the specification that it is written for, and what shows it.
pub(super) struct Early {
    /// `0.5`, or `0.1 to 0.6` where the definition does not say it.
    pub(super) version: String,
    /// Properties that only early specifications have.
    pub(super) marks: Vec<&'static str>,
}

/// Whether a definition with errors is one of an early specification.
pub(super) fn find_early(workflow: &Map<String, Value>) -> Option<Early> {
    let version = workflow.get("specVersion").or_else(|| workflow.get("schemaVersion"));
    let version = version.map(|version| version.as_str().map_or_else(|| version.to_string(), str::to_owned));
    let is_early = |version: &str| {
        let minor = version.strip_prefix("0.").and_then(|rest| rest.split('.').next());
        minor.and_then(|minor| minor.parse().ok()).is_some_and(|minor: u8| (1..=6).contains(&minor))
    };
    let marks = marks(workflow);
    let (version, enough) = match version {
        Some(version) if is_early(&version) => (version, 1),
        Some(_) => return None,
        None => ("0.1 to 0.6".to_owned(), ENOUGH_MARKS),
    };
    (marks.len() >= enough).then(|| Early { version, marks: marks.into_iter().collect() })
}

/// Marks of early specifications in a definition.
fn marks(workflow: &Map<String, Value>) -> BTreeSet<&'static str> {
    let mut marks = BTreeSet::new();
    for name in ["startsAt", "expressionLanguage", "triggers", "execTimeout"] {
        if workflow.contains_key(name) {
            marks.insert(name);
        }
    }
    for function in objects(workflow.get("functions")) {
        if !function.contains_key("operation")
            && (function.contains_key("resource") || function.contains_key("type"))
        {
            marks.insert("functions without `operation`");
        }
    }
    for state in objects(workflow.get("states")) {
        mark_state(state, &mut marks);
    }
    marks
}

fn mark_state(state: &Map<String, Value>, marks: &mut BTreeSet<&'static str>) {
    for name in
        ["consume", "default", "eventsActions", "inputParameter", "onError", "timeDelay", "workflowId"]
    {
        if state.contains_key(name) {
            marks.insert(name);
        }
    }
    if state.get("start").is_some_and(|start| start.is_object() || start.is_boolean()) {
        marks.insert("`start` in a state");
    }
    let kind = state.get("type").and_then(Value::as_str).unwrap_or_default();
    if ["delay", "subflow", "relay"].contains(&kind.to_ascii_lowercase().as_str()) {
        marks.insert("states of the types `delay` and `subflow`");
    }
    let is_upper = kind.len() > 1 && kind.chars().all(|c| c.is_ascii_uppercase());
    if is_upper {
        marks.insert("types in capitals");
    }
    if let Some(Value::Object(end)) = state.get("end")
        && (end.contains_key("kind") || end.contains_key("type"))
    {
        marks.insert("`kind` of an end");
    }
    for condition in objects(state.get("dataConditions")) {
        if condition.contains_key("operator") {
            marks.insert("`operator` of a condition");
        }
    }
    mark_below(state, marks);
}

/// Marks that stand deeper in a state: in its actions, filters and ends.
fn mark_below(object: &Map<String, Value>, marks: &mut BTreeSet<&'static str>) {
    const NAMES: [&str; 6] =
        ["dataInputPath", "dataOutputPath", "dataResultsPath", "functionref", "produceEvent", "refname"];
    for (name, value) in object {
        // What is below these is the author's own.
        if matches!(name.as_str(), "data" | "arguments" | "metadata") {
            continue;
        }
        marks.extend(NAMES.into_iter().filter(|mark| name == mark));
        match value {
            Value::Object(inner) => {
                if name.eq_ignore_ascii_case("functionRef") && inner.contains_key("parameters") {
                    marks.insert("parameters");
                }
                mark_below(inner, marks);
            }
            Value::Array(items) => {
                for item in items {
                    if let Value::Object(inner) = item {
                        mark_below(inner, marks);
                    }
                }
            }
            _ => {}
        }
    }
}

/// The objects of a list.
fn objects(list: Option<&Value>) -> impl Iterator<Item = &Map<String, Value>> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_has_the_name_that_its_object_knows() {
        for (name, allowed, expected) in [
            ("dataInputPath", ["input", "output"], Some("input")),
            ("dataInputPath", ["fromStateData", "results"], Some("fromStateData")),
            ("default", ["defaultCondition", "name"], Some("defaultCondition")),
            ("default", ["data", "name"], None),
            ("other", ["data", "name"], None),
        ] {
            assert_eq!(todays_name(name, &allowed), expected, "{name} in {allowed:?}");
        }
    }

    #[test]
    fn an_early_definition_is_told_by_its_version_or_its_form() {
        let old = json!([{"name": "A", "type": "switch", "default": {}, "dataConditions": [{"operator": "equals"}]}]);
        let new = json!([{"name": "A", "type": "inject", "data": {"parameters": 1, "refName": "x"}}]);
        for (workflow, expected) in [
            (json!({"specVersion": "0.5", "states": old}), Some("0.5")),
            (json!({"states": old}), Some("0.1 to 0.6")),
            (json!({"specVersion": "0.8", "states": old}), None),
            (json!({"specVersion": "0.7", "states": old}), None),
            (json!({"specVersion": "0.5", "states": new}), None),
            (json!({"states": new}), None),
            (json!({"states": [{"name": "A", "type": "switch", "default": {}}]}), None),
        ] {
            let found = find_early(workflow.as_object().unwrap()).map(|early| early.version);
            assert_eq!(found.as_deref(), expected, "{workflow}");
        }
    }
}
