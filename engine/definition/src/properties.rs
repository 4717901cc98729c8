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
pub(crate) use variable::{gives, variable};

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
        /// The property asked for.
        key: String,
        /// What is not set.
        reference: String,
    },
    /// `${NAME}` leads back to itself, or is nested too deep.
    #[error("the property `{key}` refers to itself by `${{{reference}}}`")]
    Cycle {
        /// The property asked for.
        key: String,
        /// The reference that closes the circle.
        reference: String,
    },
    /// The value is not of the type wanted.
    #[error("the value of the property `{key}` is not {expected}")]
    Type {
        /// The property asked for.
        key: String,
        /// What it should be, such as `a number`.
        expected: Cow<'static, str>,
    },
}

impl PropertyError {
    /// The property asked for.
    pub fn key(&self) -> &str {
        match self {
            Self::Unset { key, .. } | Self::Cycle { key, .. } | Self::Type { key, .. } => key,
        }
    }
}

/// Properties and environment variables of one run of the engine. Cheap to clone.
#[derive(Clone, Default)]
pub struct Properties(Arc<Layers>);

#[derive(Default)]
struct Layers {
    file: Arc<str>,
    /// Effective entries of the file, `%profile.` taken off.
    entries: BTreeMap<String, Entry>,
    /// Keys of `entries` without the quotes in them.
    unquoted: BTreeMap<String, String>,
    env: Environment,
    profiles: Vec<String>,
}

struct Entry {
    raw: String,
    line: usize,
    /// Where key and value begin.
    columns: (usize, usize),
    /// Which of the active profiles it is for, as 1 and up; 0 for all.
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

    /// No file, only environment variables.
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
            let Some((key, rank)) = effective(&key, &profiles) else { continue };
            // The last of several entries wins, but one for a profile is not replaced by one for all.
            if entries.get(key).is_none_or(|entry| entry.rank <= rank) {
                entries.insert(key.to_owned(), Entry { raw, line, columns, rank });
            }
        }
        let unquoted = entries
            .keys()
            .filter(|key| key.contains('"'))
            .map(|key| (key.replace('"', ""), key.clone()))
            .collect();
        Self(Arc::new(Layers { file: file.into(), entries, unquoted, env, profiles }))
    }

    /// The value of a property, expanded. An environment variable of the same name (`A_B_C` for `a.b.c`) comes first.
    /// A value that cannot be expanded counts as absent; [`resolve`](Self::resolve) gives the reason.
    pub fn get(&self, key: &str) -> Option<String> {
        self.resolve(key).ok().flatten()
    }

    /// The value of a property, expanded. The error says why a property that exists has no value.
    pub fn resolve(&self, key: &str) -> Result<Option<String>, PropertyError> {
        let Some(raw) = self.raw(key) else { return Ok(None) };
        expand::expand(raw, key, &|name| self.raw(name)).map(Some)
    }

    /// Keys of the file that start with a text, in alphabetical order, profiles applied.
    pub fn keys_with_prefix<'p>(&'p self, prefix: &'p str) -> impl Iterator<Item = &'p str> {
        let from = self.0.entries.range(prefix.to_owned()..);
        from.map(|(key, _)| key.as_str()).take_while(move |key| key.starts_with(prefix))
    }

    /// Name of the file and the place of a key in it; `None` if the file does not have it.
    pub fn position(&self, key: &str) -> Option<(Arc<str>, Position)> {
        let entry = self.entry(key)?;
        Some((self.0.file.clone(), Position { line: entry.line, column: entry.columns.0 }))
    }

    /// A fault of the value of a property: at its place in the file, or named after the environment variable that gives it.
    pub fn fault(&self, severity: Severity, code: Code, key: &str, message: impl Into<String>) -> Diagnostic {
        if let Some(variable) = self.variable(key) {
            return Diagnostic::file(severity, code, &format!("environment variable {variable}"), message);
        }
        let fault = Diagnostic::file(severity, code, &self.0.file, message);
        match self.entry(key) {
            Some(entry) => fault.at_position(Position { line: entry.line, column: entry.columns.1 }),
            None => fault,
        }
    }

    /// Whether the file's value of a key has a `${` without `}`.
    pub(crate) fn is_unterminated(&self, key: &str) -> bool {
        self.entry(key).is_some_and(|entry| expand::is_unterminated(&entry.raw))
    }

    /// Names of the active profiles; `prod` unless configured.
    pub fn profiles(&self) -> &[String] {
        &self.0.profiles
    }

    /// The value as written: of the environment, else of the file.
    fn raw(&self, key: &str) -> Option<&str> {
        let variable = self.variable(key).and_then(|name| self.0.env.get(&name));
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

    /// The environment variable that gives a key its value.
    fn variable(&self, key: &str) -> Option<String> {
        variable::names(key).into_iter().find(|name| self.0.env.contains_key(name))
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

/// Prints keys only.
impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.entries.keys()).finish()
    }
}

/// A key without `%profile.` and the rank of its profile; `None` if that is not active.
fn effective<'k>(key: &'k str, profiles: &[String]) -> Option<(&'k str, usize)> {
    let Some(profiled) = key.strip_prefix('%') else { return Some((key, 0)) };
    let (names, key) = profiled.split_once('.')?;
    let rank = profiles.iter().rposition(|active| names.split(',').any(|name| name.trim() == active))?;
    Some((key, rank + 1))
}

/// The key of an entry as written, and the byte at which its value begins in its first line.
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

/// Where key and value of an entry begin in its first line, in characters from 1.
fn columns(line: &str) -> (usize, usize) {
    let (_, value) = key_and_value(line);
    let start = line.len() - line.trim_start_matches([' ', '\t', '\x0c']).len();
    let column = |byte: usize| line.get(..byte).map_or(0, |before| before.chars().count()) + 1;
    (column(start), column(value))
}

#[cfg(test)]
mod tests;
