//! Loads the text of a YAML or JSON document as a value, with the places of all its parts.
//!
//! Owns: building the tree from the events of the YAML parser (JSON is read as YAML, of which it is a subset), merge keys, duplicate keys,
//! aliases and limits. Promises: any text gives a value or diagnostics, within limited memory and depth; a text that YAML 1.1 and 1.2 read
//! differently gets a warning. Never: depends on what a workflow is.

mod json;
mod json_text;
mod loader;
mod members;
mod problem;
mod report;
mod scalar;

use std::{collections::HashMap, ops::Range, sync::Arc};

use granit_parser::{Parser, options};
use serde_json::Value;

use crate::{Diagnostic, Format, Severity, Source, codes, positions::Positions};
use loader::{Halt, Loader};

/// The limits of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The number of values; each alias adds the values that it repeats.
    pub values: usize,
    /// The nesting of objects and lists.
    pub depth: usize,
}

impl Limits {
    /// For workflows. The longest published workflow has some 2,000 values, so no real one comes near this limit.
    pub const WORKFLOW: Self = Self { values: 250_000, depth: 200 };
    /// For the documents that workflows name. The largest published `OpenAPI` documents, of 7 MB, have more than 250,000 values.
    pub const RESOURCE: Self = Self { values: 4_000_000, depth: 200 };
}

/// A loaded document.
#[derive(Debug)]
pub struct Loaded {
    /// Its value. Integers beyond 64 bits are floating point; an empty document is null.
    pub value: Value,
    /// Its text with the places of all values.
    pub source: Source,
    /// Warnings: texts that readers of YAML understand differently, and tolerated deviations from JSON.
    pub warnings: Vec<Diagnostic>,
}

/// Loads the first document of a text.
///
/// `path` is the file's name as users see it; its extension decides between YAML and JSON. The error is the list of all diagnostics, sorted by
/// place; at least one of them is an error.
///
/// ```
/// # use rondo_definition::{load, Limits, Pointer};
/// let loaded = load("a.yaml", "states:\n  - name: Approve\n", Limits::WORKFLOW).unwrap();
/// let name = Pointer::root().key("states").index(0).key("name");
/// assert_eq!(loaded.value["states"][0]["name"], "Approve");
/// assert_eq!(loaded.source.position(&name).to_string(), "2:11");
/// ```
pub fn load(path: &str, text: &str, limits: Limits) -> Result<Loaded, Vec<Diagnostic>> {
    load_part(path, &text.into(), 0..text.len(), limits)
}

/// Loads the first document of a part of a text. Its places are those in the whole text.
pub(crate) fn load_part(
    path: &str,
    whole: &Arc<str>,
    part: Range<usize>,
    limits: Limits,
) -> Result<Loaded, Vec<Diagnostic>> {
    let format = Format::of(path);
    if u32::try_from(whole.len()).is_err() {
        let message = "the file is larger than 4 GiB";
        return Err(vec![Diagnostic::file(Severity::Error, codes::TOO_LARGE, path, message)]);
    }
    let text = whole.get(part.clone()).unwrap_or_default();
    let mut loader = loader_of(text, format, limits);
    let json_problem = if format == Format::Json { json::find_problem(text) } else { None };
    let is_broken = json_problem.as_ref().is_some_and(|problem| problem.severity == Severity::Error);
    // The YAML parser's messages about broken JSON are misleading, so it does not run.
    let root = if is_broken { Err(Halt) } else { loader.read_document() };
    let Loader { mut positions, mut problems, .. } = loader;
    if is_broken || root.is_ok() {
        problems.extend(json_problem);
    }
    let value = root.map(|node| {
        positions.set_root(node.place);
        node.value
    });
    positions.shift(part.start);
    let begin = part.start;
    let source = Source::with_positions(path, whole, part, positions);
    let mut diagnostics: Vec<_> =
        problems.into_iter().map(|problem| problem.shifted(begin).locate(&source)).collect();
    diagnostics.sort();
    match value {
        Ok(value) if !diagnostics.iter().any(Diagnostic::is_error) => {
            Ok(Loaded { value, source, warnings: diagnostics })
        }
        _ => Err(diagnostics),
    }
}

/// Loads the first document of a text as JSON text. For large documents, whose tree would take many times their size.
///
/// The error is that of [`load`].
pub fn load_as_json(path: &str, text: &str, limits: Limits) -> Result<String, Vec<Diagnostic>> {
    let format = Format::of(path);
    if format == Format::Yaml
        && u32::try_from(text.len()).is_ok()
        && let Some(json) = json_text::write(loader_of(text, format, limits))
    {
        return Ok(json);
    }
    load(path, text, limits).map(|loaded| loaded.value.to_string())
}

/// A loader that stands at the beginning of a text.
fn loader_of(text: &str, format: Format, limits: Limits) -> Loader<'_> {
    let options = options! {
        flow_nesting_limit: limits.depth,
        block_nesting_limit: limits.depth,
        // Keys of JSON have no limit; this limit keeps the search for the `:` after a key linear in practice.
        simple_key_max_lookahead: 16_384,
        block_scalar_eof_without_line_feed: true,
    };
    Loader {
        text,
        parser: Parser::new_from_str_with_options(text, options),
        format,
        limits,
        values: 0,
        positions: Positions::default(),
        anchors: HashMap::new(),
        problems: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
