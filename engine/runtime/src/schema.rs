//! Schemas of workflow data: bundled with the files they refer to, checked within a budget, with error messages in SonataFlow's words.

mod bundle;
mod patterns;
mod values;
mod words;

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::OnceLock,
    time::Duration,
};

use jsonschema::{Draft, ValidationError, Validator};
use rondo_definition::parse_duration;
use rondo_expression::{Budget, Exceeded, Val};
use serde_json::Value;
use uuid::Uuid;

use patterns::Patterns;
use values::Values;

pub(crate) use bundle::{Bundler, read_file};

/// Characters of a UUID with hyphens (`8-4-4-4-12`). RFC 4122 has no other form, but the parser takes some.
const UUID_CHARACTERS: usize = 36;

/// How many violations a message names at most. People read the first few only.
const LINES: usize = 100;

/// Steps of a check that may run on any thread: they take about a millisecond, and check some hundred kilobytes of data.
const QUICK_STEPS: u64 = 20_000;

/// Steps of any check: they take about a second. With a plain schema, the largest data that an instance may have take a fifth of them.
const MOST_STEPS: u64 = 20_000_000;

/// A schema that data must satisfy.
pub struct Schema {
    /// The schema as one document: references to files point to its `$defs`. Keyword order and unknown keywords are
    /// as written, since forms are made of them.
    pub document: Value,
    /// Whether a violation is an error; else it is only logged.
    pub strict: bool,
    /// Compiled at the first check, because it takes ten times the memory of the document and most workflows of a folder are rarely started.
    compiled: OnceLock<Result<Compiled, String>>,
}

struct Compiled {
    validator: Validator<Values>,
    patterns: Patterns,
}

impl Schema {
    /// Makes a schema from a bundled document. It is read as draft 7 whatever `$schema` says, as in SonataFlow.
    ///
    /// The error says what is wrong with the schema.
    pub(crate) fn new(document: Value, strict: bool) -> Result<Self, String> {
        compile(&document)?;
        Ok(Self { document, strict, compiled: OnceLock::new() })
    }

    /// Checks data as [`Schema::check`] does, for threads that must not be held up; `None` if that takes more than about a millisecond.
    pub fn check_quickly(&self, data: &Val) -> Option<Result<(), String>> {
        self.check_within(QUICK_STEPS, data)
    }

    /// Checks data. The error is the message for the client, with a line for each violation.
    pub fn check(&self, data: &Val) -> Result<(), String> {
        self.check_within(MOST_STEPS, data).unwrap_or_else(|| {
            Err("The data cannot be checked against the schema: that takes too long. Does the schema have alternatives within alternatives, references \
                 that lead back to where they came from, or patterns with look-around for long texts?"
                .to_owned())
        })
    }

    /// Checks data; `None` if that takes more than `steps`.
    fn check_within(&self, steps: u64, data: &Val) -> Option<Result<(), String>> {
        let Compiled { validator, patterns } = match self.compiled.get_or_init(|| compile(&self.document)) {
            Ok(compiled) => compiled,
            // Does not happen, because `new` has compiled the same document.
            Err(message) => return Some(Err(message.clone())),
        };
        let budget = Budget { steps, processor_time: Duration::from_secs(2), ..Budget::default() };
        let check = || {
            if validator.is_valid(data) {
                return Ok(());
            }
            let errors = || -> Vec<_> { validator.iter_errors(data).collect() };
            let errors = if patterns.backtrack { unless_given_up(errors)? } else { errors() };
            Err(message(&self.document, data, errors))
        };
        budget.bound(|| patterns.within(|| values::counting_errors(check))).ok()
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schema")
            .field("document", &self.document)
            .field("strict", &self.strict)
            .finish_non_exhaustive()
    }
}

/// Collects violations, and turns a panic of the library into an error: it gives up a search that backtracks too often, then looks for the
/// text in a copy of the data, which [`Values`] does not make, and panics.
fn unless_given_up<T>(errors: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(errors)).map_err(|payload| {
        if payload.is::<Exceeded>() {
            resume_unwind(payload);
        }
        "The data cannot be checked against the schema: a search for one of its patterns takes too long. Look-around and back references need \
         many tries where a part of the pattern can match in many ways"
            .to_owned()
    })
}

fn compile(document: &Value) -> Result<Compiled, String> {
    let mut plain = document.clone();
    if let Some(members) = plain.as_object_mut() {
        // With a base such as `classpath:/schemas/a.json` the library would take local references for remote ones.
        members.shift_remove("$id");
        members.shift_remove("$schema");
    }
    let validator = jsonschema::options_for::<Values>()
        .with_draft(Draft::Draft7)
        .should_validate_formats(true)
        // SonataFlow checks these formats, although draft 7 does not have them.
        .with_format("uuid", |text| text.len() == UUID_CHARACTERS && Uuid::try_parse(text).is_ok())
        .with_format("duration", |text| parse_duration(text).is_ok())
        .build(&plain)
        .map_err(|error| error.to_string())?;
    Ok(Compiled { validator, patterns: Patterns::of(&plain) })
}

/// The message for data that break the schema: a line for each violation, in the order of SonataFlow's validator.
fn message(schema: &Value, data: &Val, errors: Vec<ValidationError<'_>>) -> String {
    let mut errors: Vec<_> =
        errors.into_iter().map(|error| (words::position(schema, data, &error), error)).collect();
    errors.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut lines = errors.iter().flat_map(|(_, error)| words::describe(schema, error));
    let mut text = "There are JsonSchema validation errors:".to_owned();
    for line in lines.by_ref().take(LINES) {
        text.push('\n');
        text.push_str(&line);
    }
    if lines.next().is_some() {
        text.push_str(&format!("\nand more; these are the first {LINES}"));
    }
    text
}

#[cfg(test)]
mod tests;
