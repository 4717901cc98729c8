//! Bounds on what a question may cost, before and while it is answered.
//!
//! The parser and the validation of the `GraphQL` library recurse; a text of brackets alone would exhaust the stack, which
//! no handler could catch. So nesting is counted before parsing.

use async_graphql::{
    Pos, ServerError,
    parser::{parse_query, types::ExecutableDocument},
};

/// Deepest nesting of brackets in a question. The plugin's deepest is about 12.
const DEEPEST: usize = 64;

/// Longest question in bytes. The plugin's longest, with the ids of a hundred workflows in it, is some kilobytes.
const LONGEST: usize = 1024 * 1024;

/// Deepest selection: instance, parent, its children, their nodes; introspection of types needs the most.
pub(super) const DEPTH: usize = 24;

/// Most fields a question may ask for; a full introspection asks for some two hundred.
pub(super) const FIELDS: usize = 2000;

/// Parses a question that is not too long or nested too deep.
pub(super) fn parse(query: &str) -> Result<ExecutableDocument, ServerError> {
    let refused = |message: String, at: Option<Pos>| {
        let mut error = ServerError::new(message, at);
        error.extensions.get_or_insert_default().set("classification", "InvalidSyntax");
        error
    };
    if query.len() > LONGEST {
        return Err(refused(format!("the query is longer than {LONGEST} bytes"), None));
    }
    if deepest(query) > DEEPEST {
        return Err(refused(format!("the query nests brackets more than {DEEPEST} deep"), None));
    }
    parse_query(query).map_err(|error| {
        let at = error.positions().next();
        refused(format!("Invalid syntax: {error}"), at)
    })
}

/// How deep brackets are nested. Those in texts and comments count too: a bound may be strict.
fn deepest(query: &str) -> usize {
    let mut depth = 0usize;
    let mut deepest = 0;
    for byte in query.bytes() {
        match byte {
            b'{' | b'[' | b'(' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_without_end_is_refused_and_not_followed() {
        for text in ["[".repeat(500_000), format!("{{a(x:{}", "{a:".repeat(300_000)), "{a".repeat(200_000)] {
            assert!(parse(&text).is_err());
        }
        assert!(parse("{ ProcessInstances(where: {and: [{id: {in: [\"a\"]}}]}) { nodes { id } } }").is_ok());
    }

    #[test]
    fn a_broken_question_is_told_with_its_place() {
        let error = parse("{ ProcessInstances(").unwrap_err();
        assert_eq!(error.locations, [Pos { line: 1, column: 20 }]);
        assert!(error.message.starts_with("Invalid syntax"), "{}", error.message);
    }
}
