//! Collects the calls of actions as their author wrote them, for the check against the operations of their functions.

use rondo_definition::{
    Pointer,
    model::{Action, ActionKind, At, FunctionKind, StateKind, Workflow},
};
use rondo_expression::strip;
use rondo_program::{CallSite, WrittenArgument, WrittenArguments, WrittenResult};
use serde_json::{Map, Value};

use crate::{
    Lowering,
    functions::{log_level, normalize_arguments},
};

impl Lowering<'_> {
    /// Adds the call of an action, if it is one of a function that calls a service. `place` names the action in messages; `merges_result`:
    /// whether a result goes to the top of the data where no `toStateData` says another place.
    pub(super) fn add_call_site(&mut self, action: &Action, place: String, merges_result: bool) {
        let ActionKind::Function(reference) = &action.kind else { return };
        let Some(function) = self.context.document.workflow.functions.get(&reference.name.value) else {
            return;
        };
        if function.kind == FunctionKind::Expression || log_level(function).is_some() {
            return;
        }
        let filter = &action.filter;
        let is_used = filter.use_results && !reference.invoke_async;
        let result = filter.results.as_ref().filter(|_| is_used).and_then(|results| {
            let path = plain_path(strip(&results.value))?;
            let is_top = merges_result && filter.to_state_data.is_none();
            let is_read_in_data = is_top && path.first().is_some_and(|name| self.is_only_read(name));
            Some(WrittenResult { path, at: results.at.clone(), is_read_in_data })
        });
        self.calls.push(CallSite {
            function: function.name.clone(),
            place,
            at: reference.name.at.clone(),
            arguments: written_arguments(reference.arguments.as_ref()),
            result,
        });
    }

    /// Whether the text of the document reads a member of the data, and does not mention it where it could get its value.
    fn is_only_read(&self, name: &str) -> bool {
        let document = self.context.document;
        let text = document.source.text();
        let workflow = &document.workflow;
        let places = workflow.states.iter().flat_map(actions).map(|action| &action.filter);
        let (mut in_results, mut is_target) = (0, false);
        for filter in places {
            in_results += filter.results.as_ref().map_or(0, |text| reads(&text.value, name));
            is_target |= filter.to_state_data.as_ref().is_some_and(|text| reads(&text.value, name) > 0);
        }
        !is_target
            && !assigns(text, name)
            && !is_event_target(workflow, name)
            && reads(text, name) > in_results
    }
}

/// The actions of a state.
fn actions(state: &rondo_definition::model::State) -> Vec<&Action> {
    match &state.kind {
        StateKind::Operation { actions, .. } => actions.iter().collect(),
        StateKind::Parallel { branches, .. } => branches.iter().flat_map(|branch| &branch.actions).collect(),
        StateKind::ForEach(each) => each.actions.iter().collect(),
        StateKind::Callback(callback) => callback.action.as_deref().into_iter().collect(),
        StateKind::Event(event) => event.on_events.iter().flat_map(|group| &group.actions).collect(),
        StateKind::Inject { .. } | StateKind::Sleep { .. } | StateKind::Switch(_) => Vec::new(),
    }
}

/// Whether the data of an event go to this member of the data.
fn is_event_target(workflow: &Workflow, name: &str) -> bool {
    workflow.states.iter().any(|state| {
        let filters = match &state.kind {
            StateKind::Callback(callback) => vec![&callback.filter],
            StateKind::Event(event) => event.on_events.iter().map(|group| &group.filter).collect(),
            _ => Vec::new(),
        };
        let mut targets = filters.into_iter().filter_map(|filter| filter.to_state_data.as_ref());
        targets.any(|target| reads(&target.value, name) > 0)
    })
}

/// The names of a path such as `.a.b`, or `$.a.b` of `JSONPath`; `None` for another expression.
fn plain_path(text: &str) -> Option<Vec<String>> {
    let path = text.strip_prefix('$').unwrap_or(text).strip_prefix('.')?;
    let is_name = |name: &&str| {
        !name.starts_with(|first: char| first.is_ascii_digit())
            && !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    let names: Vec<&str> = path.split('.').map(|name| name.strip_suffix('?').unwrap_or(name)).collect();
    names.iter().all(is_name).then(|| names.into_iter().map(str::to_owned).collect())
}

/// How often a text reads the member at the top of the data: `.name`, but not `.other.name`.
fn reads(text: &str, name: &str) -> usize {
    let path = format!(".{name}");
    let found = text.match_indices(&path).filter(|(at, _)| {
        let before = text.get(..*at).and_then(|before| before.chars().next_back());
        let after = text.get(at + path.len()..).and_then(|after| after.chars().next());
        !before.is_some_and(|c| is_word(c) || matches!(c, ')' | ']' | '}' | '"' | '?' | '/' | '-'))
            && !after.is_some_and(is_word)
    });
    found.count()
}

/// Whether a text mentions the name as one that gets a value: `name:`, `"name":`, `{name}`, `.name =`.
fn assigns(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let rest = text.get(at + name.len()..).unwrap_or_default();
        if before.is_some_and(is_word) || rest.starts_with(is_word) {
            return false;
        }
        let rest = rest.trim_start_matches(['"', '\'']).trim_start_matches([' ', '\\']);
        let is_shorthand = matches!(before, Some('{' | ',' | ' ')) && rest.starts_with([',', '}']);
        let is_assigned = before == Some('.')
            && !rest.starts_with("==")
            && ["=", "|=", "+=", "//="].iter().any(|operator| rest.starts_with(operator));
        rest.starts_with(':') || is_shorthand || is_assigned
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn written_arguments(given: Option<&At<Value>>) -> WrittenArguments {
    let Some(given) = given else { return WrittenArguments::None };
    match normalize_arguments(&given.value) {
        Value::Object(members) => {
            WrittenArguments::Named { at: given.at.clone(), arguments: written_members(&members, &given.at) }
        }
        Value::Null => WrittenArguments::None,
        _ => WrittenArguments::Computed,
    }
}

fn written_members(members: &Map<String, Value>, at: &Pointer) -> Vec<WrittenArgument> {
    let given = members.iter().filter(|(_, value)| !value.is_null());
    let written = given.map(|(name, value)| {
        let at = at.key(name);
        let members = value.as_object().map(|members| written_members(members, &at));
        WrittenArgument { name: name.clone(), at, members }
    });
    written.collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    #[test]
    fn only_names_with_dots_between_are_a_path() {
        for (text, expected) in [
            (".a", Some("a")),
            ("$.a.b_1", Some("a/b_1")),
            (".a?.b", Some("a/b")),
            (".", None),
            (".a[0]", None),
            (".a | .b", None),
            ("{a: .b}", None),
            (".a-b", None),
        ] {
            assert_eq!(plain_path(text).map(|path| path.join("/")).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn what_reads_a_member_is_told_from_what_sets_it() {
        for (text, read, set) in [
            ("condition: .pet.name == 1", 1, false),
            ("${.pet} and .pets", 1, false),
            (".other.pet", 0, false),
            (".list[0].pet", 0, false),
            ("data:\n  pet: 1", 0, true),
            ("{\"pet\": .x}", 0, true),
            ("operation: '.pet = 3'", 1, true),
            ("operation: '.pet == 3'", 1, false),
            ("operation: '{pet, x: 1}'", 0, true),
            ("name: carpet: 1", 0, false),
        ] {
            assert_eq!((reads(text, "pet"), assigns(text, "pet")), (read, set), "{text}");
        }
    }
}
