//! Finds text in a JSON file that is not JSON, although the YAML parser accepts it.
//!
//! Promises: a comment is an error, because YAML reads `//` as the beginning of a name. Any other deviation is read as YAML and gets a warning,
//! because other readers of JSON refuse it.

use serde::de::IgnoredAny;

use super::problem::{Message, Problem};
use crate::{Format, Severity, byte_order_mark::BYTE_ORDER_MARK, codes};

/// The first problem of a text that is not JSON; `None` if it is JSON.
pub(super) fn find_problem(text: &str) -> Option<Problem> {
    let document = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let error = serde_json::from_str::<IgnoredAny>(document).err()?;
    let error_text = error.to_string();
    // The loader reports the depth itself, and accepts an empty document as null.
    if error_text.starts_with("recursion limit") || document.trim().is_empty() {
        return None;
    }
    let at = byte_offset(document, error.line(), error.column());
    let is_comment = |at: usize| {
        let rest = document.get(at..).unwrap_or_default();
        rest.starts_with("//") || rest.starts_with("/*")
    };
    let problem = |severity, at: usize, message: String, help: &str| Problem {
        severity,
        code: if severity == Severity::Error { codes::SYNTAX } else { codes::TOLERATED_FORM },
        byte: text.len() - document.len() + at,
        message: Message::Syntax(Format::Json, message),
        help: Some(help.to_owned()),
    };
    if let Some(at) = [Some(at), at.checked_sub(1)].into_iter().flatten().find(|at| is_comment(*at)) {
        let message = "comments are not JSON".to_owned();
        return Some(problem(
            Severity::Error,
            at,
            message,
            "remove it, or write the workflow as `.sw.yaml` with `#`",
        ));
    }
    let (before, after) = document.split_at_checked(at).unwrap_or_default();
    let message = match error_text.split_once(" at line ") {
        _ if before.trim_end().ends_with(',') && after.starts_with([']', '}']) => {
            "a comma stands behind the last value"
        }
        Some((message, _)) => message,
        None => &error_text,
    };
    let help = "it is read as YAML all the same; other readers refuse it";
    Some(problem(Severity::Warning, at, message.to_owned(), help))
}

/// The byte offset of a line and a column, both counted from 1; the column in bytes.
fn byte_offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (before + column.saturating_sub(1)).min(text.len())
}

#[cfg(test)]
mod tests {
    use crate::{Limits, load};

    fn problems(text: &str) -> String {
        let found = match load("a.json", text, Limits::WORKFLOW) {
            Ok(loaded) => loaded.warnings,
            Err(problems) => problems,
        };
        found.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn deviations_from_json_are_reported_at_their_places() {
        for (text, expected) in [
            ("{\"a\": \"// none\", \"b\": [1, 2.5e3, null, \"/*\"]}\n", ""),
            ("\u{feff}{\"a\": 1}", ""),
            ("", ""),
            (
                "// ö\n{\"a\": 1}",
                "a.json:1:1: error[RON0002]: not valid JSON, line 1 column 1: comments are not JSON",
            ),
            (
                "{\n  // ö\n  \"a\": 1\n}",
                "a.json:2:3: error[RON0002]: not valid JSON, line 2 column 3: comments are not JSON",
            ),
            (
                "{\"ä\": 1, /* x */ \"b\": 2}",
                "a.json:1:10: error[RON0002]: not valid JSON, line 1 column 10: comments are not JSON",
            ),
            (
                "{\"a\": 1 // x\n}",
                "a.json:1:9: error[RON0002]: not valid JSON, line 1 column 9: comments are not JSON",
            ),
            (
                "\u{feff}{\"a\": [1,]}",
                "a.json:1:11: warning[RON0106]: not valid JSON, line 1 column 11: a comma stands behind the last value",
            ),
            (
                "{\"a\": 1,\n}",
                "a.json:2:1: warning[RON0106]: not valid JSON, line 2 column 1: a comma stands behind the last value",
            ),
            ("{a: 1}", "a.json:1:2: warning[RON0106]: not valid JSON, line 1 column 2: key must be a string"),
            (
                "{\"a\": 1 # x\n}",
                "a.json:1:9: warning[RON0106]: not valid JSON, line 1 column 9: expected `,` or `}`",
            ),
        ] {
            assert_eq!(problems(text), expected, "{text}");
        }
    }
}
