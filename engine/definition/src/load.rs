//! Text of a YAML or JSON document to a value and the places of all its parts.
//!
//! Owns: the tree built over the events of the YAML parser (JSON is read as the subset of YAML that it is), merge keys,
//! duplicate keys, aliases and the budgets. Promises: any text ends with a value or with diagnostics, within bounded
//! memory and depth; a text that YAML 1.1 and 1.2 read differently is reported. Never: knows what a workflow is.

mod json;
mod problem;
mod scalar;

use std::collections::HashMap;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, StrInput, options};
use serde_json::{Map, Value};

use crate::{
    Code, Diagnostic, Format, Severity, Source, codes,
    spots::{Member, SpotId, Spots, Style},
};
use problem::{Message, Problem, tab_near};
use scalar::Scalar;

/// How much a document may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Values, those that aliases repeat included.
    pub values: usize,
    /// Objects and lists inside each other.
    pub depth: usize,
}

impl Limits {
    /// For workflows: the longest published one has some 2,000 values.
    pub const WORKFLOW: Self = Self { values: 250_000, depth: 200 };
    /// For the documents that workflows name; `OpenAPI` documents of 7 MB have 250,000 values and more.
    pub const RESOURCE: Self = Self { values: 4_000_000, depth: 200 };
}

/// A document that was read.
#[derive(Debug)]
pub struct Loaded {
    /// Its value. Integers beyond 64 bits are floating point; an empty document is null.
    pub value: Value,
    /// Its text with the places of all values.
    pub source: Source,
    /// What readers of YAML differ about.
    pub warnings: Vec<Diagnostic>,
}

/// Reads the first document of a text. `path` is the file's name as users see it; its ending tells YAML from JSON.
///
/// ```
/// # use rondo_definition::{load, Limits, Pointer};
/// let loaded = load("a.yaml", "states:\n  - name: Approve\n", Limits::WORKFLOW).unwrap();
/// let name = Pointer::root().key("states").index(0).key("name");
/// assert_eq!(loaded.value["states"][0]["name"], "Approve");
/// assert_eq!(loaded.source.position(&name).to_string(), "2:11");
/// ```
pub fn load(path: &str, text: &str, limits: Limits) -> Result<Loaded, Vec<Diagnostic>> {
    let format = Format::of(path);
    if u32::try_from(text.len()).is_err() {
        let message = "the file is larger than 4 GiB";
        return Err(vec![Diagnostic::file(Severity::Error, codes::TOO_LARGE, path, message)]);
    }
    let options = options! {
        flow_nesting_limit: limits.depth,
        block_nesting_limit: limits.depth,
        // Keys of JSON have no limit; this one keeps the search for a `:` linear in practice.
        simple_key_max_lookahead: 16_384,
        block_scalar_eof_without_line_feed: true,
    };
    let mut loader = Loader {
        text,
        parser: Parser::new_from_str_with_options(text, options),
        format,
        limits,
        values: 0,
        spots: Spots::default(),
        anchors: HashMap::new(),
        problems: Vec::new(),
    };
    let no_json = if format == Format::Json { json::fault(text) } else { None };
    let is_broken = no_json.as_ref().is_some_and(|problem| problem.severity == Severity::Error);
    // What YAML makes of a text that is broken JSON helps nobody.
    let root = if is_broken { Err(Halt) } else { loader.document() };
    let Loader { mut spots, mut problems, .. } = loader;
    if is_broken || root.is_ok() {
        problems.extend(no_json);
    }
    let value = root.map(|node| {
        spots.set_root(node.spot);
        node.value
    });
    let source = Source::with_spots(path, text, format, spots);
    let mut diagnostics: Vec<_> = problems.into_iter().map(|problem| problem.locate(&source)).collect();
    diagnostics.sort();
    match value {
        Ok(value) if !diagnostics.iter().any(Diagnostic::is_error) => {
            Ok(Loaded { value, source, warnings: diagnostics })
        }
        _ => Err(diagnostics),
    }
}

/// A value with its place and the number of values in it.
#[derive(Clone)]
struct Node {
    value: Value,
    spot: SpotId,
    size: usize,
}

/// The document cannot be read on; why is among the problems.
struct Halt;

struct Loader<'t> {
    text: &'t str,
    parser: Parser<'t, StrInput<'t>>,
    format: Format,
    limits: Limits,
    values: usize,
    spots: Spots,
    anchors: HashMap<usize, Node>,
    problems: Vec<Problem>,
}

impl<'t> Loader<'t> {
    /// The first document; nothing behind it is looked at.
    fn document(&mut self) -> Result<Node, Halt> {
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(..) => {}
                Event::StreamEnd | Event::DocumentEnd => {
                    let spot = self.spots.scalar(0, 0, Style::Plain);
                    return Ok(Node { value: Value::Null, spot, size: 1 });
                }
                event => {
                    let root = self.node(event, span, 0)?;
                    // What is wrong with the rest of this document is found only by asking for its end.
                    self.next()?;
                    self.mention_second();
                    return Ok(root);
                }
            }
        }
    }

    /// Mentions that there is another document. A broken one counts as none.
    fn mention_second(&mut self) {
        while let Some(Ok((event, span))) = self.parser.next_event() {
            match event {
                Event::Comment(..) => {}
                Event::DocumentStart(..) => {
                    self.problems.push(Problem {
                        severity: Severity::Warning,
                        code: codes::TOLERATED,
                        byte: start(span) as usize,
                        message: Message::Text("another document begins here, which is not read".to_owned()),
                        help: Some("put it in a file of its own".to_owned()),
                    });
                    return;
                }
                _ => return,
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'t>, Span), Halt> {
        loop {
            match self.parser.next_event() {
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok(event)) => return Ok(event),
                Some(Err(error)) => {
                    self.syntax(&error);
                    return Err(Halt);
                }
                None => return Ok((Event::StreamEnd, Span::default())),
            }
        }
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, Halt> {
        if depth > self.limits.depth {
            return self.too_large(span, format!("values are nested more than {} deep", self.limits.depth));
        }
        let (node, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let resolved = Scalar::resolve(&text, style, tag.as_deref());
                self.lint(&resolved, &text, span);
                let spot = self.spots.scalar(start(span), end(span), self::style(style));
                (Node { value: resolved.value, spot, size: 1 }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => (self.list(span, depth)?, anchor),
            Event::MappingStart(_, anchor, _) => (self.map(span, depth)?, anchor),
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    // The parser knows the anchor, so it is one that is still being read.
                    self.error(codes::SYNTAX, span, "the alias stands inside of what it repeats".to_owned());
                    return Err(Halt);
                };
                self.count(node.size, span)?;
                return Ok(node);
            }
            _ => {
                self.error(codes::SYNTAX, span, "a value is missing here".to_owned());
                return Err(Halt);
            }
        };
        self.count(1, span)?;
        if anchor != 0 {
            // An anchor keeps a copy.
            self.count(node.size, span)?;
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn count(&mut self, values: usize, span: Span) -> Result<(), Halt> {
        self.values = self.values.saturating_add(values);
        if self.values > self.limits.values {
            return self.too_large(span, format!("the document has more than {} values", self.limits.values));
        }
        Ok(())
    }

    fn list(&mut self, span: Span, depth: usize) -> Result<Node, Halt> {
        let (mut values, mut spots, mut size) = (Vec::new(), Vec::new(), 1);
        loop {
            let (event, inner) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                let spot = self.spots.list(start(span), end(inner), spots);
                return Ok(Node { value: Value::Array(values), spot, size });
            }
            let node = self.node(event, inner, depth + 1)?;
            size += node.size;
            values.push(node.value);
            spots.push(node.spot);
        }
    }

    fn map(&mut self, span: Span, depth: usize) -> Result<Node, Halt> {
        let (mut values, mut members, mut size) = (Map::new(), Vec::<Member>::new(), 1);
        let mut merged = Vec::new();
        loop {
            let (event, key) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                for (node, span) in merged {
                    self.merge(&node, span, &mut values, &mut members);
                }
                let spot = self.spots.map(start(span), end(key), members);
                return Ok(Node { value: Value::Object(values), spot, size });
            }
            let (name, merges) = self.name(event, key)?;
            let (event, inner) = self.next()?;
            let node = self.node(event, inner, depth + 1)?;
            size += node.size;
            if merges {
                merged.push((node, key));
                continue;
            }
            let name = name.into_boxed_str();
            if values.contains_key(&*name) {
                let first = members.iter().find(|member| member.name == name).map_or(0, |member| member.key);
                self.problems.push(Problem {
                    severity: Severity::Error,
                    code: codes::DUPLICATE_KEY,
                    byte: start(key) as usize,
                    message: Message::Duplicate(name.into(), first as usize),
                    help: None,
                });
                continue;
            }
            members.push(Member { name: name.clone(), key: start(key), spot: node.spot });
            values.insert(name.into(), node.value);
        }
    }

    /// A name of a member, and whether it is the merge key. Names are texts, whatever they look like.
    fn name(&mut self, event: Event<'t>, span: Span) -> Result<(String, bool), Halt> {
        let named = match event {
            Event::Scalar(text, style, anchor, _) => {
                if anchor != 0 {
                    let spot = self.spots.scalar(start(span), end(span), self::style(style));
                    let value = Value::String(text.as_ref().to_owned());
                    self.anchors.insert(anchor, Node { value, spot, size: 1 });
                }
                let merges = style == ScalarStyle::Plain && text == "<<";
                Some((text.into_owned(), merges))
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor).map(|node| &node.value) {
                Some(Value::String(text)) => Some((text.clone(), false)),
                _ => None,
            },
            _ => None,
        };
        named.ok_or_else(|| {
            self.problems.push(Problem {
                severity: Severity::Error,
                code: codes::SYNTAX,
                byte: start(span) as usize,
                message: Message::Syntax(self.format, "the name of a property must be text".to_owned()),
                help: Some(
                    "quote text that holds `{` or `[`, such as expressions: '${ {a: .b} }'".to_owned(),
                ),
            });
            Halt
        })
    }

    /// Adds the members of what stands at a `<<` that are not there yet.
    fn merge(&mut self, node: &Node, span: Span, values: &mut Map<String, Value>, members: &mut Vec<Member>) {
        let sources: Vec<(&Value, SpotId)> = match &node.value {
            Value::Array(list) => list.iter().zip(self.spots.elements(node.spot).iter().copied()).collect(),
            other => vec![(other, node.spot)],
        };
        for (value, spot) in sources {
            let Value::Object(object) = value else {
                self.error(codes::SYNTAX, span, "`<<` needs an object or a list of objects".to_owned());
                return;
            };
            let places: HashMap<&str, &Member> =
                self.spots.members(spot).iter().map(|member| (&*member.name, member)).collect();
            for (name, value) in object {
                if values.contains_key(name) {
                    continue;
                }
                values.insert(name.clone(), value.clone());
                if let Some(member) = places.get(name.as_str()) {
                    members.push(Member { name: name.as_str().into(), key: member.key, spot: member.spot });
                }
            }
        }
    }

    fn lint(&mut self, scalar: &Scalar, text: &str, span: Span) {
        if let Some(lint) = scalar.lint {
            self.problems.push(Problem {
                severity: Severity::Warning,
                code: codes::AMBIGUOUS,
                byte: start(span) as usize,
                message: Message::Text(format!("unquoted `{text}` is read as {lint}; other readers differ")),
                help: Some(format!("write \"{text}\" if text is meant")),
            });
        }
    }

    fn error(&mut self, code: Code, span: Span, text: String) {
        let message =
            if code == codes::SYNTAX { Message::Syntax(self.format, text) } else { Message::Text(text) };
        let byte = start(span) as usize;
        self.problems.push(Problem { severity: Severity::Error, code, byte, message, help: None });
    }

    fn too_large<T>(&mut self, span: Span, text: String) -> Result<T, Halt> {
        self.error(codes::TOO_LARGE, span, text);
        Err(Halt)
    }

    fn syntax(&mut self, error: &ScanError) {
        let text = error.kind().to_string();
        let byte = error.marker().byte_offset().unwrap_or_default();
        let tab = if text.contains("tab") { tab_near(self.text, byte) } else { None };
        let help = match error.kind() {
            _ if tab.is_some() => Some("indent with spaces: YAML takes no tabs for it"),
            ErrorKind::MappingValueNotAllowed => Some(
                "`: ` begins a property here; quote the text if it belongs to one, as in '${ {a: .b} }', \
                 else check the indentation",
            ),
            _ => None,
        };
        self.problems.push(Problem {
            severity: Severity::Error,
            code: codes::SYNTAX,
            byte: tab.unwrap_or(byte),
            message: Message::Syntax(self.format, text),
            help: help.map(str::to_owned),
        });
    }
}

fn start(span: Span) -> u32 {
    offset(span.start.byte_offset())
}

fn end(span: Span) -> u32 {
    offset(span.end.byte_offset())
}

/// Offsets fit, since the length of the text does.
fn offset(bytes: Option<usize>) -> u32 {
    bytes.and_then(|bytes| u32::try_from(bytes).ok()).unwrap_or_default()
}

fn style(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::SingleQuoted,
        ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
    }
}

#[cfg(test)]
mod tests;
