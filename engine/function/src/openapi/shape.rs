//! The form that a JSON schema of an `OpenAPI` document declares for a value.
//!
//! Owns: [`Shape`], made once when a definition is loaded. Promises: a form that a schema leaves open is [`Shape::Any`]. Never: validates what is
//! sent; the service checks enums, patterns and bounds.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use indexmap::IndexMap;
use rondo_expression::Val;

/// The form of a value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    Any,
    Boolean,
    Integer,
    Number,
    Text,
    /// A text that is the content of a file (`format: binary`).
    Binary,
    Array(Box<Shape>),
    /// The declared members; without any, an object of any members.
    Object(Arc<Members>),
    /// A schema by its absolute reference, found in [`Shapes`].
    Named(Arc<str>),
}

/// Members that an object declares.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Members {
    pub(crate) declared: IndexMap<String, Member>,
    /// Whether the schema allows `additionalProperties` explicitly, or a `discriminator` decides about the members.
    pub(crate) open: bool,
    /// Names of required members.
    pub(crate) required: BTreeSet<String>,
}

/// A declared member.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    pub(crate) shape: Shape,
    pub(crate) default: Option<Val>,
    /// Whether it occurs in answers only.
    pub(crate) read_only: bool,
}

/// The shapes that others refer to by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Shapes(pub(super) HashMap<Arc<str>, Shape>);

/// Longest chain of references; a longer one is a cycle.
const LONGEST_CHAIN: usize = 32;

impl Shapes {
    /// Follows names to a shape that is not a name.
    pub(crate) fn resolve<'a>(&'a self, shape: &'a Shape) -> &'a Shape {
        let mut shape = shape;
        for _ in 0..LONGEST_CHAIN {
            match shape {
                Shape::Named(name) => match self.0.get(name) {
                    Some(target) => shape = target,
                    None => return &Shape::Any,
                },
                _ => return shape,
            }
        }
        &Shape::Any
    }

    /// Whether a value has a shape without conversion, including the required members.
    pub(crate) fn allow(&self, value: &Val, shape: &Shape) -> bool {
        match self.resolve(shape) {
            Shape::Any | Shape::Named(_) => true,
            Shape::Boolean => matches!(value, Val::Bool(_)),
            Shape::Integer => matches!(value, Val::Large(_)) || value.as_i64().is_some(),
            Shape::Number => value.as_number().is_some(),
            Shape::Text | Shape::Binary => value.as_str().is_some(),
            Shape::Array(items) => {
                value.is_array() && value.elements().iter().all(|element| self.allow(element, items))
            }
            Shape::Object(members) => {
                let allows = |(name, value): (&str, &Val)| {
                    members.declared.get(name).is_none_or(|member| self.allow(value, &member.shape))
                };
                value.is_object()
                    && members.required.iter().all(|name| value.get(name).is_some())
                    && value.members().into_iter().all(allows)
            }
        }
    }

    /// The default of a member, unless the member cannot have this value. Documents of Kubernetes give a string the default `{}`.
    pub(crate) fn default_of<'a>(&self, member: &'a Member) -> Option<&'a Val> {
        member.default.as_ref().filter(|default| self.allow(default, &member.shape))
    }
}
