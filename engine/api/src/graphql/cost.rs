//! What a question expands to, counted before anything walks it.
//!
//! A fragment may spread another one twice, which may spread the next one twice: thirty lines ask for a billion fields. The library
//! walks all of them before it looks at its own limits, and no time limit can stop what never waits. So this file walks first,
//! and turns back at the bound: it never takes more steps than it allows. The same goes for variables, whose value is
//! copied for each place that names it.

use std::collections::HashMap;

use async_graphql::{
    Pos, ServerError, Value, Variables,
    parser::types::{ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet},
};
use async_graphql_value::Value as Written;

/// Most fields, arguments and spreads that a question may expand to; a full introspection has some two hundred.
pub(super) const FIELDS: usize = 2000;

/// Most fields of the query itself: each is a search of its own. Consoles ask for three at a time.
const ROOTS: usize = 20;

/// Most operations and fragments. Each is checked by itself, whether it is used or not.
const DEFINITIONS: usize = 200;

/// Deepest nesting, fragments included.
const DEEPEST: usize = 64;

/// Heaviest arguments: values and every 32 bytes of text count one. A list of 60,000 ids of instances may still be asked for.
const WEIGHT: usize = 200_000;

/// Refuses a question that would be too much work.
pub(super) fn check(document: &ExecutableDocument, variables: &Variables) -> Result<(), ServerError> {
    let definitions = document.operations.iter().count().saturating_add(document.fragments.len());
    if definitions > DEFINITIONS {
        let message = format!(
            "the query has {definitions} operations and fragments, more than the {DEFINITIONS} that are allowed"
        );
        return Err(ServerError::new(message, None));
    }
    // Every operation and fragment has the bounds for itself.
    let weights = variables.iter().map(|(name, value)| (name.as_str(), given(value))).collect();
    for (_, operation) in document.operations.iter() {
        let weights = with_defaults(&weights, &operation.node);
        Walk::new(document, &weights).set(&operation.node.selection_set.node, true)?;
    }
    for fragment in document.fragments.values() {
        Walk::new(document, &weights).set(&fragment.node.selection_set.node, false)?;
    }
    Ok(())
}

/// Weights of variables by name.
type Weights<'d> = HashMap<&'d str, usize>;

/// A variable that is not given has its default.
fn with_defaults<'d>(given_ones: &Weights<'d>, operation: &'d OperationDefinition) -> Weights<'d> {
    let definitions = operation.variable_definitions.iter().map(|definition| &definition.node);
    let defaults = definitions.filter_map(|definition| {
        let default = definition.default_value.as_ref()?;
        Some((definition.name.node.as_str(), given(&default.node)))
    });
    defaults.chain(given_ones.iter().map(|(name, weight)| (*name, *weight))).collect()
}

struct Walk<'d> {
    document: &'d ExecutableDocument,
    weights: &'d Weights<'d>,
    /// Fragments that are open around the place, outermost first.
    around: Vec<&'d str>,
    depth: usize,
    fields: usize,
    roots: usize,
    weight: usize,
}

impl<'d> Walk<'d> {
    fn new(document: &'d ExecutableDocument, weights: &'d Weights<'d>) -> Self {
        Self { document, weights, around: Vec::new(), depth: 0, fields: 0, roots: 0, weight: 0 }
    }

    /// `root`: whether its fields are those of the query itself.
    fn set(&mut self, set: &'d SelectionSet, root: bool) -> Result<(), ServerError> {
        self.depth += 1;
        for selection in &set.items {
            let at = selection.pos;
            if self.depth > DEEPEST {
                return refused(format!("the query nests more than {DEEPEST} deep, fragments included"), at);
            }
            self.count(1, at)?;
            match &selection.node {
                Selection::Field(field) => self.field(&field.node, root, at)?,
                Selection::InlineFragment(fragment) => self.set(&fragment.node.selection_set.node, root)?,
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    if self.around.contains(&name) {
                        return refused(format!("the fragment `{name}` spreads itself"), at);
                    }
                    // One that is missing is told by the validation.
                    if let Some(fragment) = self.document.fragments.get(name) {
                        self.around.push(name);
                        self.set(&fragment.node.selection_set.node, root)?;
                        self.around.pop();
                    }
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn field(&mut self, field: &'d Field, root: bool, at: Pos) -> Result<(), ServerError> {
        self.count(field.arguments.len(), at)?;
        if root {
            self.roots += 1;
            if self.roots > ROOTS {
                return refused(
                    format!("the query asks for more than {ROOTS} lists and numbers at once"),
                    at,
                );
            }
        }
        for (_, value) in &field.arguments {
            self.weight = self.weight.saturating_add(self.written(&value.node));
            if self.weight > WEIGHT {
                let message =
                    "the arguments of the query are too large, variables counted each time they are named";
                return refused(message.to_owned(), at);
            }
        }
        self.set(&field.selection_set.node, false)
    }

    fn count(&mut self, fields: usize, at: Pos) -> Result<(), ServerError> {
        self.fields = self.fields.saturating_add(fields);
        if self.fields > FIELDS {
            let message = format!(
                "the query asks for more than {FIELDS} fields, those of fragments counted each time they are spread"
            );
            return refused(message, at);
        }
        Ok(())
    }

    /// The weight of an argument as it is written. Brackets nest at most as deep as the parser lets them.
    fn written(&self, value: &Written) -> usize {
        match value {
            Written::Variable(name) => self.weights.get(name.as_str()).copied().unwrap_or(1),
            Written::List(items) => sum(items.iter().map(|item| self.written(item))),
            Written::Object(members) => {
                sum(members.iter().map(|(key, value)| text(key).saturating_add(self.written(value))))
            }
            Written::String(value) => text(value),
            _ => 1,
        }
    }
}

/// The weight of a variable's value.
fn given(value: &Value) -> usize {
    match value {
        Value::List(items) => sum(items.iter().map(given)),
        Value::Object(members) => {
            sum(members.iter().map(|(key, value)| text(key).saturating_add(given(value))))
        }
        Value::String(value) => text(value),
        _ => 1,
    }
}

fn text(text: &str) -> usize {
    1 + text.len() / 32
}

fn sum(weights: impl Iterator<Item = usize>) -> usize {
    weights.fold(1, usize::saturating_add)
}

fn refused(message: String, at: Pos) -> Result<(), ServerError> {
    Err(ServerError::new(message, Some(at)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_graphql::parser::parse_query;
    use serde_json::json;

    fn told(question: &str, variables: serde_json::Value) -> Result<(), String> {
        let document = parse_query(question).unwrap();
        check(&document, &Variables::from_json(variables)).map_err(|error| error.message)
    }

    /// `f0` spreads `f1` as often as told, and so on; the last one has a field.
    fn chain(length: usize, times: usize) -> String {
        let fragments = (0..length).map(|number| {
            let spread = format!("...f{} ", number + 1);
            format!("fragment f{number} on ProcessInstance {{ {} }}\n", spread.repeat(times))
        });
        let last = format!("fragment f{length} on ProcessInstance {{ id }}");
        format!("{{ ProcessInstances {{ ...f0 }} }}\n{}{last}", fragments.collect::<String>())
    }

    #[test]
    fn what_expands_without_measure_is_refused_before_it_is_walked() {
        let fields = |count: usize| format!("{{ ProcessInstances {{ {} }} }}", "id ".repeat(count));
        let roots = |count: usize| (0..count).map(|n| format!("a{n}: CountJobs ")).collect::<String>();
        let large = json!({"v": vec![1; 100_000]});
        for (question, variables, problem) in [
            (chain(30, 2), json!({}), Some("more than 2000 fields")),
            (chain(100, 1), json!({}), Some("more than 64 deep, fragments included")),
            (chain(20, 1), json!({}), None),
            ("{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }".into(), json!({}), Some("spreads itself")),
            // Fragments that nobody spreads are walked by the validation all the same.
            (chain(30, 2).replace("{ ...f0 }", "{ id }"), json!({}), Some("more than 2000 fields")),
            (fields(1900), json!({}), None),
            (fields(2000), json!({}), Some("more than 2000 fields")),
            (format!("{{ CountJobs({}) }}", "a:1 ".repeat(2000)), json!({}), Some("more than 2000 fields")),
            (format!("{{ {} }}", roots(20)), json!({}), None),
            (format!("{{ {} }}", roots(21)), json!({}), Some("more than 20 lists")),
            (format!("{{ ...a ... {{ {} }} }} fragment a on Query {{ b: CountJobs }}", roots(20)), json!({}), Some("more than 20 lists")),
                        ((0..201).map(|n| format!("query q{n} {{ CountJobs }}")).collect(), json!({}), Some("201 operations")),
            ("query($v: JSON) { CountJobs(where: [$v]) }".into(), large.clone(), None),
            ("query($v: JSON) { CountJobs(where: [$v, $v]) }".into(), large.clone(), Some("too large")),
            ("query($v: JSON) { a: CountJobs(where: $v) ...f } fragment f on Query { b: CountJobs(where: $v) }".into(), large, Some("too large")),
            (
                format!("query($v: JSON = [{}]) {{ CountJobs(where: [{}]) }}", "1,".repeat(1000), "$v,".repeat(300)),
                json!({}),
                Some("too large"),
            ),
        ] {
            let told = told(&question, variables);
            let start: String = question.chars().take(80).collect();
            match problem {
                None => assert_eq!(told, Ok(()), "{start}"),
                Some(problem) => assert!(told.as_ref().is_err_and(|error| error.contains(problem)), "{start}: {told:?}"),
            }
        }
    }
}
