//! A JSON tree with expressions in it: arguments of functions, data of events, log messages.

use serde_json::{Map, Value};

use crate::{
    CompileError, EvalError, Expression, Language, Scope, compile_property,
    text::{self, Meaning},
    value::{Size, Text, Val},
};

/// A compiled tree.
#[derive(Debug, Clone)]
pub struct Template(Node);

#[derive(Debug, Clone)]
enum Node {
    Literal(Val),
    /// An expression, and the text to use where it fails.
    Expression(Expression, Val),
    Array(Vec<Node>),
    Object(Vec<(Text, Node)>),
    /// Text with expressions in it. One that fails stays as it is written.
    Mixed(Vec<Node>),
}

impl Template {
    /// Compiles a tree: each text in it is an expression or text, by the one rule for both. One that is an object's JSON is
    /// that object, with what its texts mean, as on SonataFlow; not so if it is all there is, as in a message.
    pub fn compile(language: Language, value: &Value, functions: &dyn Fn(&str) -> Option<String>) -> Self {
        Self::read(&Reader { language, functions, mixes: false }, value)
    }

    /// Compiles a tree by the rules of the specification: only `${ … }` is an expression, also within a longer text, and any other text stays
    /// as it is.
    pub fn compile_mixed(
        language: Language,
        value: &Value,
        functions: &dyn Fn(&str) -> Option<String>,
    ) -> Self {
        Self::read(&Reader { language, functions, mixes: true }, value)
    }

    fn read(reader: &Reader<'_>, value: &Value) -> Self {
        Self(match value {
            Value::Object(members) => reader.object(members, Place::Member),
            Value::String(_) => reader.node(value, Place::Message),
            value => reader.node(value, Place::Deeper),
        })
    }

    /// The tree, which is an object or null, with one more member: a text in some other language with `${ … }` in it, such as a GraphQL
    /// selection set. The value of the member is an array in which texts and values take turns, beginning with a text; a value whose
    /// expression fails is null. The caller knows how a value is written in that language.
    ///
    /// # Errors
    /// Says what is wrong with one of the expressions; the range is one of `text`.
    pub fn with_pieces(
        self,
        name: &str,
        text: &str,
        language: Language,
        functions: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, CompileError> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("${") {
            let start = behind.as_ptr().addr() - text.as_ptr().addr();
            let (inside, after) = behind.split_at(closing_brace(behind));
            let expression = compile_property(language, inside, functions).map_err(|error| {
                let range = error.range.map(|range| range.start + start..range.end + start);
                CompileError { range, ..error }
            })?;
            pieces.push(Node::Literal(Val::text(before)));
            pieces.push(Node::Expression(expression, Val::Null));
            rest = after.strip_prefix('}').unwrap_or(after);
        }
        pieces.push(Node::Literal(Val::text(rest)));
        let mut members = match self.0 {
            Node::Object(members) => members,
            _ => Vec::new(),
        };
        members.push((name.into(), Node::Array(pieces)));
        Ok(Self(Node::Object(members)))
    }

    /// The tree with the values of its expressions. One that fails gives its text, as on SonataFlow; so does one with whose value those of
    /// all would exceed the budget.
    pub fn eval(&self, data: &Val, scope: &Scope<'_>) -> Val {
        let mut total = Size::default();
        fill(&self.0, &mut |expression, text| {
            Ok::<_, EvalError>(match added(expression, data, scope, &mut total) {
                // JSON has no infinity and no `nan`.
                Ok(Val::Float(number)) if !number.is_finite() => text.clone(),
                Ok(value) => value,
                Err(_) => text.clone(),
            })
        })
        .unwrap_or_default()
    }

    /// The tree with the values of its expressions. One that fails is an error, and so are more values than the budget allows one.
    pub fn eval_strict(&self, data: &Val, scope: &Scope<'_>) -> Result<Val, EvalError> {
        let mut total = Size::default();
        fill(&self.0, &mut |expression, _| added(expression, data, scope, &mut total))
    }

    /// The tree with the texts of its expressions, as `${ … }`: what it was compiled from, but for notation.
    pub fn source(&self) -> Val {
        let written = |expression: &Expression, _: &Val| {
            Ok::<_, EvalError>(Val::text(format!("${{ {} }}", expression.source())))
        };
        fill(&self.0, &mut { written }).unwrap_or_default()
    }

    /// Whether some expression in it mentions `.name` or `$name`.
    pub fn reads(&self, name: &str) -> bool {
        reads(&self.0, name)
    }
}

/// Where in a tree a text stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// It is the whole tree.
    Message,
    /// It is the value of a member at the top.
    Member,
    Deeper,
    /// In an object that was read from a text.
    Json,
}

struct Reader<'a> {
    language: Language,
    functions: &'a dyn Fn(&str) -> Option<String>,
    /// Whether the rules of the specification hold: only `${ … }` is an expression, also within a longer text.
    mixes: bool,
}

impl Reader<'_> {
    fn node(&self, value: &Value, place: Place) -> Node {
        match value {
            Value::String(text) => self.text(text, place),
            Value::Array(items) => {
                let place = if place == Place::Json { place } else { Place::Deeper };
                Node::Array(items.iter().map(|item| self.node(item, place)).collect())
            }
            Value::Object(members) => {
                self.object(members, if place == Place::Json { place } else { Place::Deeper })
            }
            other => Node::Literal(other.clone().into()),
        }
    }

    fn object(&self, members: &Map<String, Value>, place: Place) -> Node {
        let members = members.iter();
        Node::Object(members.map(|(name, value)| (name.as_str().into(), self.node(value, place))).collect())
    }

    fn text(&self, text: &str, place: Place) -> Node {
        if self.mixes {
            return self.specified(text);
        }
        let meaning = text::meaning(self.language, text, self.functions, place == Place::Message);
        let reads_json = match place {
            Place::Message | Place::Json => false,
            Place::Deeper => true,
            // SonataFlow reads what could be an expression. Jayway takes for a path what has no blank.
            Place::Member => match self.language {
                Language::Jq => matches!(meaning, Meaning::Expression(..)),
                Language::JsonPath => !text::strip(text).contains(' '),
            },
        };
        if let Some(object) = reads_json.then(|| text::json_object(text)).flatten() {
            return self.node(&object, Place::Json);
        }
        // A text in JSON keeps its blanks and marks.
        let as_it_stands = (place == Place::Json).then(|| Val::text(text));
        match meaning {
            Meaning::Expression(expression, text) => {
                Node::Expression(expression, as_it_stands.unwrap_or(text))
            }
            Meaning::Text(stripped) => Node::Literal(as_it_stands.unwrap_or(stripped)),
        }
    }

    /// A text by the rules of the specification: an expression as a whole, with expressions in it, or neither.
    fn specified(&self, text: &str) -> Node {
        let inside = text.trim().strip_prefix("${").and_then(|inside| inside.strip_suffix('}'));
        let is_whole = inside.is_some_and(|inside| closing_brace(inside) == inside.len());
        let whole =
            is_whole.then(|| compile_property(self.language, text.trim(), self.functions).ok()).flatten();
        match whole {
            Some(expression) => Node::Expression(expression, Val::text(text)),
            None => self.mixed(text).unwrap_or_else(|| Node::Literal(Val::text(text))),
        }
    }

    /// A text with `${ … }` in it (spec-0.8, "Workflow Expressions"); `None` if it is only text.
    ///
    /// What stands there must be an expression that reads something: `${5}` and `${HOME}` are text, as on SonataFlow.
    fn mixed(&self, text: &str) -> Option<Node> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("${") {
            literal.push_str(before);
            let (inside, after) = behind.split_at(closing_brace(behind));
            let Some((expression, after)) = self.reading_expression(inside).zip(after.strip_prefix('}'))
            else {
                literal.push_str("${");
                rest = behind;
                continue;
            };
            pieces.push(Node::Literal(Val::text(std::mem::take(&mut literal))));
            pieces.push(Node::Expression(expression, Val::text(format!("${{{inside}}}"))));
            rest = after;
        }
        if pieces.is_empty() {
            return None;
        }
        literal.push_str(rest);
        pieces.push(Node::Literal(Val::text(literal)));
        Some(Node::Mixed(pieces))
    }

    /// The expression, if it is one that reads data, a variable or a function.
    fn reading_expression(&self, text: &str) -> Option<Expression> {
        let reads = text.contains(['.', '$']) || text.contains("fn:");
        let is_constant = serde_json::from_str::<Value>(text).is_ok();
        (reads && !is_constant).then(|| compile_property(self.language, text, self.functions).ok()).flatten()
    }
}

/// The insides of the `${ … }` in a text that are expressions which read something. By the specification their values stand in the text
/// ([`Template::compile_mixed`]); on SonataFlow, and in data that are not evaluated, they stay as they are.
pub fn embedded_expressions<'t>(
    language: Language,
    text: &'t str,
    functions: &dyn Fn(&str) -> Option<String>,
) -> Vec<&'t str> {
    let reader = Reader { language, functions, mixes: true };
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once("${") {
        let (inside, after) = behind.split_at(closing_brace(behind));
        match after.strip_prefix('}').filter(|_| reader.reading_expression(inside).is_some()) {
            Some(after) => {
                found.push(inside);
                rest = after;
            }
            None => rest = behind,
        }
    }
    found
}

/// Where the brace stands that closes an expression which is the beginning of a text: braces in it come in pairs, but for those in its
/// texts. The end of the text if there is none.
fn closing_brace(text: &str) -> usize {
    let (mut depth, mut is_quoted, mut is_escaped) = (0_usize, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            '{' if !is_quoted => depth += 1,
            '}' if !is_quoted && depth == 0 => return at,
            '}' if !is_quoted => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

/// The value of an expression, if those of all so far are within the budget together.
fn added(expression: &Expression, data: &Val, scope: &Scope<'_>, total: &mut Size) -> Result<Val, EvalError> {
    let value = expression.eval(data, scope)?;
    let sum = total.with(&value);
    sum.check(scope.budget)
        .map_err(|exceeded| EvalError::Budget { expression: expression.source().into(), exceeded })?;
    *total = sum;
    Ok(value)
}

fn fill<E>(node: &Node, eval: &mut dyn FnMut(&Expression, &Val) -> Result<Val, E>) -> Result<Val, E> {
    Ok(match node {
        Node::Literal(value) => value.clone(),
        Node::Expression(expression, text) => eval(expression, text)?,
        Node::Array(items) => {
            Val::array(items.iter().map(|item| fill(item, eval)).collect::<Result<Vec<_>, _>>()?)
        }
        Node::Mixed(pieces) => {
            let mut text = String::new();
            for piece in pieces {
                text.push_str(&fill(piece, eval)?.to_text());
            }
            Val::text(text)
        }
        Node::Object(members) => {
            let members = members.iter().map(|(name, node)| Ok((name.clone(), fill(node, eval)?)));
            Val::object(members.collect::<Result<Vec<_>, _>>()?)
        }
    })
}

fn reads(node: &Node, name: &str) -> bool {
    match node {
        Node::Literal(_) => false,
        Node::Expression(expression, _) => expression.reads(name),
        Node::Array(items) | Node::Mixed(items) => items.iter().any(|item| reads(item, name)),
        Node::Object(members) => members.iter().any(|(_, node)| reads(node, name)),
    }
}
