//! Follows `$ref` inside a document and into others.
//!
//! Promises: a reference is followed to a place and never expanded, so that cycles are harmless; the text that one operation reads of its
//! documents is bounded, whatever refers to what. A document that cannot be opened is one problem, however many references name it.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use rondo_definition::find_anchor;
use serde_json::Value;

use super::document::SpecDocument;
use crate::encoding::percent_decode;

/// Opens the document that a reference names; a relative one is resolved against the document that contains it.
pub(crate) type Open<'a> = dyn Fn(&SpecDocument, &str) -> Result<Arc<SpecDocument>, String> + 'a;

/// Follows references and collects their problems.
pub(crate) struct References<'a> {
    open: &'a Open<'a>,
    problems: RefCell<Vec<String>>,
    /// Bytes of text that may still be read.
    left: Cell<usize>,
}

/// The target of a reference.
#[derive(Debug, Clone)]
pub(crate) struct Referred {
    pub(crate) document: Arc<SpecDocument>,
    /// The place as a JSON pointer.
    pointer: String,
    /// The absolute reference.
    pub(crate) name: Arc<str>,
}

/// Most references followed in a row. Documents have two or three; a longer chain is a cycle.
const LONGEST_CHAIN: usize = 16;

/// Most bytes of text that one operation reads from its documents; text that is read twice counts twice. The largest operations of Kubernetes
/// read half a megabyte; reading the maximum takes a hundred milliseconds.
const MOST_TEXT: usize = 8 << 20;

/// Most problems of one operation, and most bytes of each, because a person reads them.
const MOST_PROBLEMS: usize = 50;
const LONGEST_PROBLEM: usize = 1000;

impl<'a> References<'a> {
    pub(crate) fn new(open: &'a Open<'a>) -> Self {
        Self { open, problems: RefCell::default(), left: Cell::new(MOST_TEXT) }
    }

    /// The value at a JSON pointer.
    pub(crate) fn read(&self, document: &SpecDocument, pointer: &str) -> Option<Value> {
        let text = document.text_at(pointer)?;
        let Some(left) = self.left.get().checked_sub(text.len()) else {
            self.report(format!(
                "it refers to more than {MOST_TEXT} bytes of its documents; what is beyond is not read"
            ));
            return None;
        };
        self.left.set(left);
        serde_json::from_str(text).ok()
    }

    /// Finds the target of a reference without reading it.
    pub(crate) fn locate(&self, from: &Arc<SpecDocument>, reference: &str) -> Option<Referred> {
        let (file, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let document = if file.is_empty() {
            Arc::clone(from)
        } else {
            match (self.open)(from, file) {
                Ok(document) => document,
                Err(problem) => {
                    self.report(format!("`$ref: {reference}` in `{}`: {problem}", from.uri));
                    return None;
                }
            }
        };
        // A fragment may be percent-encoded, as in any URI.
        let fragment = percent_decode(fragment).into_owned();
        let pointer = match fragment.starts_with('/') || fragment.is_empty() {
            true => Some(fragment).filter(|pointer| document.text_at(pointer).is_some()),
            false => self.read(&document, "").and_then(|value| find_anchor(&value, &fragment)),
        };
        let Some(pointer) = pointer else {
            self.report(format!("`$ref: {reference}` in `{}` names nothing", from.uri));
            return None;
        };
        let name = Arc::from(format!("{}#{pointer}", document.uri));
        Some(Referred { document, pointer, name })
    }

    /// The value that a reference names.
    pub(crate) fn value(&self, referred: &Referred) -> Option<Value> {
        self.read(&referred.document, &referred.pointer)
    }

    /// The value itself, or what it refers to when it is a reference.
    pub(crate) fn resolve(
        &self,
        from: &Arc<SpecDocument>,
        value: Value,
    ) -> Option<(Arc<SpecDocument>, Value)> {
        let mut place = (Arc::clone(from), value);
        for _ in 0..LONGEST_CHAIN {
            let Some(reference) = place.1.get("$ref").and_then(Value::as_str).map(str::to_owned) else {
                return Some(place);
            };
            let referred = self.locate(&place.0, &reference)?;
            let value = self.value(&referred)?;
            place = (referred.document, value);
        }
        self.report(format!("a chain of `$ref` in `{}` goes in a circle", from.uri));
        None
    }

    /// The last problem found so far.
    pub(crate) fn last_problem(&self) -> Option<String> {
        self.problems.borrow().last().cloned()
    }

    /// The problems found so far.
    pub(crate) fn problems(self) -> Vec<String> {
        self.problems.into_inner()
    }

    pub(crate) fn report(&self, mut problem: String) {
        problem.truncate(problem.floor_char_boundary(LONGEST_PROBLEM));
        let mut problems = self.problems.borrow_mut();
        if problems.len() < MOST_PROBLEMS && !problems.contains(&problem) {
            problems.push(problem);
        }
    }
}
