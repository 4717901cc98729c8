//! Diagnostics: problems in files, for the author of a workflow.
//!
//! Owns: [`Diagnostic`], its one-line text and its JSON. Promises: messages contain no user names and passwords of URLs; the level of the code
//! allows the severity (debug builds check it). Never: prints.

use std::{fmt, ops::Range, sync::Arc};

use serde::Serialize;

use crate::{Code, Pointer, Position, Source, userinfo::without_userinfo, visible};

/// Whether a definition is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The definition cannot be served.
    Error,
    /// The definition is served, but its behaviour differs from the text, or probably from the intention of its author.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One problem. Displays as one line `file:line:column: error[RON0101]: message`, without control characters; [`render`](Self::render) adds the
/// line of the file and the help. Sorts by file and place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// Its code, such as `RON0101`.
    pub code: Code,
    /// Name of the file.
    pub file: Arc<str>,
    /// Line and column; absent for a problem of the whole file.
    pub position: Option<Position>,
    /// The JSON pointer of the value; absent for a problem of the whole file.
    pub pointer: Option<Pointer>,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at a value of a document.
    pub fn error(code: Code, source: &Source, at: &Pointer, message: impl Into<String>) -> Self {
        Self::at(Severity::Error, code, source, at, message.into())
    }

    /// A warning at a value of a document.
    pub fn warning(code: Code, source: &Source, at: &Pointer, message: impl Into<String>) -> Self {
        Self::at(Severity::Warning, code, source, at, message.into())
    }

    /// A problem of a file as a whole.
    pub fn file(severity: Severity, code: Code, file: &str, message: impl Into<String>) -> Self {
        debug_assert!(code.level.allows(severity), "{code} is reported as {severity}");
        let message = without_userinfo(&message.into()).into_owned();
        Self { severity, code, file: file.into(), position: None, pointer: None, message, help: None }
    }

    fn at(severity: Severity, code: Code, source: &Source, at: &Pointer, message: String) -> Self {
        debug_assert!(code.level.allows(severity), "{code} is reported as {severity}");
        Self {
            severity,
            code,
            file: source.path().clone(),
            position: Some(source.position(at)),
            pointer: Some(at.clone()),
            message: without_userinfo(&message).into_owned(),
            help: None,
        }
    }

    /// Moves the position to the name of the member at `at`.
    #[must_use]
    pub fn on_key(mut self, source: &Source, at: &Pointer) -> Self {
        self.position = Some(source.key_position(at));
        self
    }

    /// Moves the position to the first of these bytes of the text at `at`.
    #[must_use]
    pub fn within(mut self, source: &Source, at: &Pointer, bytes: Range<usize>) -> Self {
        self.position = Some(source.position_within(at, bytes.start));
        self
    }

    /// Sets the position.
    #[must_use]
    pub fn at_position(mut self, position: Position) -> Self {
        self.position = Some(position);
        self
    }

    /// Adds what would be right.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Whether the definition is refused.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", visible(&self.file))?;
        if let Some(position) = self.position {
            write!(f, "{position}:")?;
        }
        write!(f, " {}[{}]: {}", self.severity, self.code, visible(&self.message))
    }
}

impl Ord for Diagnostic {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let key = |d: &Self| (d.file.clone(), d.position, d.severity, d.code);
        key(self)
            .cmp(&key(other))
            .then_with(|| (&self.message, &self.help).cmp(&(&other.message, &other.help)))
            .then_with(|| self.pointer.cmp(&other.pointer))
    }
}

impl PartialOrd for Diagnostic {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
