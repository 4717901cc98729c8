//! Counts what a query expands to, before the library walks it.
//!
//! A fragment may spread another one twice, which may spread the next one twice: thirty lines ask for a billion fields. The library
//! walks all of them before it looks at its own limits, and no time limit can stop what never waits. So this file walks first,
//! and stops at the bound: it never takes more steps than it allows. The same holds for variables, whose value is
//! copied to each place that names it, and for introspection, whose lists contain one another without end.

use std::collections::HashMap;

use async_graphql::{
    Pos, ServerError, Value, Variables,
    parser::types::{ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet},
};
use async_graphql_value::Value as Written;

/// Most fields, arguments and spreads that a query may expand to; a full introspection has some two hundred.
pub(super) const FIELDS: usize = 2000;

/// Most fields at the top of a query: each is a search of its own. Consoles ask for three at a time.
const ROOTS: usize = 20;

/// Most operations and fragments. Each is checked by itself, whether it is used or not.
const DEFINITIONS: usize = 200;

/// Deepest nesting, fragments included.
const DEEPEST: usize = 64;

/// Heaviest arguments: values and every 32 bytes of text count one.
const WEIGHT: usize = 200_000;

/// Most values that introspection may give, as if every list were the longest. A full one gives about half a million so.
const DESCRIBED: u64 = 3_000_000;

/// The lists of introspection, and how long they are at most in our schema.
const LISTS: [(&str, u64); 8] = [
    ("types", 90),
    ("fields", 33),
    ("args", 12),
    ("inputFields", 30),
    ("enumValues", 10),
    ("directives", 6),
    ("interfaces", 1),
    ("possibleTypes", 1),
];

/// Refuses a query that would be too much work.
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
        Walk::new(document, &weights).set(&operation.node.selection_set.node, Owner::Root)?;
    }
    for fragment in document.fragments.values() {
        Walk::new(document, &weights).set(&fragment.node.selection_set.node, Owner::Object)?;
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
    described: u64,
}

/// The type that the fields belong to.
#[derive(Clone, Copy)]
enum Owner {
    /// Of the operation itself.
    Root,
    /// Of an object.
    Object,
    /// Of a part of the schema, so many times.
    Schema(u64),
}

impl<'d> Walk<'d> {
    fn new(document: &'d ExecutableDocument, weights: &'d Weights<'d>) -> Self {
        Self { document, weights, around: Vec::new(), depth: 0, fields: 0, roots: 0, weight: 0, described: 0 }
    }

    fn set(&mut self, set: &'d SelectionSet, owner: Owner) -> Result<(), ServerError> {
        self.depth += 1;
        for selection in &set.items {
            let at = selection.pos;
            if self.depth > DEEPEST {
                return refused(format!("the query nests more than {DEEPEST} deep, fragments included"), at);
            }
            self.count(1, at)?;
            match &selection.node {
                Selection::Field(field) => self.field(&field.node, owner, at)?,
                Selection::InlineFragment(fragment) => self.set(&fragment.node.selection_set.node, owner)?,
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    if self.around.contains(&name) {
                        return refused(format!("the fragment `{name}` spreads itself"), at);
                    }
                    // One that is missing is told by the validation.
                    if let Some(fragment) = self.document.fragments.get(name) {
                        self.around.push(name);
                        self.set(&fragment.node.selection_set.node, owner)?;
                        self.around.pop();
                    }
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn field(&mut self, field: &'d Field, owner: Owner, at: Pos) -> Result<(), ServerError> {
        self.count(field.arguments.len(), at)?;
        for (_, value) in &field.arguments {
            self.weight = self.weight.saturating_add(self.written(&value.node));
            if self.weight > WEIGHT {
                let message =
                    "the arguments of the query are too large, variables counted each time they are named";
                return refused(message.to_owned(), at);
            }
        }
        let name = field.name.node.as_str();
        let below = match owner {
            Owner::Root => {
                self.roots += 1;
                if self.roots > ROOTS {
                    return refused(
                        format!("the query asks for more than {ROOTS} lists and numbers at once"),
                        at,
                    );
                }
                if name.starts_with("__") { Owner::Schema(1) } else { Owner::Object }
            }
            Owner::Object => Owner::Object,
            Owner::Schema(times) => {
                self.described = self.described.saturating_add(times);
                if self.described > DESCRIBED {
                    return refused("the query nests the lists of introspection too deep".to_owned(), at);
                }
                let length = LISTS.iter().find(|(list, _)| *list == name).map_or(1, |(_, length)| *length);
                Owner::Schema(times.saturating_mul(length))
            }
        };
        self.set(&field.selection_set.node, below)
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
mod tests;
