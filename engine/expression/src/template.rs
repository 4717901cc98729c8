//! A JSON tree with expressions in it: arguments of functions, data of events, log messages.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    EvalError, Expression, Language, Scope,
    text::{self, Meaning},
    value::Val,
};

/// A compiled tree.
#[derive(Debug, Clone)]
pub struct Template(Node);

#[derive(Debug, Clone)]
enum Node {
    Literal(Val),
    /// An expression, and what is said where it fails.
    Expression(Expression, Val),
    Array(Vec<Node>),
    Object(Vec<(Arc<str>, Node)>),
}

impl Template {
    /// Compiles a tree: each text in it is an expression or text, by the one rule for both. One that is an object's JSON is
    /// that object, with what its texts mean, as on SonataFlow; not so if it is all there is.
    pub fn compile(language: Language, value: &Value, functions: &dyn Fn(&str) -> Option<String>) -> Self {
        let reader = Reader { language, functions };
        Self(match value {
            Value::String(text) => reader.text(text, true),
            value => reader.node(value, true),
        })
    }

    /// The tree with the values of its expressions. One that fails gives its text, as on SonataFlow.
    pub fn eval(&self, data: &Val, scope: &Scope<'_>) -> Val {
        fill(&self.0, &mut |expression, text| {
            Ok::<_, EvalError>(match expression.eval(data, scope) {
                // What JSON cannot say is no result.
                Ok(Val::Float(number)) if !number.is_finite() => text.clone(),
                Ok(value) => value,
                Err(_) => text.clone(),
            })
        })
        .unwrap_or_default()
    }

    /// The tree with the values of its expressions. One that fails is an error.
    pub fn eval_strict(&self, data: &Val, scope: &Scope<'_>) -> Result<Val, EvalError> {
        fill(&self.0, &mut |expression, _| expression.eval(data, scope))
    }

    /// Whether some expression in it mentions `.name` or `$name`.
    pub fn reads(&self, name: &str) -> bool {
        reads(&self.0, name)
    }
}

struct Reader<'a> {
    language: Language,
    functions: &'a dyn Fn(&str) -> Option<String>,
}

impl Reader<'_> {
    /// A part of a tree. Only its own texts can be JSON, not those of an object that was read from a text.
    fn node(&self, value: &Value, reads_json: bool) -> Node {
        match value {
            Value::String(text) => match text::json_object(text).filter(|_| reads_json) {
                Some(object) => self.node(&object, false),
                None => self.text(text, false),
            },
            Value::Array(items) => {
                Node::Array(items.iter().map(|item| self.node(item, reads_json)).collect())
            }
            Value::Object(members) => {
                let members = members.iter();
                Node::Object(
                    members
                        .map(|(name, value)| (name.as_str().into(), self.node(value, reads_json)))
                        .collect(),
                )
            }
            other => Node::Literal(other.clone().into()),
        }
    }

    fn text(&self, text: &str, allows_words: bool) -> Node {
        match text::meaning(self.language, text, self.functions, allows_words) {
            Meaning::Expression(expression, text) => Node::Expression(expression, text),
            Meaning::Text(text) => Node::Literal(text),
        }
    }
}

fn fill<E>(node: &Node, eval: &mut dyn FnMut(&Expression, &Val) -> Result<Val, E>) -> Result<Val, E> {
    Ok(match node {
        Node::Literal(value) => value.clone(),
        Node::Expression(expression, text) => eval(expression, text)?,
        Node::Array(items) => {
            Val::array(items.iter().map(|item| fill(item, eval)).collect::<Result<Vec<_>, _>>()?)
        }
        Node::Object(members) => {
            let members = members.iter().map(|(name, node)| Ok((Arc::clone(name), fill(node, eval)?)));
            Val::object(members.collect::<Result<Vec<_>, _>>()?)
        }
    })
}

fn reads(node: &Node, name: &str) -> bool {
    match node {
        Node::Literal(_) => false,
        Node::Expression(expression, _) => expression.reads(name),
        Node::Array(items) => items.iter().any(|item| reads(item, name)),
        Node::Object(members) => members.iter().any(|(_, node)| reads(node, name)),
    }
}
