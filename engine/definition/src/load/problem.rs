//! Problems found while a document is loaded. They have byte offsets, because lines are counted once, at the end.

use crate::{Code, Diagnostic, Format, Severity, Source};

/// A problem at a byte offset.
pub(super) struct Problem {
    pub(super) severity: Severity,
    pub(super) code: Code,
    pub(super) byte: usize,
    pub(super) message: Message,
    pub(super) help: Option<String>,
}

pub(super) enum Message {
    Text(String),
    /// A key stands twice: its name, and the byte of the first one.
    Duplicate(String, usize),
    /// The message of the parser; the diagnostic adds format and line.
    Syntax(Format, String),
}

impl Problem {
    pub(super) fn locate(self, source: &Source) -> Diagnostic {
        let position = source.position_of_byte(self.byte);
        let message = match self.message {
            Message::Text(text) => text,
            Message::Duplicate(name, first) => {
                format!("`{name}` is given twice: here and at {}", source.position_of_byte(first))
            }
            Message::Syntax(format, text) => {
                format!("not valid {format}, line {} column {}: {text}", position.line, position.column)
            }
        };
        let mut diagnostic =
            Diagnostic::file(self.severity, self.code, source.path(), message).at_position(position);
        diagnostic.help = self.help;
        diagnostic
    }
}

/// The tab that indents the line of a byte or the next line: the parser reports what stands before a tab at its end.
pub(super) fn tab_near(text: &str, byte: usize) -> Option<usize> {
    let start = text.get(..byte)?.rfind('\n').map_or(0, |at| at + 1);
    let mut from = start;
    for line in text.get(start..)?.split_inclusive('\n').take(2) {
        let indentation = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(tab) = line.get(..indentation).and_then(|blanks| blanks.find('\t')) {
            return Some(from + tab);
        }
        from += line.len();
    }
    None
}
