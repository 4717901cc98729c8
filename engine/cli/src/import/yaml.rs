//! Writes a value as a YAML document.
//!
//! Promises: reading the text gives the value again, under the rules of YAML 1.1 and 1.2 alike.

use serde_json::{Map, Value};

/// The spaces that a level is indented by.
const INDENT: usize = 2;

/// Words that readers of YAML take for something else than text.
const WORDS: [&str; 12] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "~", "nan", "inf"];

/// The text of a document.
pub(super) fn document(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Object(members) if !members.is_empty() => write_members(&mut text, members, 0),
        Value::Array(items) if !items.is_empty() => write_items(&mut text, items, 0),
        other => write_scalar(&mut text, other, 0),
    }
    text
}

fn write_members(text: &mut String, members: &Map<String, Value>, indent: usize) {
    for (index, (name, value)) in members.iter().enumerate() {
        // The first member stands behind what was written before: nothing, or the dash of an item.
        if index > 0 || text.is_empty() {
            text.push_str(&" ".repeat(indent));
        }
        text.push_str(&quoted(name));
        text.push(':');
        match value {
            Value::Object(members) if !members.is_empty() => {
                text.push('\n');
                text.push_str(&" ".repeat(indent + INDENT));
                write_members(text, members, indent + INDENT);
            }
            Value::Array(items) if !items.is_empty() => {
                text.push('\n');
                text.push_str(&" ".repeat(indent + INDENT));
                write_items(text, items, indent + INDENT);
            }
            scalar => {
                text.push(' ');
                write_scalar(text, scalar, indent);
            }
        }
    }
}

fn write_items(text: &mut String, items: &[Value], indent: usize) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 || text.is_empty() {
            text.push_str(&" ".repeat(indent));
        }
        text.push_str("- ");
        match item {
            Value::Object(members) if !members.is_empty() => write_members(text, members, indent + INDENT),
            Value::Array(items) if !items.is_empty() => write_items(text, items, indent + INDENT),
            scalar => write_scalar(text, scalar, indent),
        }
    }
}

/// Writes a scalar, or an empty list or object, and the end of its line. Lines of a block are indented by more than `indent`.
fn write_scalar(text: &mut String, value: &Value, indent: usize) {
    match value {
        Value::String(value) if is_block(value) => {
            text.push_str(if value.ends_with('\n') { "|\n" } else { "|-\n" });
            for line in value.lines() {
                if !line.is_empty() {
                    text.push_str(&" ".repeat(indent + INDENT));
                    text.push_str(line);
                }
                text.push('\n');
            }
        }
        Value::String(value) => {
            text.push_str(&quoted(value));
            text.push('\n');
        }
        other => {
            text.push_str(&other.to_string());
            text.push('\n');
        }
    }
}

/// Whether a text is written as a block of lines: several lines, and nothing that a block would change.
fn is_block(text: &str) -> bool {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let is_plain = |c: char| {
        c == '\n' || !(c.is_control() || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}'))
    };
    body.contains('\n')
        && !body.ends_with('\n')
        && !text.starts_with([' ', '\n'])
        && text.chars().all(is_plain)
        && body.lines().all(|line| line.is_empty() || !line.trim().is_empty())
}

/// A text on one line, with quotes where it would be read as something else without.
fn quoted(text: &str) -> String {
    let is_word = WORDS.contains(&text.to_ascii_lowercase().as_str());
    let is_safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ' ');
    let starts_as_text = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '/');
    if starts_as_text && !is_word && text.chars().all(is_safe) && !text.ends_with(' ') {
        return text.to_owned();
    }
    if text.chars().all(|c| (' '..='~').contains(&c)) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control()
                || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') =>
            {
                quoted.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use rondo_definition::{Limits, load};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_reads_as_people_write_it() {
        let value = json!({
            "id": "hello", "version": "1.0", "specVersion": "0.8", "states": [
                {"name": "A", "data": {}, "list": [], "nested": [[1, 2], ["x"]], "end": true, "text": "a\nb\n"},
                {"name": "${ .a }", "transition": {"nextState": "B"}, "none": null}
            ]
        });
        let expected = [
            "id: hello",
            "version: '1.0'",
            "specVersion: '0.8'",
            "states:",
            "  - name: A",
            "    data: {}",
            "    list: []",
            "    nested:",
            "      - - 1",
            "        - 2",
            "      - - x",
            "    end: true",
            "    text: |",
            "      a",
            "      b",
            "  - name: '${ .a }'",
            "    transition:",
            "      nextState: B",
            "    none: null",
        ];
        assert_eq!(document(&value).lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let texts = [
            "",
            " ",
            "a",
            "a b",
            "a ",
            " a",
            "yes",
            "No",
            "on",
            "null",
            "~",
            "1",
            "1.0",
            "1e3",
            "0x1f",
            "0o17",
            "017",
            ".5",
            "-",
            "- a",
            "?",
            ": ",
            "a: b",
            "a:b",
            "a #b",
            "#",
            "'",
            "\"",
            "it's",
            "\\",
            "{",
            "}",
            "[x]",
            "&a",
            "*a",
            "!t",
            "%",
            "@",
            "`",
            "|",
            ">",
            "a\nb",
            "a\nb\n",
            "a\n\nb\n",
            "a\n\n",
            "\na",
            "\n",
            " a\nb",
            "a\n b\n",
            "a \nb",
            "a\t\nb",
            "a\tb",
            "a\rb",
            "a\r\nb",
            "ü",
            "日本\n語\n",
            "\u{85}",
            "\u{2028}",
            "\u{feff}x",
            "\u{7f}",
            "\u{1b}[2J",
            "=",
            "<<",
            "2024-01-01",
            "12:30:45",
            "---",
            "...",
            "--- a",
            "a\n---\nb\n",
            "a\n...\n",
            "nan",
            ".nan",
            ".inf",
            "😀",
        ];
        let as_keys: Map<String, Value> =
            texts.iter().map(|text| ((*text).to_owned(), json!([text]))).collect();
        let as_values: Vec<Value> =
            texts.iter().map(|text| json!({"text": text, "list": [text, [text]], "after": 1})).collect();
        for value in [
            Value::Object(as_keys),
            Value::Array(as_values),
            json!([]),
            json!({}),
            json!("a\nb"),
            json!([[[]], [{}], {"a": [{"b": []}]}]),
            json!([0, -1, 1.5, 1e100, -2.5e-7, i64::MIN, true, false, null]),
        ] {
            let text = document(&value);
            let loaded = load("a.sw.yaml", &text, Limits::WORKFLOW)
                .unwrap_or_else(|problems| panic!("{problems:?}\n{text}"));
            assert_eq!(loaded.value, value, "{text}");
        }
    }
}
