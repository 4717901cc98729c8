//! Problems found while a document is read, when only bytes are known: lines are counted once, at the end.

use crate::{Diagnostic, Format, Severity, Source};

/// A problem whose line is not counted yet.
pub(super) struct Problem {
    pub(super) severity: Severity,
    pub(super) code: &'static str,
    pub(super) byte: usize,
    pub(super) message: Message,
    pub(super) help: Option<String>,
}

pub(super) enum Message {
    Text(String),
    /// A key stands twice: its name, and the byte of the first one.
    Duplicate(String, usize),
    /// The parser's words; they are put behind format and line.
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
