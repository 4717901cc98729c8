//! Concurrency groups: of the instances that have something in common, only so many run at once.
//!
//! Owns: reading the groups from the properties, and the key of an instance that starts. Promises: a workflow is in one group at most; every
//! start of a workflow of a group has a key, whatever its data are. Never: counts instances; the store does, in the transactions that start
//! and end them.
//!
//! **The key** is the result of the group's expression over the data that the instance starts with (the data of the event, if one starts
//! it). Text counts as it is, numbers and booleans by their JSON text, so that `5` and `"5"` are one key. All starts for which the expression
//! fails, or gives null, an empty text, one of more than [`LONGEST_KEY`] characters, an array, an object or several values, have no key of
//! their own and share one, [`NO_KEY`]. So a mistake in data or expression never lets more instances run than the limit says, and refuses
//! none.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use rondo_definition::{
    Diagnostic, Properties, Severity, codes,
    settings::{self, Setting},
};
use rondo_expression::{Budget, Expression, Language, Scope, Val, compile_property};
use rondo_store::{ConcurrencyGroup, PlaceRequest};
use uuid::Uuid;

/// The key of instances that have none of their own.
pub(crate) const NO_KEY: &str = "";

/// Characters of a key. Keys are stored with their group and shown in sentences; an id or a name is much shorter.
const LONGEST_KEY: usize = 1000;

/// Steps of an evaluation of a key, which runs on the thread of a request: some milliseconds. A path takes about ten.
const KEY_STEPS: u64 = 100_000;

/// Bytes of stack that the evaluation of a key may take. Threads of requests have 2 MiB.
const KEY_STACK: usize = 256 * 1024;

/// The groups, by the workflows that are served.
#[derive(Debug, Default)]
pub(crate) struct Concurrency {
    groups: Vec<Arc<Group>>,
    by_workflow: HashMap<Arc<str>, Arc<Group>>,
}

#[derive(Debug)]
struct Group {
    name: String,
    /// Patterns of ids of workflows, in which `*` stands for any text.
    workflows: Vec<String>,
    /// `None`: all instances have the same key.
    key: Option<Expression>,
    limit: u32,
}

impl Concurrency {
    /// Reads the groups from the properties of the root project, for these workflows. A group with an error is left out.
    pub(crate) fn read<'w>(
        properties: &Properties,
        workflows: impl IntoIterator<Item = &'w Arc<str>>,
    ) -> (Self, Vec<Diagnostic>) {
        let mut problems = Vec::new();
        let groups = group_names(properties)
            .into_iter()
            .filter_map(|name| Group::read(properties, name, &mut problems))
            .map(Arc::new);
        let groups: Vec<_> = groups.collect();
        let workflows: BTreeSet<&Arc<str>> = workflows.into_iter().collect();
        let mut by_workflow: HashMap<Arc<str>, Arc<Group>> = HashMap::new();
        for group in &groups {
            let key = property(&settings::CONCURRENCY_WORKFLOWS, &group.name);
            for pattern in &group.workflows {
                if !workflows.iter().any(|workflow| matches(pattern, workflow)) {
                    let message = format!("`{key}`: no workflow has an id like `{pattern}`");
                    problems.push(properties.diagnostic_at(
                        Severity::Warning,
                        codes::UNREAD_PROPERTY,
                        &key,
                        message,
                    ));
                }
            }
            for workflow in workflows.iter().filter(|workflow| group.has(workflow)) {
                if let Some(other) = by_workflow.insert(Arc::clone(workflow), Arc::clone(group)) {
                    let message = format!(
                        "`{key}`: workflow `{workflow}` is in the concurrency group `{}` already, and can be in one only",
                        other.name
                    );
                    problems.push(properties.diagnostic_at(Severity::Error, codes::SETTING, &key, message));
                }
            }
        }
        (Self { groups, by_workflow }, problems)
    }

    /// The groups with their limits, for the store.
    pub(crate) fn limits(&self) -> Vec<ConcurrencyGroup> {
        let limit = |group: &Arc<Group>| ConcurrencyGroup { name: group.name.clone(), limit: group.limit };
        self.groups.iter().map(limit).collect()
    }

    /// The place that an instance needs which starts with these data; `None` if its workflow is in no group.
    pub(crate) fn place_for(&self, workflow: &str, instance: Uuid, data: &Val) -> Option<PlaceRequest> {
        if self.by_workflow.is_empty() {
            return None;
        }
        let group = self.by_workflow.get(workflow)?;
        let key = group.key_of(data).unwrap_or_else(|problem| {
            tracing::warn!(
                instance_id = %instance, workflow, group = group.name, problem,
                "the instance has no key in its concurrency group, and shares the places of all that have none"
            );
            NO_KEY.to_owned()
        });
        Some(PlaceRequest { instance, group: group.name.clone(), key })
    }
}

impl Group {
    /// Reads a group; `None` if it has an error. Values of a wrong kind are reported by the check of the properties.
    fn read(properties: &Properties, name: &str, problems: &mut Vec<Diagnostic>) -> Option<Self> {
        let known = problems.len();
        let value = |setting: &Setting| {
            let value = properties.get(&property(setting, name)).map(|value| value.trim().to_owned());
            value.filter(|value| !value.is_empty())
        };
        let missing = |setting: &Setting, what: &str| {
            let key = property(setting, name);
            let message = format!("concurrency group `{name}` has no {what}: `{key}` is missing");
            let other =
                [&settings::CONCURRENCY_WORKFLOWS, &settings::CONCURRENCY_LIMIT, &settings::CONCURRENCY_KEY]
                    .map(|setting| property(setting, name));
            let set = other.iter().find(|key| properties.position(key).is_some()).unwrap_or(&key);
            properties.diagnostic_at(Severity::Error, codes::SETTING, set, message)
        };
        let workflows: Vec<String> = value(&settings::CONCURRENCY_WORKFLOWS)
            .map(|list| {
                list.split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect()
            })
            .unwrap_or_default();
        if workflows.is_empty() {
            problems.push(missing(&settings::CONCURRENCY_WORKFLOWS, "workflows"));
        }
        let limit = value(&settings::CONCURRENCY_LIMIT);
        if limit.is_none() {
            problems.push(missing(&settings::CONCURRENCY_LIMIT, "limit"));
        }
        let key = match value(&settings::CONCURRENCY_KEY) {
            None => None,
            Some(text) => match compile_property(Language::Jq, &text, &|_| None) {
                Ok(expression) => Some(expression),
                Err(error) => {
                    let key = property(&settings::CONCURRENCY_KEY, name);
                    let message = format!("`{key}` is no valid jq expression: {error}");
                    problems.push(properties.diagnostic_at(Severity::Error, codes::SETTING, &key, message));
                    None
                }
            },
        };
        let limit = limit?.parse().ok().filter(|limit| *limit > 0)?;
        (problems.len() == known).then(|| Self { name: name.to_owned(), workflows, key, limit })
    }

    fn has(&self, workflow: &str) -> bool {
        self.workflows.iter().any(|pattern| matches(pattern, workflow))
    }

    /// The key of an instance that starts with these data. The error says why it has none.
    fn key_of(&self, data: &Val) -> Result<String, String> {
        let Some(expression) = &self.key else { return Ok(NO_KEY.to_owned()) };
        let budget = Budget { steps: KEY_STEPS, stack: KEY_STACK, ..Budget::default() };
        let value = expression.eval(data, &Scope::bare(&budget)).map_err(|error| error.to_string())?;
        let of_kind = |kind: &str| Err(format!("`{}` gives {kind}", expression.source()));
        match value {
            Val::Null => of_kind("null"),
            _ if value.is_array() => of_kind("an array, or several values"),
            _ if value.is_object() => of_kind("an object"),
            value => match value.to_text() {
                text if text.is_empty() => of_kind("an empty text"),
                text if text.chars().nth(LONGEST_KEY).is_some() => {
                    of_kind(&format!("a text of more than {LONGEST_KEY} characters"))
                }
                text => Ok(text),
            },
        }
    }
}

/// The names of the groups, sorted.
fn group_names(properties: &Properties) -> BTreeSet<&str> {
    let all = [&settings::CONCURRENCY_KEY, &settings::CONCURRENCY_LIMIT, &settings::CONCURRENCY_WORKFLOWS];
    let (prefix, _) = around_name(&settings::CONCURRENCY_KEY);
    let keys = properties.keys_with_prefix(prefix).filter_map(|key| {
        let rest = key.strip_prefix(prefix)?;
        all.iter().find_map(|setting| rest.strip_suffix(around_name(setting).1))
    });
    keys.filter(|name| !name.is_empty()).collect()
}

/// The key of a setting of a group.
fn property(setting: &Setting, group: &str) -> String {
    let (prefix, suffix) = around_name(setting);
    format!("{prefix}{group}{suffix}")
}

/// What stands before and behind the name of a group in the name of a setting.
fn around_name(setting: &Setting) -> (&'static str, &'static str) {
    setting.name.split_once("<group>").unwrap_or((setting.name, ""))
}

/// Whether a text is like a pattern, in which each `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(first) else { return false };
    let starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    starts.into_iter().any(|at| text.get(at..).is_some_and(|text| matches(rest, text)))
}

#[cfg(test)]
mod tests;
