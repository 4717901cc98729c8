//! Reads the shapes of an operation's values from JSON schemas.
//!
//! Promises: a schema with cycles or of any depth is read in bounded stack, and all schemas of an operation in bounded memory; a schema that
//! cannot be read becomes [`Shape::Any`].

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use rondo_expression::Val;
use serde_json::{Map, Value};

use super::document::SpecDocument;
use super::operation::Format;
use super::reference::{References, Referred};
use super::shape::{Member, Members, Shape, Shapes};

/// Deepest nesting of schemas inside schemas (`allOf` and the like); deeper ones become [`Shape::Any`]. Documents have far fewer levels, and a
/// thread's stack holds far more.
const DEEPEST: usize = 48;

/// Most members in all shapes of an operation; members that `allOf` and the like copy count again. The largest operations of Kubernetes have some
/// thousand.
const MOST_MEMBERS: usize = 100_000;

/// Reads the schemas of one operation.
pub(crate) struct ShapeReader<'a> {
    references: &'a References<'a>,
    shapes: HashMap<Arc<str>, Shape>,
    waiting: Vec<Referred>,
    /// Names that wait or have waited to be read.
    queued: HashSet<Arc<str>>,
    under_way: HashSet<Arc<str>>,
    /// Members that may still be declared.
    members_left: usize,
}

impl<'a> ShapeReader<'a> {
    pub(crate) fn new(references: &'a References<'a>) -> Self {
        Self {
            references,
            shapes: HashMap::new(),
            waiting: Vec::new(),
            queued: HashSet::new(),
            under_way: HashSet::new(),
            members_left: MOST_MEMBERS,
        }
    }

    /// The shape of a schema in a document.
    pub(crate) fn read(&mut self, document: &Arc<SpecDocument>, schema: &Value) -> Shape {
        let shape = self.shape(document, schema, 0);
        while let Some(referred) = self.waiting.pop() {
            if !self.shapes.contains_key(&referred.name) {
                let schema = self.references.value(&referred);
                let shape = schema.map_or(Shape::Any, |schema| self.shape(&referred.document, &schema, 0));
                self.shapes.insert(referred.name, shape);
            }
        }
        shape
    }

    /// The named shapes to which the shapes read so far refer.
    pub(crate) fn finish(self) -> Shapes {
        Shapes(self.shapes)
    }

    fn shape(&mut self, document: &Arc<SpecDocument>, schema: &Value, depth: usize) -> Shape {
        let Some(schema) = schema.as_object() else { return Shape::Any };
        if depth > DEEPEST {
            return Shape::Any;
        }
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let Some(referred) = self.references.locate(document, reference) else { return Shape::Any };
            let name = Arc::clone(&referred.name);
            if !self.shapes.contains_key(&name) && self.queued.insert(Arc::clone(&name)) {
                self.waiting.push(referred);
            }
            return Shape::Named(name);
        }
        let own = self.own_shape(document, schema, depth);
        let combined = self.combined(document, schema, depth);
        self.merge(own, combined)
    }

    fn own_shape(
        &mut self,
        document: &Arc<SpecDocument>,
        schema: &Map<String, Value>,
        depth: usize,
    ) -> Shape {
        match type_of(schema) {
            Some("string" | "file") if is_file(schema) => Shape::Binary,
            Some("boolean") => Shape::Boolean,
            Some("integer") => Shape::Integer,
            Some("number") => Shape::Number,
            Some("string" | "file") => Shape::Text,
            Some("array") => {
                let items = schema.get("items").map_or(Shape::Any, |i| self.shape(document, i, depth + 1));
                Shape::Array(Box::new(items))
            }
            Some("object") => {
                let mut members =
                    Members { open: is_open(schema), required: required_names(schema), ..Members::default() };
                for (name, member) in
                    schema.get("properties").and_then(Value::as_object).into_iter().flatten()
                {
                    if !self.take_members(1) {
                        return Shape::Any;
                    }
                    let shape = self.shape(document, member, depth + 1);
                    let read_only = member.get("readOnly").and_then(Value::as_bool).unwrap_or(false);
                    let member = Member { shape, default: default_of(member), read_only };
                    members.declared.insert(name.clone(), member);
                }
                Shape::Object(Arc::new(members))
            }
            _ => Shape::Any,
        }
    }

    /// The shape that `allOf`, `oneOf` and `anyOf` add: an object with the members of all parts, or the one type that all have.
    fn combined(
        &mut self,
        document: &Arc<SpecDocument>,
        schema: &Map<String, Value>,
        depth: usize,
    ) -> Option<Shape> {
        let mut all: Option<Shape> = None;
        for (keyword, alternatives) in [("allOf", false), ("oneOf", true), ("anyOf", true)] {
            for part in schema.get(keyword).and_then(Value::as_array).into_iter().flatten() {
                if alternatives && part.get("type").and_then(Value::as_str) == Some("null") {
                    continue;
                }
                let part = self.flat(document, part, depth + 1);
                all = Some(match all {
                    None => part,
                    Some(before) if alternatives => self.either(before, part),
                    Some(before) => self.merge(before, Some(part)),
                });
            }
        }
        all
    }

    /// The shape of a part. Follows a reference at once, because the caller merges the members.
    fn flat(&mut self, document: &Arc<SpecDocument>, schema: &Value, depth: usize) -> Shape {
        let Some(reference) = schema.get("$ref").and_then(Value::as_str) else {
            return self.shape(document, schema, depth);
        };
        let Some(referred) = self.references.locate(document, reference) else { return Shape::Any };
        let name = Arc::clone(&referred.name);
        if let Some(known) = self.shapes.get(&name) {
            return known.clone();
        }
        if depth > DEEPEST || !self.under_way.insert(Arc::clone(&name)) {
            return Shape::Any;
        }
        let schema = self.references.value(&referred);
        let shape = schema.map_or(Shape::Any, |schema| self.flat(&referred.document, &schema, depth + 1));
        self.under_way.remove(&name);
        self.shapes.insert(name, shape.clone());
        shape
    }

    /// The shape of a value to which both apply: an object with the members of both, else the more specific one.
    fn merge(&mut self, one: Shape, other: Option<Shape>) -> Shape {
        match (one, other) {
            (one, None | Some(Shape::Any)) => one,
            (Shape::Any, Some(other)) => other,
            (Shape::Object(a), Some(Shape::Object(b))) => {
                let required = a.required.union(&b.required).cloned().collect();
                self.union(a, &b, required)
            }
            (one, Some(_)) => one,
        }
    }

    /// The shape of a value to which one of both applies: an object with the members of both, else [`Shape::Any`] unless they are equal.
    fn either(&mut self, one: Shape, other: Shape) -> Shape {
        match (one, other) {
            (Shape::Object(a), Shape::Object(b)) => {
                let required = a.required.intersection(&b.required).cloned().collect();
                self.union(a, &b, required)
            }
            (Shape::Integer | Shape::Number, Shape::Integer | Shape::Number) => Shape::Number,
            (Shape::Text, Shape::Binary) | (Shape::Binary, Shape::Text) => Shape::Text,
            (one, other) if one == other => one,
            _ => Shape::Any,
        }
    }

    fn union(&mut self, a: Arc<Members>, b: &Members, required: BTreeSet<String>) -> Shape {
        let copied = if Arc::strong_count(&a) > 1 { a.declared.len() } else { 0 };
        if !self.take_members(copied + b.declared.len()) {
            return Shape::Any;
        }
        let mut members = Arc::unwrap_or_clone(a);
        members.open |= b.open;
        members.required = required;
        for (name, member) in &b.declared {
            members.declared.entry(name.clone()).or_insert_with(|| member.clone());
        }
        Shape::Object(Arc::new(members))
    }

    /// Counts members that are declared or copied; `false` if there are too many.
    fn take_members(&mut self, count: usize) -> bool {
        let left = self.members_left.checked_sub(count);
        if left.is_none() {
            self.references.report(format!(
                "its schemas have more than {MOST_MEMBERS} members together; the others may be anything"
            ));
        }
        self.members_left = left.unwrap_or_default();
        left.is_some()
    }
}

/// Whether an object may have undeclared members. If its schema does not say so it may not, as on `SonataFlow`.
fn is_open(schema: &Map<String, Value>) -> bool {
    let allows = |keyword: &str| matches!(schema.get(keyword), Some(Value::Bool(true) | Value::Object(_)));
    allows("additionalProperties")
        || allows("unevaluatedProperties")
        || schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true))
        || ["discriminator", "patternProperties"].iter().any(|keyword| schema.contains_key(*keyword))
}

fn required_names(schema: &Map<String, Value>) -> BTreeSet<String> {
    let names = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    names.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Whether a string is the content of a file: `format: binary`, `type: file` of 2.0, and their equivalent in 3.1.
fn is_file(schema: &Map<String, Value>) -> bool {
    let text = |keyword: &str| schema.get(keyword).and_then(Value::as_str);
    let is_bytes = |media_type: &str| Format::of(media_type) == Some(Format::Bytes);
    text("format") == Some("binary")
        || text("type") == Some("file")
        || (text("contentMediaType").is_some_and(is_bytes) && !schema.contains_key("contentEncoding"))
}

/// The declared default, if the other keywords allow it. [`Shapes::allow`] checks its type.
pub(crate) fn default_of(schema: &Value) -> Option<Val> {
    let default = schema.get("default").filter(|value| !value.is_null())?;
    let is_listed = schema.get("enum").and_then(Value::as_array).is_none_or(|all| all.contains(default));
    let is_constant = schema.get("const").is_none_or(|only| only == default);
    let bound = |keyword: &str| schema.get(keyword).and_then(Value::as_f64);
    let is_within = |size: f64, least: &str, most: &str| {
        bound(least).is_none_or(|least| size >= least) && bound(most).is_none_or(|most| size <= most)
    };
    #[allow(clippy::cast_precision_loss, reason = "no default is so long")]
    let has_size = match default {
        Value::Number(number) => is_within(number.as_f64().unwrap_or_default(), "minimum", "maximum"),
        Value::String(text) => is_within(text.chars().count() as f64, "minLength", "maxLength"),
        _ => true,
    };
    (is_listed && is_constant && has_size).then(|| Val::from(default.clone()))
}

/// `type`, also of 3.1 where it may be a list; without one, what other keywords imply.
fn type_of(schema: &Map<String, Value>) -> Option<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => Some(name),
        Some(Value::Array(names)) => {
            let mut names = names.iter().filter_map(Value::as_str).filter(|name| *name != "null");
            let first = names.next();
            if names.next().is_some() { None } else { first }
        }
        _ if schema.contains_key("properties") => Some("object"),
        _ if schema.contains_key("items") => Some("array"),
        _ if schema.contains_key("contentMediaType") => Some("string"),
        _ => None,
    }
}
