//! Builds the tree of a document from the events of the YAML parser.
//!
//! Owns: aliases, and the limits on values and depth. Promises: memory and depth are bounded. Never: names a property of a workflow.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput};
use serde_json::{Map, Value};

use super::{
    Limits,
    problem::{Message, Problem},
    scalar::Scalar,
};
use crate::{
    Format, Severity, codes,
    positions::{Member, PlaceId, Positions, Style},
};

/// A value with its place and the number of values in it.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) place: PlaceId,
    pub(super) size: usize,
}

/// Reading stops; the problems contain the reason.
pub(super) struct Halt;

pub(super) struct Loader<'t> {
    pub(super) text: &'t str,
    pub(super) parser: Parser<'t, StrInput<'t>>,
    pub(super) format: Format,
    pub(super) limits: Limits,
    pub(super) values: usize,
    pub(super) positions: Positions,
    pub(super) anchors: HashMap<usize, Node>,
    pub(super) problems: Vec<Problem>,
}

impl<'t> Loader<'t> {
    /// Reads the first document of the text.
    pub(super) fn document(&mut self) -> Result<Node, Halt> {
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(..) => {}
                Event::StreamEnd | Event::DocumentEnd => {
                    let place = self.positions.scalar(0, 0, Style::Plain);
                    return Ok(Node { value: Value::Null, place, size: 1 });
                }
                event => {
                    let root = self.node(event, span, 0)?;
                    // The parser reports problems in the rest of the document only when it is asked for the end.
                    self.next()?;
                    self.warn_about_second();
                    return Ok(root);
                }
            }
        }
    }

    /// Warns about a second document, unless it has a syntax error.
    pub(super) fn warn_about_second(&mut self) {
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

    pub(super) fn next(&mut self) -> Result<(Event<'t>, Span), Halt> {
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

    pub(super) fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, Halt> {
        if depth > self.limits.depth {
            return self.too_large(span, format!("values are nested more than {} deep", self.limits.depth));
        }
        let (node, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let resolved = Scalar::resolve(&text, style, tag.as_deref());
                self.lint(&resolved, &text, span);
                let place = self.positions.scalar(start(span), end(span), self::style(style));
                (Node { value: resolved.value, place, size: 1 }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => (self.list(span, depth)?, anchor),
            Event::MappingStart(_, anchor, _) => (self.map(span, depth)?, anchor),
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    // The parser knows the anchor, so its value is not complete: the alias is inside of it.
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

    pub(super) fn count(&mut self, values: usize, span: Span) -> Result<(), Halt> {
        self.values = self.values.saturating_add(values);
        if self.values > self.limits.values {
            return self.too_large(span, format!("the document has more than {} values", self.limits.values));
        }
        Ok(())
    }

    pub(super) fn list(&mut self, span: Span, depth: usize) -> Result<Node, Halt> {
        let (mut values, mut positions, mut size) = (Vec::new(), Vec::new(), 1);
        loop {
            let (event, inner) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                let place = self.positions.list(start(span), end(inner), positions);
                return Ok(Node { value: Value::Array(values), place, size });
            }
            let node = self.node(event, inner, depth + 1)?;
            size += node.size;
            values.push(node.value);
            positions.push(node.place);
        }
    }

    pub(super) fn map(&mut self, span: Span, depth: usize) -> Result<Node, Halt> {
        let (mut values, mut members, mut size) = (Map::new(), Vec::<Member>::new(), 1);
        let mut merged = Vec::new();
        loop {
            let (event, key) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                for (node, span) in merged {
                    self.merge(&node, span, &mut values, &mut members);
                }
                let place = self.positions.map(start(span), end(key), members);
                return Ok(Node { value: Value::Object(values), place, size });
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
            members.push(Member { name: name.clone(), key: start(key), place: node.place });
            values.insert(name.into(), node.value);
        }
    }
}

pub(super) fn start(span: Span) -> u32 {
    offset(span.start.byte_offset())
}

pub(super) fn end(span: Span) -> u32 {
    offset(span.end.byte_offset())
}

/// Offsets fit, since the length of the text does.
pub(super) fn offset(bytes: Option<usize>) -> u32 {
    bytes.and_then(|bytes| u32::try_from(bytes).ok()).unwrap_or_default()
}

pub(super) fn style(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::SingleQuoted,
        ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
    }
}
