//! Loads the text of a YAML or JSON document as a value with the places of all its parts.
//!
//! Owns: the tree built over the events of the YAML parser (JSON is read as the subset of YAML that it is), merge keys,
//! duplicate keys, aliases and the budgets. Promises: any text gives a value or diagnostics, within bounded
//! memory and depth; a text that YAML 1.1 and 1.2 read differently is reported. Never: knows what a workflow is.

mod json;
mod loader;
mod members;
mod problem;
mod report;
mod scalar;

use std::collections::HashMap;

use granit_parser::{Parser, options};
use serde_json::Value;

use crate::{Diagnostic, Format, Severity, Source, codes, positions::Positions};
use loader::{Halt, Loader};

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
    /// Text that readers of YAML understand differently.
    pub warnings: Vec<Diagnostic>,
}

/// Reads the first document of a text. `path` is the file's name as users see it; its ending decides between YAML and JSON.
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
        positions: Positions::default(),
        anchors: HashMap::new(),
        problems: Vec::new(),
    };
    let no_json = if format == Format::Json { json::fault(text) } else { None };
    let is_broken = no_json.as_ref().is_some_and(|problem| problem.severity == Severity::Error);
    // The messages of the YAML parser about broken JSON are misleading.
    let root = if is_broken { Err(Halt) } else { loader.document() };
    let Loader { mut positions, mut problems, .. } = loader;
    if is_broken || root.is_ok() {
        problems.extend(no_json);
    }
    let value = root.map(|node| {
        positions.set_root(node.place);
        node.value
    });
    let source = Source::with_positions(path, text, format, positions);
    let mut diagnostics: Vec<_> = problems.into_iter().map(|problem| problem.locate(&source)).collect();
    diagnostics.sort();
    match value {
        Ok(value) if !diagnostics.iter().any(Diagnostic::is_error) => {
            Ok(Loaded { value, source, warnings: diagnostics })
        }
        _ => Err(diagnostics),
    }
}

#[cfg(test)]
mod tests;
