//! Functions that query a field of a GraphQL endpoint.
//!
//! Owns: the document of the request, and the result in the answer. Promises: a value from the data stays the value for which the author wrote
//! it, and cannot change the rest of the document. Source: spec-0.8, "Using Functions for GraphQL Invocations"; GraphQL, October 2021.

use rondo_expression::Val;
use rondo_program::GraphQlFunction;

use crate::error::CallErrorKind;
use crate::mask::Mask;
use crate::request_builder::RequestBuilder;

/// Builds the request. The error names the argument at fault.
pub(crate) fn build(target: &GraphQlFunction, arguments: Option<&Val>) -> Result<RequestBuilder, String> {
    let mut builder = RequestBuilder::new("POST");
    builder.url.clone_from(&target.address);
    builder.headers.add("Accept", "application/graphql-response+json, application/json");
    let body = Val::object([("query", Val::text(document(target, arguments.unwrap_or(&Val::Null))?))]);
    builder.body = Some(("application/json".to_owned(), body.to_json().into_bytes()));
    Ok(builder)
}

/// The result of the call: the member `data`, unless the answer has errors.
pub(crate) fn result(answer: &Val, mask: &Mask) -> Result<Val, CallErrorKind> {
    let errors = answer.get("errors").filter(|errors| !errors.elements().is_empty());
    let Some(errors) = errors else { return Ok(answer.get("data").cloned().unwrap_or_default()) };
    let first = errors.elements().first();
    let code = first.and_then(|error| error.get("extensions")?.get("code")).filter(|code| !code.is_null());
    let messages = errors.elements().iter().filter_map(|error| error.get("message")?.as_str());
    let messages = messages.take(MOST_MESSAGES).collect::<Vec<_>>().join("; ");
    let message = if messages.is_empty() { errors.to_text() } else { messages };
    Err(CallErrorKind::Refused {
        code: code.map(|code| mask.apply(&code.to_text())),
        message: mask.apply_to_beginning(&message, LONGEST_MESSAGE),
    })
}

/// Most messages of one answer that are shown, and most bytes of them all: endpoints may report an error for each element of a list.
const MOST_MESSAGES: usize = 5;
const LONGEST_MESSAGE: usize = 64 * 1024;

/// The document of a call with the arguments `{arguments, selectionSet}`.
fn document(target: &GraphQlFunction, call: &Val) -> Result<String, String> {
    let operation = if target.is_mutation { "mutation" } else { "query" };
    let mut document = format!("{operation} {{ {}", target.field);
    let arguments = call.get("arguments").filter(|arguments| !arguments.is_null());
    if let Some(arguments) = arguments.filter(|arguments| !arguments.members().is_empty()) {
        document.push('(');
        write_members(arguments, &mut document)?;
        document.push(')');
    } else if arguments.is_some_and(|arguments| !arguments.is_object()) {
        return Err("the arguments of a GraphQL function are an object".to_owned());
    }
    let selection = selection_set(call.get("selectionSet").unwrap_or(&Val::Null))?;
    let selection = selection.trim();
    if !selection.is_empty() {
        let is_framed = selection.starts_with('{');
        document.push_str(if is_framed { " " } else { " { " });
        document.push_str(selection);
        document.push_str(if is_framed { "" } else { " }" });
    }
    document.push_str(" }");
    Ok(document)
}

/// The place of a value in a selection set.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Between fields.
    Fields,
    /// In the arguments of a field.
    Arguments,
    /// In a quoted text.
    Text,
}

/// Writes a selection set from alternating pieces: texts of the author, and values between them.
fn selection_set(pieces: &Val) -> Result<String, String> {
    let mut written = String::new();
    let mut scan = Scan::default();
    for (index, piece) in pieces.elements().iter().enumerate() {
        if index % 2 == 0 {
            let text = piece.as_str().unwrap_or_default();
            scan.over(text);
            written.push_str(text);
            continue;
        }
        match scan.place() {
            Place::Arguments => write_literal(piece, &mut written)?,
            Place::Text => {
                let json = Val::text(piece.to_text()).to_json();
                written.push_str(json.get(1..json.len() - 1).unwrap_or_default());
            }
            Place::Fields => {
                let text = piece.to_text();
                let are_names =
                    text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ',' | ' ' | '\n'));
                if !are_names {
                    return Err(format!("`{text}` in the selection set is no list of field names"));
                }
                written.push_str(&text);
            }
        }
    }
    Ok(written)
}

/// Tracks the brackets and quotes of a selection set.
#[derive(Default)]
struct Scan {
    brackets: usize,
    is_quoted: bool,
    is_escaped: bool,
}

impl Scan {
    fn over(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                _ if self.is_escaped => self.is_escaped = false,
                '\\' if self.is_quoted => self.is_escaped = true,
                '"' => self.is_quoted = !self.is_quoted,
                '(' if !self.is_quoted => self.brackets += 1,
                ')' if !self.is_quoted => self.brackets = self.brackets.saturating_sub(1),
                _ => {}
            }
        }
    }

    fn place(&self) -> Place {
        match (self.is_quoted, self.brackets) {
            (true, _) => Place::Text,
            (false, 0) => Place::Fields,
            (false, _) => Place::Arguments,
        }
    }
}

/// Writes a value as a literal. A JSON string is a valid GraphQL string.
fn write_literal(value: &Val, written: &mut String) -> Result<(), String> {
    match value {
        Val::Array(_) => {
            written.push('[');
            for (index, element) in value.elements().iter().enumerate() {
                written.push_str(if index == 0 { "" } else { ", " });
                write_literal(element, written)?;
            }
            written.push(']');
        }
        Val::Object(_) => {
            written.push('{');
            write_members(value, written)?;
            written.push('}');
        }
        Val::Lookup(lookup) => write_literal(&lookup.value(), written)?,
        scalar => written.push_str(&scalar.to_json()),
    }
    Ok(())
}

fn write_members(value: &Val, written: &mut String) -> Result<(), String> {
    for (index, (name, member)) in value.members().into_iter().enumerate() {
        let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        if !is_name {
            return Err(format!("`{name}` is no name of a GraphQL argument or field"));
        }
        written.push_str(if index == 0 { "" } else { ", " });
        written.push_str(name);
        written.push_str(": ");
        write_literal(member, written)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tests::support::val;

    #[test]
    fn values_become_literals_where_they_stand() {
        let target = GraphQlFunction {
            address: "http://h.test/graphql".to_owned(),
            is_mutation: false,
            field: "pet".to_owned(),
        };
        for (call, expected) in [
            (json!({}), Ok("query { pet }")),
            (
                json!({"arguments": {"id": 42}, "selectionSet": ["{ id }"]}),
                Ok("query { pet(id: 42) { id } }"),
            ),
            (json!({"arguments": {}, "selectionSet": ["id name"]}), Ok("query { pet { id name } }")),
            (
                json!({"arguments": {"in": {"name": "a\") { x }", "tags": [null, true, 1.5]}}}),
                Ok(r#"query { pet(in: {name: "a\") { x }", tags: [null, true, 1.5]}) }"#),
            ),
            (
                json!({"selectionSet": ["{ age(of: ", "a\"b", ", as: \"(", "c\"d", "\") { ", "x, y", " } }"]}),
                Ok(r#"query { pet { age(of: "a\"b", as: "(c\"d") { x, y } } }"#),
            ),
            (
                json!({"selectionSet": ["{ ", "id } secret { x", " }"]}),
                Err("`id } secret { x` in the selection set is no list of field names"),
            ),
            (
                json!({"arguments": {"id) { x }": 1}}),
                Err("`id) { x }` is no name of a GraphQL argument or field"),
            ),
            (json!({"arguments": [1]}), Err("the arguments of a GraphQL function are an object")),
        ] {
            let written = document(&target, &val(call));
            assert_eq!(written.as_deref().map_err(String::as_str), expected);
        }
    }
}
