//! What the author of a text that is not a valid expression probably meant.
//!
//! Owns: the habits of other languages and of earlier versions that published workflows have. Promises: an expression that is suggested compiles.
//! Never: changes what a text means; it is a hint only.

use std::fmt::Write as _;

use rondo_expression::{Language, compile, strip};

/// What would be right instead of a text that does not compile; `None` if nothing is known.
pub(super) fn hint(language: Language, text: &str) -> Option<String> {
    let inner = strip(text);
    let nested = strip(inner);
    if nested != inner && compile(language, nested).is_ok() {
        return Some(format!("one pair of `${{ }}` is enough: `${{ {nested} }}`"));
    }
    if language != Language::Jq {
        return None;
    }
    json_path_hint(inner).or_else(|| variable_hint(inner)).or_else(|| spelling_hint(inner))
}

/// What would be right instead of a text without marks that is sent as it is, if it is clearly meant as an expression.
pub(super) fn unmarked_hint(language: Language, text: &str) -> Option<String> {
    let text = text.trim();
    if language != Language::Jq || text.contains("${") {
        return None;
    }
    let is_call = text.ends_with("()") && !text.contains(char::is_whitespace);
    json_path_hint(text)
        .or_else(|| environment_name(text).map(|name| environment_hint(&name)))
        .or_else(|| is_call.then(|| spelling_hint(text)).flatten())
}

/// `$.a[0]`, also as a part of a condition.
fn json_path_hint(text: &str) -> Option<String> {
    let is_path = text.starts_with("$.") || text.starts_with("$[");
    let has_path = is_path || text.contains(" $.") || text.contains("($.");
    if !has_path {
        return None;
    }
    let jq = text.replace("$.", ".").replace("$[", ".[");
    let in_jq = compile(Language::Jq, &jq).ok().map(|_| format!("write `{jq}`"));
    let is_whole = is_path && compile(Language::JsonPath, text).is_ok();
    let otherwise = "`expressionLang: jsonpath` makes all expressions of a workflow JSONPath";
    match in_jq {
        Some(jq) if is_whole => Some(format!("this is JSONPath: {jq}; {otherwise}")),
        Some(jq) => Some(format!("paths of jq begin with a dot: {jq}")),
        None if is_path => Some(format!("this is JSONPath, and the workflow's language is jq; {otherwise}")),
        None => None,
    }
}

/// `env.NAME`, `$ENV.NAME`, and `NAME` in capitals alone: ways of others to read an environment variable.
fn variable_hint(text: &str) -> Option<String> {
    let is_name = |text: &str| {
        text.len() > 1
            && text.starts_with(|first: char| first.is_ascii_uppercase())
            && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    let name = environment_name(text).or_else(|| is_name(text).then(|| text.to_owned()))?;
    Some(environment_hint(&name))
}

/// The name in `env.NAME`, `$ENV.NAME` and `env["NAME"]` at the beginning of a text.
fn environment_name(text: &str) -> Option<String> {
    let rest = text.strip_prefix("$ENV").or_else(|| text.strip_prefix("env"))?;
    let name: String = match rest.strip_prefix("[\"") {
        Some(quoted) => quoted.split('"').next()?.to_owned(),
        None => rest.strip_prefix('.')?.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect(),
    };
    (!name.is_empty()).then_some(name)
}

fn environment_hint(name: &str) -> String {
    format!("the environment is read by `$SECRET.{name}`, which is an environment variable or a property")
}

/// Spellings of other languages: what jq has instead, and the words for it.
const SPELLINGS: [(&str, &str, &str); 6] = [
    ("()", "", "a function without arguments has no parentheses"),
    ("'", "\"", "texts have double quotes"),
    ("===", "==", "equality is `==`"),
    ("!==", "!=", "inequality is `!=`"),
    ("&&", " and ", "conditions are joined by `and`"),
    ("||", " or ", "conditions are joined by `or`"),
];

/// The text with the spellings of jq, if that compiles.
fn spelling_hint(text: &str) -> Option<String> {
    let mut jq = text.to_owned();
    let mut reasons = String::new();
    // `!==` has `==` in it, so the longest is replaced first.
    for &(other, own, reason) in
        [3, 2, 0, 1, 4, 5].into_iter().filter_map(|index: usize| SPELLINGS.get(index))
    {
        if jq.contains(other) {
            jq = jq.replace(other, own);
            let separator = if reasons.is_empty() { "" } else { ", " };
            let _ = write!(reasons, "{separator}{reason}");
        }
    }
    let jq = jq.split_whitespace().collect::<Vec<_>>().join(" ");
    (!reasons.is_empty() && compile(Language::Jq, &jq).is_ok()).then(|| format!("{reasons}: `{jq}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_told_with_an_expression_that_compiles() {
        for (text, expected) in [
            ("${ ${ .a } }", Some("one pair of `${ }` is enough: `${ .a }`")),
            (
                "$.result == true",
                Some(
                    "this is JSONPath: write `.result == true`; `expressionLang: jsonpath` makes all expressions of a workflow JSONPath",
                ),
            ),
            (
                "{{ $.[?(@.result == true)] }}",
                Some(
                    "this is JSONPath, and the workflow's language is jq; `expressionLang: jsonpath` makes all expressions of a workflow JSONPath",
                ),
            ),
            (
                "$.items[0].id",
                Some(
                    "this is JSONPath: write `.items[0].id`; `expressionLang: jsonpath` makes all expressions of a workflow JSONPath",
                ),
            ),
            ("now() > 3", Some("a function without arguments has no parentheses: `now > 3`")),
            (
                ".a == 'x' && .b !== 1",
                Some(
                    "inequality is `!=`, texts have double quotes, conditions are joined by `and`: `.a == \"x\" and .b != 1`",
                ),
            ),
            (
                "${ env.HOME }",
                Some(
                    "the environment is read by `$SECRET.HOME`, which is an environment variable or a property",
                ),
            ),
            (
                "${CLIENT_ID}",
                Some(
                    "the environment is read by `$SECRET.CLIENT_ID`, which is an environment variable or a property",
                ),
            ),
            (".a +", None),
            ("foo()", None),
        ] {
            assert_eq!(hint(Language::Jq, text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_text_without_marks_is_only_told_where_it_is_clear_what_was_meant() {
        for (text, told) in [
            ("now()", true),
            ("$.name", true),
            ("env.HOME", true),
            ("it's now()", false),
            ("costs $5", false),
            ("environment", false),
            ("foo()", false),
            ("see $.name", false),
        ] {
            assert_eq!(unmarked_hint(Language::Jq, text).is_some(), told, "{text}");
        }
    }
}
