//! The codes of all problems that Rondo reports about files. Problems that an author repairs in different ways have different codes.
//!
//! Owns: number, title, level and page of every code, of all crates (`RON00xx` files and their syntax, `RON01xx` definitions,
//! `RON02xx` expressions and what the engine runs, `RON03xx` functions, `RON04xx` files that a definition names, `RON05xx`
//! configuration). Promises: a number has one meaning and one level, and is never given to another problem. To add one: a line in
//! `table.rs`, and its page in `docs/diagnostics/`, which is a part of the binary.

mod table;

use std::fmt;

use serde::{Serialize, Serializer};

pub use table::*;

use crate::did_you_mean;

/// A code. Displays and serializes as its number. Two codes are equal if their numbers are.
#[derive(Clone, Copy)]
pub struct Code {
    /// `RON` and four digits.
    pub number: &'static str,
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// Whether it is an error or a warning.
    pub level: Level,
    /// Its page in Markdown: what it means, an example that causes it, and the repaired example.
    pub page: &'static str,
}

/// Whether problems with a code are errors or warnings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The definition or the configuration is refused.
    Error,
    /// The definition or the configuration is accepted.
    Warning,
    /// An error if `rondo.compat` is `spec`; otherwise a warning, because `SonataFlow` does not check it.
    Deviation,
}

impl Level {
    /// Whether a code of this level may be reported with a severity.
    pub fn allows(self, severity: crate::Severity) -> bool {
        match self {
            Self::Error => severity == crate::Severity::Error,
            Self::Warning => severity == crate::Severity::Warning,
            Self::Deviation => true,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Deviation => "warning, or error with `rondo.compat=spec`",
        })
    }
}

impl Code {
    /// Finds a code by its number as people write it: `RON0110`, `ron0110`, `0110` or `110`.
    ///
    /// The error contains the most similar code, if there is one.
    pub fn find(text: &str) -> Result<Self, Option<Self>> {
        let text = text.trim().to_ascii_uppercase();
        let digits = text.strip_prefix("RON").unwrap_or(&text);
        let number = format!("RON{digits:0>4}");
        let by_number = |number: &str| ALL.iter().copied().find(|code| code.number == number);
        match by_number(&number) {
            Some(code) => Ok(code),
            None => Err(did_you_mean(&number, ALL.iter().map(|code| code.number)).and_then(by_number)),
        }
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Code {}

impl PartialEq<str> for Code {
    fn eq(&self, other: &str) -> bool {
        self.number == other
    }
}

impl PartialEq<&str> for Code {
    fn eq(&self, other: &&str) -> bool {
        self.number == *other
    }
}

impl PartialOrd for Code {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Code {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.number.cmp(other.number)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.number)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.number)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.number)
    }
}

#[cfg(test)]
mod tests;
