//! Builds the tree of a document from the events of the YAML parser.
//!
//! Owns: aliases, and the limits on values and depth. Promises: memory and depth are limited. Never: depends on a property of a workflow.

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

/// A value with its place, and the number of values in it.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) place: PlaceId,
    pub(super) size: usize,
}

/// Reading has stopped. The list of problems contains the reason.
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
    pub(super) fn read_document(&mut self) -> Result<Node, Halt> {
        loop {
            let (event, span) = self.next_event()?;
            match event {
                Event::StreamStart | Event::DocumentStart(..) => {}
                Event::StreamEnd | Event::DocumentEnd => {
                    let place = self.positions.scalar(0, 0, Style::Plain);
                    return Ok(Node { value: Value::Null, place, size: 1 });
                }
                event => {
                    let root = self.read_node(event, span, 0)?;
                    // The parser reports a problem after the root value only when the next event is requested.
                    self.next_event()?;
                    self.warn_about_second_document();
                    return Ok(root);
                }
            }
        }
    }

    /// Warns about a second document, unless it has a syntax error.
    fn warn_about_second_document(&mut self) {
        while let Some(Ok((event, span))) = self.parser.next_event() {
            match event {
                Event::Comment(..) => {}
                Event::DocumentStart(..) => {
                    self.problems.push(Problem {
                        severity: Severity::Warning,
                        code: codes::TOLERATED_FORM,
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

    /// The next event that is not a comment.
    pub(super) fn next_event(&mut self) -> Result<(Event<'t>, Span), Halt> {
        loop {
            match self.parser.next_event() {
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok(event)) => return Ok(event),
                Some(Err(error)) => {
                    self.report_syntax_error(&error);
                    return Err(Halt);
                }
                None => return Ok((Event::StreamEnd, Span::default())),
            }
        }
    }

    /// Reads the value that begins with an event.
    fn read_node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, Halt> {
        if depth > self.limits.depth {
            return self
                .fail_too_large(span, format!("values are nested more than {} deep", self.limits.depth));
        }
        let (node, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let resolved = Scalar::resolve(&text, style, tag.as_deref());
                self.warn_if_ambiguous(&resolved, &text, span);
                let place = self.positions.scalar(start(span), end(span), self::style(style));
                (Node { value: resolved.value, place, size: 1 }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => (self.read_list(span, depth)?, anchor),
            Event::MappingStart(_, anchor, _) => (self.read_map(span, depth)?, anchor),
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    // The parser knows the anchor, but its value is not complete yet: the alias is inside of the value that it repeats.
                    self.report_error(
                        codes::SYNTAX,
                        span,
                        "the alias stands inside of what it repeats".to_owned(),
                    );
                    return Err(Halt);
                };
                self.count_values(node.size, span)?;
                return Ok(node);
            }
            _ => {
                self.report_error(codes::SYNTAX, span, "a value is missing here".to_owned());
                return Err(Halt);
            }
        };
        self.count_values(1, span)?;
        if anchor != 0 {
            // The anchor keeps a copy of the value, which takes memory too.
            self.count_values(node.size, span)?;
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    /// Adds to the number of values, and stops reading when the limit is exceeded.
    pub(super) fn count_values(&mut self, values: usize, span: Span) -> Result<(), Halt> {
        self.values = self.values.saturating_add(values);
        if self.values > self.limits.values {
            return self
                .fail_too_large(span, format!("the document has more than {} values", self.limits.values));
        }
        Ok(())
    }

    fn read_list(&mut self, span: Span, depth: usize) -> Result<Node, Halt> {
        let (mut values, mut positions, mut size) = (Vec::new(), Vec::new(), 1);
        loop {
            let (event, inner) = self.next_event()?;
            if matches!(event, Event::SequenceEnd) {
                let place = self.positions.list(start(span), end(inner), positions);
                return Ok(Node { value: Value::Array(values), place, size });
            }
            let node = self.read_node(event, inner, depth + 1)?;
            size += node.size;
            values.push(node.value);
            positions.push(node.place);
        }
    }

    fn read_map(&mut self, span: Span, depth: usize) -> Result<Node, Halt> {
        let (mut values, mut members, mut size) = (Map::new(), Vec::<Member>::new(), 1);
        let mut merged = Vec::new();
        loop {
            let (event, key) = self.next_event()?;
            if matches!(event, Event::MappingEnd) {
                for (node, span) in merged {
                    self.apply_merge_key(&node, span, &mut values, &mut members);
                }
                let place = self.positions.map(start(span), end(key), members);
                return Ok(Node { value: Value::Object(values), place, size });
            }
            let (name, is_merge_key) = self.read_member_name(event, key)?;
            let (event, inner) = self.next_event()?;
            let node = self.read_node(event, inner, depth + 1)?;
            size += node.size;
            if is_merge_key {
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

/// The offset as `u32`. It fits, because the length of the text does.
fn offset(bytes: Option<usize>) -> u32 {
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
