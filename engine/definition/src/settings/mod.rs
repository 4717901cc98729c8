//! The properties that Rondo reads: name, kind and default of each.
//!
//! Owns: [`Setting`] and the one table of them, [`ALL`]. Promises: validation, documentation and readers of a property
//! use the same name, kind and default; a value of another kind is an error wherever it is read, never a silent default.
//! Never: depends on the purpose of a property. A name may have placeholders, as in `quarkus.rest-client.<key>.url`.

mod check;
mod kind;
mod scope;
mod table;
mod variables;

use std::time::Duration;

pub(crate) use check::without_secrets_in;
pub use check::{check, check_project, without_secrets};
pub use kind::{Kind, parse_flag};
pub use scope::is_engine_wide;
pub use table::*;
pub use variables::PROGRAM_VARIABLES;

use crate::{Properties, PropertyError};

/// A property, or a family of properties if the name has placeholders.
#[derive(Debug)]
pub struct Setting {
    /// The name. A placeholder `<…>` stands for a name that users choose.
    pub name: &'static str,
    /// The kind of its value.
    pub kind: Kind,
    /// The default value, or words that describe it; empty if there is none.
    pub default: &'static str,
    /// What it does, in one line.
    pub meaning: &'static str,
}

impl Setting {
    /// Whether it is a property of Rondo. The others are properties of `SonataFlow` or Quarkus, and have the same meaning as there.
    pub fn is_own(&self) -> bool {
        self.name.starts_with(OWN_PREFIX)
    }

    /// Whether a key is the name of this setting, or the name with text of at least one character in each placeholder.
    pub fn matches_key(&self, key: &str) -> bool {
        let Some((prefix, rest)) = self.name.split_once('<') else { return self.name == key };
        let Some(mut left) = key.strip_prefix(prefix) else { return false };
        let mut parts = rest.split('<').map(|part| part.split_once('>').map_or("", |(_, literal)| literal));
        let last = parts.next_back().unwrap_or_default();
        for literal in parts {
            // The text in the placeholder has at least one character, so the search begins after the first.
            let from = left.chars().next().map_or(0, char::len_utf8);
            let Some(at) = left.get(from..).and_then(|rest| rest.find(literal)) else { return false };
            left = left.get(from + at + literal.len()..).unwrap_or_default();
        }
        left.strip_suffix(last).is_some_and(|placeholder| !placeholder.is_empty())
    }

    /// The value without surrounding blanks; `None` if it is absent or blank, as in Quarkus.
    pub fn text(&self, properties: &Properties) -> Result<Option<String>, PropertyError> {
        let value = properties.resolve(self.name)?.map(|value| value.trim().to_owned());
        Ok(value.filter(|value| !value.is_empty()))
    }

    /// The value as a whole number; the default if it is absent.
    pub fn count<N: TryFrom<u64>>(&self, properties: &Properties) -> Result<N, PropertyError> {
        let text = self.text(properties)?;
        let number = self.kind.number(text.as_deref().unwrap_or(self.default), self.is_own());
        number.and_then(|number| N::try_from(number).ok()).ok_or_else(|| self.type_error(self.name))
    }

    /// The value as a time in milliseconds; the default if it is absent.
    pub fn duration(&self, properties: &Properties) -> Result<Duration, PropertyError> {
        self.count(properties).map(Duration::from_millis)
    }

    /// The value as a boolean; the default if it is absent.
    pub fn flag(&self, properties: &Properties) -> Result<bool, PropertyError> {
        let text = self.text(properties)?;
        kind::parse_flag(text.as_deref().unwrap_or(self.default)).ok_or_else(|| self.type_error(self.name))
    }

    /// The value as a list separated by commas; empty if it is absent.
    pub fn list(&self, properties: &Properties) -> Result<Vec<String>, PropertyError> {
        Ok(kind::split_list(&self.text(properties)?.unwrap_or_default()).map(str::to_owned).collect())
    }

    /// The tokens of a property that restricts access; empty only if it is absent. A value without a token is an error, because with an empty list
    /// the engine would answer requests without a token.
    pub fn tokens(&self, properties: &Properties) -> Result<Vec<String>, PropertyError> {
        let Some(value) = properties.resolve(self.name)? else { return Ok(Vec::new()) };
        let tokens: Vec<String> = kind::split_list(&value).map(str::to_owned).collect();
        if tokens.is_empty() { Err(self.type_error(self.name)) } else { Ok(tokens) }
    }

    /// The error for a value that does not have the kind of this setting.
    pub(crate) fn type_error(&self, key: &str) -> PropertyError {
        PropertyError::Type { key: key.to_owned(), expected: self.kind.expected(self.is_own()) }
    }
}

/// Prefix of the names of Rondo's own properties.
pub const OWN_PREFIX: &str = "rondo.";

/// The setting that a key belongs to; `None` if Rondo does not read the key.
pub fn find_setting(key: &str) -> Option<&'static Setting> {
    ALL.iter().copied().find(|setting| setting.matches_key(key))
}

/// Whether the value of another property of the file refers to this one as `${key}`.
pub fn is_referred_to(properties: &Properties, key: &str) -> bool {
    properties.refers_to(key)
}

#[cfg(test)]
mod tests;
