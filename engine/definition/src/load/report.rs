//! Reports the problems of a document while it is loaded.

use granit_parser::{ErrorKind, ScanError, Span};

use super::{
    loader::{Halt, Loader, start},
    problem::{Message, Problem, tab_near},
    scalar::Scalar,
};
use crate::{Code, Severity, codes};

impl Loader<'_> {
    /// Warns about an unquoted scalar that readers of YAML understand differently.
    pub(super) fn warn_if_ambiguous(&mut self, scalar: &Scalar, text: &str, span: Span) {
        if let Some(lint) = scalar.lint {
            self.problems.push(Problem {
                severity: Severity::Warning,
                code: codes::AMBIGUOUS_SCALAR,
                byte: start(span) as usize,
                message: Message::Text(format!("unquoted `{text}` is read as {lint}; other readers differ")),
                help: Some(format!("write \"{text}\" if text is meant")),
            });
        }
    }

    /// Reports an error at the beginning of a span.
    pub(super) fn report_error(&mut self, code: Code, span: Span, text: String) {
        let message =
            if code == codes::SYNTAX { Message::Syntax(self.format, text) } else { Message::Text(text) };
        let byte = start(span) as usize;
        self.problems.push(Problem { severity: Severity::Error, code, byte, message, help: None });
    }

    /// Reports that a limit is exceeded, and stops reading.
    pub(super) fn fail_too_large<T>(&mut self, span: Span, text: String) -> Result<T, Halt> {
        self.report_error(codes::TOO_LARGE, span, text);
        Err(Halt)
    }

    /// Reports a syntax error of the parser, with help for the mistakes that are frequent in workflows.
    pub(super) fn report_syntax_error(&mut self, error: &ScanError) {
        let text = error.kind().to_string();
        let byte = error.marker().byte_offset().unwrap_or_default();
        let tab = if text.contains("tab") { tab_near(self.text, byte) } else { None };
        let help = match error.kind() {
            _ if tab.is_some() => Some("indent with spaces: YAML takes no tabs for it"),
            ErrorKind::MappingValueNotAllowed => Some(
                "`: ` begins a property here; quote the text if it belongs to one, as in '${ {a: .b} }', \
                 else check the indentation",
            ),
            _ => None,
        };
        self.problems.push(Problem {
            severity: Severity::Error,
            code: codes::SYNTAX,
            byte: tab.unwrap_or(byte),
            message: Message::Syntax(self.format, text),
            help: help.map(str::to_owned),
        });
    }
}
