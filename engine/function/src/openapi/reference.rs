//! Follows `$ref` inside a document and into others.
//!
//! Promises: a reference is followed to a place, never expanded, so that cycles are harmless. A document that cannot be
//! opened is one problem, however many references name it.

use std::cell::RefCell;
use std::sync::Arc;

use serde_json::Value;

use super::document::SpecDocument;
use crate::encoding::percent_decode;

/// Opens the document that a relative or absolute reference names, seen from the document in which it stands.
pub(crate) type Open<'a> = dyn Fn(&SpecDocument, &str) -> Result<Arc<SpecDocument>, String> + 'a;

/// Follows references and collects their problems.
pub(crate) struct References<'a> {
    open: &'a Open<'a>,
    problems: RefCell<Vec<String>>,
}

/// Most references that are followed in a row. Documents have two or three; a longer chain goes in a circle.
const LONGEST_CHAIN: usize = 16;

impl<'a> References<'a> {
    pub(crate) fn new(open: &'a Open<'a>) -> Self {
        Self { open, problems: RefCell::default() }
    }

    /// The document and value that a reference names, and its absolute name.
    pub(crate) fn follow(
        &self,
        from: &Arc<SpecDocument>,
        reference: &str,
    ) -> Option<(Arc<SpecDocument>, Value, Arc<str>)> {
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
        // A fragment is a JSON pointer that may be percent-encoded, as in any URI.
        let pointer = percent_decode(fragment);
        let Some(value) = document.node(&pointer) else {
            self.report(format!("`$ref: {reference}` in `{}` names nothing", from.uri));
            return None;
        };
        let name = Arc::from(format!("{}#{pointer}", document.uri));
        Some((document, value, name))
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
            let (document, value, _) = self.follow(&place.0, &reference)?;
            place = (document, value);
        }
        self.report(format!("a chain of `$ref` in `{}` goes in a circle", from.uri));
        None
    }

    /// The problems found so far.
    pub(crate) fn problems(self) -> Vec<String> {
        self.problems.into_inner()
    }

    fn report(&self, problem: String) {
        let mut problems = self.problems.borrow_mut();
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
}
