//! What a check found wrong, in words for the author of a workflow.
//!
//! Owns: the one form of every problem that Rondo reports about files, its text for terminals and its JSON for machines.
//! Promises: names are spelled as in the file; URLs are shown without
//! passwords. Never: prints anything itself. The codes are those of [`crate::codes`]; a code whose level
//! does not allow the severity is a bug that debug builds stop at.

use std::{fmt, fmt::Write as _, ops::Range, sync::Arc};

use serde::Serialize;

use crate::{
    Code, Pointer, Position, Source,
    userinfo::{starred, without_userinfo},
    visible,
};

/// Whether a definition is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The definition cannot be served.
    Error,
    /// It can, but not in every point as written.
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

/// One problem. Displays as one line `file:line:column: error[RON0101]: message`, whatever characters are in it; [`render`](Self::render) adds the
/// help and the line of the file. Sorts by file and place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// Its code, such as `RON0101`.
    pub code: Code,
    /// Name of the file.
    pub file: Arc<str>,
    /// Place in the file; absent when the file as a whole is meant.
    pub position: Option<Position>,
    /// The same place as a JSON pointer, where there is one.
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

    /// Points to the name of the member instead of its value.
    #[must_use]
    pub fn on_key(mut self, source: &Source, at: &Pointer) -> Self {
        self.position = Some(source.key_position(at));
        self
    }

    /// Points into the text at `at`, to the first of the given bytes.
    #[must_use]
    pub fn within(mut self, source: &Source, at: &Pointer, bytes: Range<usize>) -> Self {
        self.position = Some(source.position_within(at, bytes.start));
        self
    }

    /// Puts the problem at a line and column.
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

    /// The line, the help, and, if the source is at hand, the line of the file with a mark under the place.
    pub fn render(&self, source: Option<&Source>) -> String {
        let mut out = self.to_string();
        if let (Some(position), Some(source)) = (self.position, source)
            && let Some(line) = source.line_text(position.line)
        {
            let number = position.line.to_string();
            let shown: String = starred(line).chars().take(SNIPPET_CHARACTERS).collect();
            let shown = shown.replace('\t', " ");
            let _ = write!(out, "\n {number} | {}", visible(&shown));
            if position.column <= SNIPPET_CHARACTERS {
                // A control character takes several columns.
                let before: String = shown.chars().take(position.column.saturating_sub(1)).collect();
                let missing = position.column.saturating_sub(1 + before.chars().count());
                let column = visible(&before).chars().count() + missing + 1;
                let _ = write!(out, "\n {:1$} | {2:>column$}", "", number.len(), "^");
            }
        }
        if let Some(help) = &self.help {
            let _ = write!(out, "\n  help: {}", visible(help));
        }
        out
    }
}

/// Longer lines (JSON on one line) are cut when shown.
const SNIPPET_CHARACTERS: usize = 160;

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

/// The candidate that was probably meant, if one is close enough: case does not count, and one letter in three may differ.
pub fn did_you_mean<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let wanted: Vec<char> = name.to_lowercase().chars().take(SUGGESTED_CHARACTERS).collect();
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let other: Vec<char> = candidate.to_lowercase().chars().take(SUGGESTED_CHARACTERS).collect();
            let distance = edit_distance(&wanted, &other);
            (distance * 3 <= wanted.len().max(other.len())).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Names are compared up to here, so that a long text in the place of a name costs nothing.
const SUGGESTED_CHARACTERS: usize = 80;

/// Edits (insert, delete, replace, swap of neighbours) that turn one text into the other.
fn edit_distance(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i + 1);
        for (j, cb) in b.iter().enumerate() {
            let cell = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
            let mut best =
                (cell(&last, j) + usize::from(ca != cb)).min(cell(&last, j + 1) + 1).min(cell(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(cb) && b.get(j - 1) == Some(ca);
            if swapped {
                best = best.min(cell(&before_last, j - 1) + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes;

    #[test]
    fn names_that_are_close_are_suggested() {
        for (name, expected) in [
            ("Aprove", Some("Approve")),
            ("approve", Some("Approve")),
            ("Apporve", Some("Approve")),
            ("Deny", None),
            ("", None),
        ] {
            assert_eq!(did_you_mean(name, ["Reject", "Approve"]), expected, "{name}");
        }
    }

    #[test]
    fn a_diagnostic_has_no_control_characters_of_others() {
        let source = Source::unread("a\nb.sw.yaml", "id: \u{1b}[31mx\ty z\r\n");
        let fault = Diagnostic::file(
            Severity::Error,
            codes::SYNTAX,
            "a\nb.sw.yaml",
            "no \u{1b}]0;t\u{7}\nerror: forged",
        );
        let fault = fault.at_position(Position { line: 1, column: 13 }).help("write\r`x`");
        insta::assert_snapshot!(fault.render(Some(&source)), @r"
        a\nb.sw.yaml:1:13: error[RON0002]: no \u{1b}]0;t\u{7}\nerror: forged
         1 | id: \u{1b}[31mx y z
           |                  ^
          help: write\r`x`
        ");
    }
}
