//! `application.properties`: the configuration of a folder of workflows, by the rules of Quarkus.
//!
//! Owns: the resolution of a key: environment variable before profile (`%prod.key`) before plain key, `${NAME:default}`
//! expanded. Promises: values appear in no error and no `Debug` output, since some are secrets. Never: reads the
//! environment of the process; the caller passes it.

mod expand;
mod variable;

use std::{borrow::Cow, collections::BTreeMap, fmt, sync::Arc};

use encoding_rs::UTF_8;
use java_properties::{LineContent, PropertiesIter};

use crate::{Code, Diagnostic, Position, Severity, codes};
pub(crate) use variable::{is_variable_of, variable_name};

/// Environment variables by name.
pub type Environment = BTreeMap<String, String>;

/// Why a property has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PropertyError {
    /// `${NAME}` is neither a property nor an environment variable.
    #[error(
        "the property `{key}` refers to `${{{reference}}}`, which is neither a property nor an environment variable"
    )]
    Unset {
        /// The property that was requested.
        key: String,
        /// The name that is not set.
        reference: String,
    },
    /// `${NAME}` refers to itself, also through other properties, or is nested too deep.
    #[error("the property `{key}` refers to itself by `${{{reference}}}`")]
    Cycle {
        /// The property that was requested.
        key: String,
        /// The reference that closes the cycle.
        reference: String,
    },
    /// The value does not have the kind of the property.
    #[error("the value of the property `{key}` is not {expected}")]
    Type {
        /// The property that was requested.
        key: String,
        /// A description of the valid values, such as `a number`.
        expected: Cow<'static, str>,
    },
}

impl PropertyError {
    /// The property that was requested.
    pub fn key(&self) -> &str {
        match self {
            Self::Unset { key, .. } | Self::Cycle { key, .. } | Self::Type { key, .. } => key,
        }
    }
}

/// The properties file and the environment variables of a folder. Cheap to clone.
#[derive(Clone, Default)]
pub struct Properties(Arc<Layers>);

#[derive(Default)]
struct Layers {
    file: Arc<str>,
    /// The entries of the file that apply with the active profiles; the keys have no `%profile.`.
    entries: BTreeMap<String, Entry>,
    /// The keys of `entries` that contain quotes, by the key without quotes.
    unquoted: BTreeMap<String, String>,
    env: Environment,
}

struct Entry {
    raw: String,
    line: usize,
    /// The columns of key and value, from 1.
    columns: (usize, usize),
    /// The rank of its profile among the active ones, from 1; 0 for an entry without profile. A higher rank wins.
    rank: usize,
}

impl Properties {
    /// Reads a properties file (UTF-8). The profile is `QUARKUS_PROFILE`, else the file's `quarkus.profile`, else `prod`.
    pub fn parse(file: &str, text: &str, env: Environment) -> (Self, Vec<Diagnostic>) {
        let (mut pairs, mut diagnostics) = (Vec::new(), Vec::new());
        let lines: Vec<&str> = text.lines().collect();
        for line in PropertiesIter::new_with_encoding(text.as_bytes(), UTF_8) {
            match line {
                Ok(line) => {
                    let number = line.line_number();
                    if let LineContent::KVPair(key, value) = line.consume_content() {
                        let written = number.checked_sub(1).and_then(|index| lines.get(index));
                        pairs.push((key, value, number, columns(written.copied().unwrap_or_default())));
                    }
                }
                Err(error) => {
                    let line = error.line_number().unwrap_or(1);
                    let message = "the line is not `key = value` with valid escapes";
                    diagnostics.push(
                        Diagnostic::file(Severity::Error, codes::PROPERTIES, file, message)
                            .at_position(Position { line, column: 1 })
                            .help("a `\\u` needs four hexadecimal digits; write `\\\\` for a backslash"),
                    );
                    break;
                }
            }
        }
        let properties = Self::from_pairs(file, pairs, env);
        diagnostics.extend(properties.cycles());
        (properties, diagnostics)
    }

    /// Properties without a file, from environment variables only.
    pub fn from_env(env: Environment) -> Self {
        Self::from_pairs("application.properties", Vec::new(), env)
    }

    fn from_pairs(file: &str, pairs: Vec<(String, String, usize, (usize, usize))>, env: Environment) -> Self {
        let named = env.get("QUARKUS_PROFILE").cloned().or_else(|| {
            pairs.iter().rev().find(|(key, ..)| key == "quarkus.profile").map(|(_, value, ..)| value.clone())
        });
        let profiles: Vec<String> =
            named.as_deref().unwrap_or("prod").split(',').map(|name| name.trim().to_owned()).collect();
        let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
        for (key, raw, line, columns) in pairs {
            let Some((key, rank)) = strip_active_profile(&key, &profiles) else { continue };
            // The last of several entries wins, but an entry for a profile wins over one without profile.
            if entries.get(key).is_none_or(|entry| entry.rank <= rank) {
                entries.insert(key.to_owned(), Entry { raw, line, columns, rank });
            }
        }
        let unquoted = entries
            .keys()
            .filter(|key| key.contains('"'))
            .map(|key| (key.replace('"', ""), key.clone()))
            .collect();
        Self(Arc::new(Layers { file: file.into(), entries, unquoted, env }))
    }

    /// The value of a property with its references expanded; `None` if it is absent or cannot be expanded. An environment variable with the same
    /// name (`A_B_C` for `a.b.c`) wins over the file. [`resolve`](Self::resolve) returns the reason if a value cannot be expanded.
    pub fn get(&self, key: &str) -> Option<String> {
        self.resolve(key).ok().flatten()
    }

    /// The value of a property with its references expanded; `None` if it is absent. The error says why the value cannot be expanded.
    pub fn resolve(&self, key: &str) -> Result<Option<String>, PropertyError> {
        let Some(raw) = self.raw(key) else { return Ok(None) };
        expand::expand(raw, key, &|name| self.raw(name)).map(Some)
    }

    /// The keys of the file with this prefix, in alphabetical order, without those of inactive profiles.
    pub fn keys_with_prefix<'p>(&'p self, prefix: &'p str) -> impl Iterator<Item = &'p str> {
        let from = self.0.entries.range(prefix.to_owned()..);
        from.map(|(key, _)| key.as_str()).take_while(move |key| key.starts_with(prefix))
    }

    /// The name of the file and the place of a key in it; `None` if the file does not have the key.
    pub fn position(&self, key: &str) -> Option<(Arc<str>, Position)> {
        let entry = self.entry(key)?;
        Some((self.0.file.clone(), Position { line: entry.line, column: entry.columns.0 }))
    }

    /// A diagnostic about the value of a property, at the value in the file, or at the environment variable that sets it.
    pub fn diagnostic_at(
        &self,
        severity: Severity,
        code: Code,
        key: &str,
        message: impl Into<String>,
    ) -> Diagnostic {
        if let Some(variable) = self.variable_that_sets(key) {
            return Diagnostic::file(severity, code, &format!("environment variable {variable}"), message);
        }
        let diagnostic = Diagnostic::file(severity, code, &self.0.file, message);
        match self.entry(key) {
            Some(entry) => diagnostic.at_position(Position { line: entry.line, column: entry.columns.1 }),
            None => diagnostic,
        }
    }

    /// Whether the file's value of a key has a `${` without `}`.
    pub(crate) fn is_unterminated(&self, key: &str) -> bool {
        self.entry(key).is_some_and(|entry| expand::is_unterminated(&entry.raw))
    }

    /// The value before expansion: from the environment, else from the file.
    fn raw(&self, key: &str) -> Option<&str> {
        let variable = self.variable_that_sets(key).and_then(|name| self.0.env.get(&name));
        variable.or_else(|| self.entry(key).map(|entry| &entry.raw)).map(String::as_str)
    }

    /// Names of the environment variables.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.0.env.keys().map(String::as_str)
    }

    /// Whether some value of the file has `${name}` or `${name:default}`.
    pub(crate) fn refers_to(&self, name: &str) -> bool {
        let (whole, defaulted) = (format!("${{{name}}}"), format!("${{{name}:"));
        self.0.entries.values().any(|entry| entry.raw.contains(&whole) || entry.raw.contains(&defaulted))
    }

    /// The environment variable that sets a property; `None` if none does.
    fn variable_that_sets(&self, key: &str) -> Option<String> {
        variable::variable_names(key).into_iter().find(|name| self.0.env.contains_key(name))
    }

    fn entry(&self, key: &str) -> Option<&Entry> {
        let layers = &self.0;
        layers.entries.get(key).or_else(|| {
            let plain = key.replace('"', "");
            let written = layers.unquoted.get(&plain).unwrap_or(&plain);
            layers.entries.get(written)
        })
    }

    /// One diagnostic for each key whose value leads back to itself.
    fn cycles(&self) -> Vec<Diagnostic> {
        let keys = self.0.entries.iter();
        keys.filter_map(|(key, entry)| match self.resolve(key) {
            Err(error @ PropertyError::Cycle { .. }) => Some(
                Diagnostic::file(Severity::Error, codes::PROPERTY_CYCLE, &self.0.file, error.to_string())
                    .at_position(Position { line: entry.line, column: 1 }),
            ),
            _ => None,
        })
        .collect()
    }
}

/// Prints the keys only, because values may be secrets.
impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.entries.keys()).finish()
    }
}

/// The key without `%profile.`, and the rank of its profile; `None` if the profile is not active.
fn strip_active_profile<'k>(key: &'k str, profiles: &[String]) -> Option<(&'k str, usize)> {
    let Some(profiled) = key.strip_prefix('%') else { return Some((key, 0)) };
    let (names, key) = profiled.split_once('.')?;
    let rank = profiles.iter().rposition(|active| names.split(',').any(|name| name.trim() == active))?;
    Some((key, rank + 1))
}

/// The key of an entry as written, and the byte offset of its value in its first line.
pub(crate) fn key_and_value(line: &str) -> (&str, usize) {
    let blanks = |from: usize| {
        let rest = line.get(from..).unwrap_or_default();
        rest.len() - rest.trim_start_matches([' ', '\t', '\x0c']).len()
    };
    let start = blanks(0);
    let mut characters = line.get(start..).unwrap_or_default().char_indices();
    let mut end = line.len();
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => _ = characters.next(),
            ' ' | '\t' | '\x0c' | '=' | ':' => {
                end = start + at;
                break;
            }
            _ => {}
        }
    }
    let mut value = end + blanks(end);
    if line.get(value..).is_some_and(|rest| rest.starts_with(['=', ':'])) {
        value += 1;
        value += blanks(value);
    }
    (line.get(start..end).unwrap_or_default(), value)
}

/// The columns of key and value of an entry in its first line, in characters from 1.
fn columns(line: &str) -> (usize, usize) {
    let (_, value) = key_and_value(line);
    let start = line.len() - line.trim_start_matches([' ', '\t', '\x0c']).len();
    let column = |byte: usize| line.get(..byte).map_or(0, |before| before.chars().count()) + 1;
    (column(start), column(value))
}

#[cfg(test)]
mod tests;
