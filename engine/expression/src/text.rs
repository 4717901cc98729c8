//! Notation around expressions: `${ … }`, `{{ … }}`, `fn:NAME`, `\( … )` in plain text.

use serde_json::Value;

use crate::{
    expression::{Expression, Language, compile},
    value::Val,
};

/// The expression inside of `${ … }` or `{{ … }}`; anything else as it is, without the blanks around it.
///
/// A closing bracket may be missing, as on SonataFlow.
pub fn strip(text: &str) -> &str {
    let text = trimmed(text);
    for (open, close) in [("${", "}"), ("{{", "}}")] {
        if let Some(inner) = text.strip_prefix(open) {
            return trimmed(inner.strip_suffix(close).unwrap_or(inner));
        }
    }
    text
}

/// A text without the blanks and control characters around it: Java's `trim`, which leaves the blanks of Unicode.
fn trimmed(text: &str) -> &str {
    text.trim_matches(|character| character <= ' ')
}

/// The object whose JSON a text is, also within the marks of an expression.
///
/// SonataFlow's reader takes the first object of a text and drops what comes behind; such a text is no JSON here.
pub(crate) fn json_object(text: &str) -> Option<Value> {
    let text = strip(text);
    let is_framed = text.starts_with('{') && text.ends_with('}');
    // `Val` bounds the nesting.
    is_framed.then(|| Val::from_json(text.as_bytes()).ok().map(Value::from))?
}

/// Bytes that functions may add to an expression. Each function may use another twice, so their texts grow as a power of two.
const MOST_ADDED: usize = 256 * 1024;

/// Replaces `fn:NAME` by the text of that expression function, also in the texts of functions. One that would hold itself stays as it is.
pub(crate) fn with_functions(text: &str, functions: &dyn Fn(&str) -> Option<String>) -> String {
    let mut room = MOST_ADDED;
    put_in_functions(text, functions, &mut Vec::new(), &mut room)
}

/// `within` has the functions whose text this is a part of, `room` the bytes that may still be added.
fn put_in_functions(
    text: &str,
    functions: &dyn Fn(&str) -> Option<String>,
    within: &mut Vec<String>,
    room: &mut usize,
) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("fn:") {
        result.push_str(before);
        let name_ends = behind.find(|next: char| !next.is_alphanumeric() && next != '_' && next != '-');
        let (name, after) = behind.split_at(name_ends.unwrap_or(behind.len()));
        let stands_alone = !before.ends_with(|last: char| last.is_alphanumeric() || last == '_');
        let is_possible = stands_alone && !within.iter().any(|outer| outer == name);
        let body = functions(name).filter(|body| is_possible && body.len() <= *room);
        let Some(body) = body else {
            result.push_str("fn:");
            result.push_str(name);
            rest = after;
            continue;
        };
        *room -= body.len();
        within.push(name.to_owned());
        let body = put_in_functions(strip(&body), functions, within, room);
        within.pop();
        // A function that is the whole expression needs no brackets, which `JSONPath` does not have.
        if before.trim().is_empty() && after.trim().is_empty() {
            result.push_str(&body);
        } else {
            result.push_str(&format!("({body})"));
        }
        rest = after;
    }
    result.push_str(rest);
    result
}

/// Plain text with `\( … )` in it is a jq text with interpolation.
pub(crate) fn interpolated(language: Language, text: &str) -> Option<Expression> {
    if language != Language::Jq || !text.contains("\\(") {
        return None;
    }
    compile(language, &format!("\"{text}\"")).ok()
}

/// What a text in an argument is.
pub(crate) enum Meaning {
    /// An expression, and the text to use where it fails.
    Expression(Expression, Val),
    Text(Val),
}

/// Functions without arguments that the interpreter has and SonataFlow's jq does not. Such a word alone is text there, and so it is here.
const FOREIGN: [&str; 15] = [
    "abs",
    "debug",
    "halt",
    "have_decnum",
    "have_literal_numbers",
    "infinite",
    "input",
    "input_filename",
    "isinfinite",
    "isnan",
    "isnormal",
    "nan",
    "stderr",
    "toarray",
    "tostream",
];

/// The rule by which a bare text is an expression or text.
///
/// What is valid in the language is an expression. What is not is text, without the blanks around it and, when it was
/// marked as an expression, without the mark. `kogito/jq-or-text` recorded what the real engine makes of 118 texts.
///
/// In `JSONPath` every word is a path, `name` as well as `$.name`, and gives itself if it finds nothing. A path among other words is one
/// only where `allows_words` says so: SonataFlow replaces it in messages, but not in arguments.
pub(crate) fn meaning(
    language: Language,
    text: &str,
    functions: &dyn Fn(&str) -> Option<String>,
    allows_words: bool,
) -> Meaning {
    let stripped = strip(text);
    let whole = with_functions(stripped, functions);
    let expression = match language {
        Language::Jq => jq(&whole),
        Language::JsonPath => json_path(&whole, allows_words),
    };
    match expression {
        Some(expression) => Meaning::Expression(expression, Val::text(whole)),
        None => Meaning::Text(Val::text(stripped)),
    }
}

fn jq(text: &str) -> Option<Expression> {
    let blank = FOREIGN.contains(&text.trim())
        || text.lines().all(|line| line.trim_start().is_empty() || line.trim_start().starts_with('#'));
    if blank {
        return None;
    }
    compile(Language::Jq, text).ok().or_else(|| interpolated(Language::Jq, text))
}

fn json_path(text: &str, allows_words: bool) -> Option<Expression> {
    let is_path = |expression: &Expression| expression.is_json_path() || allows_words;
    if text.contains('$') {
        return compile(Language::JsonPath, text).ok().filter(is_path);
    }
    // On SonataFlow `.env` searches all levels for `env` and gives an empty array; as plain text it is of more use.
    if text.starts_with('.') || allows_words {
        return None;
    }
    compile(Language::JsonPath, &format!("$.{text}")).ok().filter(Expression::is_json_path)
}

/// Whether a text mentions `.name` or `$name` as a whole word.
pub(crate) fn mentions(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(start, found)| {
        let before = text.get(..start).and_then(|before| before.chars().next_back());
        let after = text.get(start + found.len()..).and_then(|after| after.chars().next());
        let word = |next: Option<char>| next.is_some_and(|next| next.is_alphanumeric() || next == '_');
        matches!(before, Some('.' | '"' | '$')) && !word(after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_taken_off_also_half_open_ones() {
        for (text, stripped) in [
            ("${ .a }", ".a"),
            ("{{ .a }}", ".a"),
            (" ${.a} ", ".a"),
            ("${ .a", ".a"),
            ("${.a}${.b}", ".a}${.b"),
            (".a\n", ".a"),
            ("Hello ${ .a }", "Hello ${ .a }"),
            ("}", "}"),
        ] {
            assert_eq!(strip(text), stripped, "{text}");
        }
    }

    #[test]
    fn functions_are_put_in_by_name() {
        let functions = |name: &str| (name == "isAdult").then(|| "${ .age >= 18 }".to_owned());
        for (text, whole) in [
            ("fn:isAdult", ".age >= 18"),
            ("fn:isAdult and .ok", "(.age >= 18) and .ok"),
            ("fn:other", "fn:other"),
            ("\"xfn:isAdult\"", "\"xfn:isAdult\""),
        ] {
            assert_eq!(with_functions(text, &functions), whole);
        }
    }

    #[test]
    fn functions_use_functions_but_not_themselves() {
        let functions = |name: &str| {
            let body = match name {
                "name" => ".first + fn:space + .last",
                "space" => "\" \"",
                "endless" => "1 + fn:other",
                "other" => "${ fn:endless }",
                "twice" => "fn:name + fn:name",
                _ => return None,
            };
            Some(body.to_owned())
        };
        for (text, whole) in [
            ("fn:name", ".first + (\" \") + .last"),
            ("fn:twice", "(.first + (\" \") + .last) + (.first + (\" \") + .last)"),
            ("fn:endless", "1 + (fn:endless)"),
        ] {
            assert_eq!(with_functions(text, &functions), whole);
        }
    }

    #[test]
    fn functions_that_double_themselves_end() {
        let doubles = |name: &str| {
            let number: u32 = name.parse().ok()?;
            Some(format!("[fn:{next}, fn:{next}]", next = number.saturating_sub(1)))
        };
        assert!(with_functions("fn:60", &doubles).len() < 4 * MOST_ADDED);
    }

    #[test]
    fn a_name_is_mentioned_as_a_whole_word() {
        for (text, found) in
            [(".item", true), ("$item.x", true), (".items", false), (".\"item\"", true), ("item", false)]
        {
            assert_eq!(mentions(text, "item"), found, "{text}");
        }
    }
}
