//! Checks the text of a query before it is parsed.
//!
//! The parser and the validation of the GraphQL library recurse; a text of brackets alone would exhaust the stack, which
//! no handler could catch. So nesting is counted before parsing. Of a key that is written twice in an object the library keeps the last:
//! a filter would lose its first part, which may be the one that restricts whose runs are shown.

use std::collections::HashSet;

use async_graphql::{
    Pos, ServerError,
    parser::{parse_query, types::ExecutableDocument},
};

/// Deepest nesting of brackets in a query. The plugin's deepest is about 12.
const DEEPEST: usize = 64;

/// Longest query in bytes. The plugin's longest, with the ids of a hundred workflows in it, is some kilobytes.
pub(super) const LONGEST: usize = 1024 * 1024;

/// Deepest selection: instance, parent, its children, their nodes; introspection of types needs the most.
pub(super) const DEPTH: usize = 24;

/// Parses a query that is not too long or nested too deep, and writes no key of an object twice.
pub(super) fn parse(query: &str) -> Result<ExecutableDocument, ServerError> {
    let refused = |message: String, at: Option<Pos>| {
        let mut error = ServerError::new(message, at);
        error.extensions.get_or_insert_default().set("classification", "InvalidSyntax");
        error
    };
    if query.len() > LONGEST {
        return Err(refused(format!("the query is longer than {LONGEST} bytes"), None));
    }
    scan(query).map_err(|problem| refused(problem, None))?;
    parse_query(query).map_err(|error| {
        let at = error.positions().next().unwrap_or_default();
        // The library's text repeats the whole line; only what it expected instead is told.
        let text = error.to_string();
        let expected = text.rsplit_once("= ").map(|(_, expected)| format!(": {}", expected.trim()));
        let place = format!("Invalid syntax at line {} column {}", at.line, at.column);
        refused(place + &expected.unwrap_or_default(), Some(at))
    })
}

/// A bracket that is open.
struct Open<'q> {
    /// Whether it, or one around it, is a parenthesis: an object there is a value and no selection.
    in_arguments: bool,
    /// Keys of the object so far.
    keys: HashSet<&'q str>,
}

/// Checks a query up to its first mistake, which is where the parser stops too.
fn scan(query: &str) -> Result<(), String> {
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut name = "";
    let mut rest = query;
    while let Some(first) = rest.chars().next() {
        let (token, behind) = rest.split_at(length(rest, first));
        rest = behind;
        match first {
            '{' | '[' | '(' => {
                let in_arguments = first == '(' || open.last().is_some_and(|around| around.in_arguments);
                open.push(Open { in_arguments, keys: HashSet::new() });
                if open.len() > DEEPEST {
                    return Err(format!("the query nests brackets more than {DEEPEST} deep"));
                }
            }
            '}' | ']' | ')' => {
                open.pop();
            }
            ':' => {
                if let Some(object) = open.last_mut().filter(|object| object.in_arguments)
                    && !object.keys.insert(name)
                {
                    return Err(format!("the key `{name}` is written twice in one object"));
                }
            }
            '_' | 'a'..='z' | 'A'..='Z' => name = token,
            _ => {}
        }
    }
    Ok(())
}

/// How many bytes the token takes that a text begins with: a text in quotes, a comment, a name, or one character.
fn length(text: &str, first: char) -> usize {
    match first {
        '"' if text.starts_with("\"\"\"") => quoted(text, "\"\"\"", "\\\"\"\""),
        '"' => quoted(text, "\"", "\\"),
        '#' => text.find(['\n', '\r']).unwrap_or(text.len()),
        _ if first.is_ascii_alphabetic() || first == '_' => {
            text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len())
        }
        _ => first.len_utf8(),
    }
}

/// How many bytes a quoted text takes, quotes included. `escape` begins what must be passed over: of `\` also the character behind it.
fn quoted(text: &str, quote: &str, escape: &str) -> usize {
    let mut at = quote.len();
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(escape) {
            let behind = rest.get(escape.len()..).and_then(|rest| rest.chars().next());
            at += escape.len() + if escape == "\\" { behind.map_or(0, char::len_utf8) } else { 0 };
        } else if rest.starts_with(quote) {
            return at + quote.len();
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_without_end_is_refused_and_not_followed() {
        // Closing brackets in texts and comments close nothing.
        for text in [
            "[".repeat(500_000),
            format!("{{a(x:{}", "{a:".repeat(300_000)),
            "{a".repeat(200_000),
            format!("{{a(x:{}", r#"["]","#.repeat(50_000)),
            format!("{{a(x:{}", "[\"\"\"]\\\"\"\"]\"\"\",".repeat(50_000)),
            format!("{{a(x:{}", "[#]\"\n".repeat(50_000)),
            format!("{{a(x:{}", r#"["\"]","#.repeat(50_000)),
        ] {
            let error = parse(&text).unwrap_err();
            assert!(error.message.contains("deep"), "{} {}", text.get(..20).unwrap(), error.message);
        }
    }

    #[test]
    fn a_key_that_is_written_twice_is_refused_where_a_value_would_be_lost() {
        for (question, taken) in [
            ("{ A(where: {and: [{id: {in: [\"a\"]}}, {id: {in: [\"a\"]}}]}) { nodes { id } } }", true),
            ("{ A(where: {or: {and: {a: 1}, and: {b: 1}}}) { id } }", false),
            ("{ A(where: {v: {a: {equal: 1}, a: {equal: 2}}}) { id } }", false),
            ("query ($a: T = {x: 1, x: 2}) { A(where: $a) { id } }", false),
            ("{ x: A { id } x: A { id } }", true),
            ("{ A(where: {a: \"a: 1, a: 2\"}) { id } } # {a: 1, a: 2}", true),
            ("{ A(where: {a: \"\\\\\", b: \"\\\"\", c: \"\"}) { id } }", true),
        ] {
            assert_eq!(scan(question).is_ok(), taken, "{question}");
        }
    }

    #[test]
    fn a_broken_question_is_told_with_its_place() {
        let error = parse("{ ProcessInstances(").unwrap_err();
        assert_eq!(error.locations, [Pos { line: 1, column: 20 }]);
        assert_eq!(error.message, "Invalid syntax at line 1 column 20: expected name");
    }
}
