//! The properties that Rondo reads: name, kind and default of each.
//!
//! Owns: [`Setting`] and the one table of them, [`ALL`]. Promises: validation, documentation and readers of a property
//! use the same name, kind and default; a value of another kind is an error wherever it is read, never a silent default.
//! Never: knows the purpose of a property. A name may have holes, as in `quarkus.rest-client.<key>.url`.

mod check;
mod kind;
mod table;
mod variables;

use std::time::Duration;

pub use check::{check, without_secrets};
pub use kind::Kind;
pub use table::*;
pub use variables::VARIABLES;

use crate::{Properties, PropertyError};

/// One property, or a family of them when the name has holes.
#[derive(Debug)]
pub struct Setting {
    /// Name; `<…>` stands for what users choose.
    pub name: &'static str,
    /// What the value may be.
    pub kind: Kind,
    /// The value when there is none, in words where it is none in itself; empty if there is no such thing.
    pub default: &'static str,
    /// What it does, in one line.
    pub meaning: &'static str,
}

impl Setting {
    /// Whether it is Rondo's own; the others are `SonataFlow`'s or Quarkus's, and have the meaning that they have there.
    pub fn is_own(&self) -> bool {
        self.name.starts_with(OWN)
    }

    /// Whether a key is this setting's name, or one of its family.
    pub fn covers(&self, key: &str) -> bool {
        let Some((prefix, rest)) = self.name.split_once('<') else { return self.name == key };
        let Some(mut left) = key.strip_prefix(prefix) else { return false };
        let mut parts = rest.split('<').map(|part| part.split_once('>').map_or("", |(_, literal)| literal));
        let last = parts.next_back().unwrap_or_default();
        for literal in parts {
            // A name of at least one character stands in each hole.
            let from = left.chars().next().map_or(0, char::len_utf8);
            let Some(at) = left.get(from..).and_then(|rest| rest.find(literal)) else { return false };
            left = left.get(from + at + literal.len()..).unwrap_or_default();
        }
        left.strip_suffix(last).is_some_and(|hole| !hole.is_empty())
    }

    /// The value without blanks around it; a blank one counts as absent, as in Quarkus.
    pub fn text(&self, properties: &Properties) -> Result<Option<String>, PropertyError> {
        let value = properties.resolve(self.name)?.map(|value| value.trim().to_owned());
        Ok(value.filter(|value| !value.is_empty()))
    }

    /// The value of a whole number, else the default.
    pub fn count<N: TryFrom<u64>>(&self, properties: &Properties) -> Result<N, PropertyError> {
        let text = self.text(properties)?;
        let number = self.kind.number(text.as_deref().unwrap_or(self.default), self.is_own());
        number.and_then(|number| N::try_from(number).ok()).ok_or_else(|| self.wrong(self.name))
    }

    /// The value of a time in milliseconds, else the default.
    pub fn duration(&self, properties: &Properties) -> Result<Duration, PropertyError> {
        self.count(properties).map(Duration::from_millis)
    }

    /// Whether it is on; without a value, the default.
    pub fn flag(&self, properties: &Properties) -> Result<bool, PropertyError> {
        let text = self.text(properties)?;
        kind::flag(text.as_deref().unwrap_or(self.default)).ok_or_else(|| self.wrong(self.name))
    }

    /// The parts of a list that commas separate; none if it is absent.
    pub fn list(&self, properties: &Properties) -> Result<Vec<String>, PropertyError> {
        Ok(kind::parts(&self.text(properties)?.unwrap_or_default()).map(str::to_owned).collect())
    }

    /// The tokens of a property that grants access; none only if it is absent. A value without a token is an
    /// error, because the engine would answer requests without one.
    pub fn tokens(&self, properties: &Properties) -> Result<Vec<String>, PropertyError> {
        let Some(value) = properties.resolve(self.name)? else { return Ok(Vec::new()) };
        let tokens: Vec<String> = kind::parts(&value).map(str::to_owned).collect();
        if tokens.is_empty() { Err(self.wrong(self.name)) } else { Ok(tokens) }
    }

    /// The error for a value of another kind.
    pub(crate) fn wrong(&self, key: &str) -> PropertyError {
        PropertyError::Type { key: key.to_owned(), expected: self.kind.expected(self.is_own()) }
    }
}

/// Prefix of the names of Rondo's own properties.
pub const OWN: &str = "rondo.";

/// The setting that a key belongs to.
pub fn find(key: &str) -> Option<&'static Setting> {
    ALL.iter().copied().find(|setting| setting.covers(key))
}

#[cfg(test)]
mod tests;
