//! Functions that read an entity set of an `OData` service.
//!
//! Owns: the address of the request. Promises: a value from the data cannot change another part of the address. Source: spec-0.8, "Using
//! Functions for `OData` Invocations"; `OData` 4.01, part 2: URL conventions.

use rondo_expression::Val;
use rondo_program::ODataFunction;

use crate::encoding::{path_encode, percent_encode};
use crate::request_builder::RequestBuilder;

/// The system query options, in lower case.
const OPTIONS: [&str; 14] = [
    "apply",
    "compute",
    "count",
    "deltatoken",
    "expand",
    "filter",
    "format",
    "index",
    "orderby",
    "schemaversion",
    "search",
    "select",
    "skip",
    "top",
];

/// Builds the request. The error names the argument at fault.
pub(crate) fn build(target: &ODataFunction, arguments: Option<&Val>) -> Result<RequestBuilder, String> {
    let mut builder = RequestBuilder::new("GET");
    builder.headers.add("Accept", "application/json");
    let arguments = arguments.unwrap_or(&Val::Null);
    let mut path =
        format!("{}/{}", target.address.trim_end_matches('/'), path_encode(&target.entity_set, true));
    for (name, value) in arguments.members() {
        match name {
            "key" if value.is_null() => return Err("the key of the entity is null".to_owned()),
            "key" => path.push_str(&format!("({})", percent_encode(&key(value)?, true))),
            "queryOptions" => add_options(&mut builder, value)?,
            other => {
                return Err(format!("an OData function takes `queryOptions` and `key`, and not `{other}`"));
            }
        }
    }
    builder.url = path;
    Ok(builder)
}

fn add_options(builder: &mut RequestBuilder, options: &Val) -> Result<(), String> {
    if !options.is_object() && !options.is_null() {
        return Err("`queryOptions` must be an object".to_owned());
    }
    for (name, value) in options.members() {
        let option = name.trim_start_matches('$').to_ascii_lowercase();
        if !OPTIONS.contains(&option.as_str()) {
            return Err(format!("`{name}` is no query option of OData; there are {}", OPTIONS.join(", ")));
        }
        let text = match value {
            Val::Null => continue,
            Val::Array(_) => value.elements().iter().map(Val::to_text).collect::<Vec<_>>().join(","),
            Val::Object(_) => return Err(format!("the query option `{name}` is an object")),
            scalar => scalar.to_text(),
        };
        builder.query.push(format!("${option}={}", percent_encode(&text, false)));
    }
    Ok(())
}

/// Writes the key of an entity: a value, or several with their names.
fn key(value: &Val) -> Result<String, String> {
    if !value.is_object() {
        return literal(value);
    }
    let parts = value.members().into_iter().map(|(name, part)| Ok(format!("{name}={}", literal(part)?)));
    Ok(parts.collect::<Result<Vec<_>, String>>()?.join(","))
}

/// Writes a value as an `OData` literal. A string that is a GUID is not quoted.
fn literal(value: &Val) -> Result<String, String> {
    match value {
        Val::Text(text) if is_guid(text) => Ok(text.to_string()),
        Val::Text(text) => Ok(format!("'{}'", text.replace('\'', "''"))),
        Val::Array(_) | Val::Object(_) => {
            Err(format!("the key of an entity cannot be {}", value.type_name()))
        }
        scalar => Ok(scalar.to_text()),
    }
}

fn is_guid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tests::support::val;

    #[test]
    fn arguments_become_key_and_query_options() {
        let target =
            ODataFunction { address: "http://h.test/v4/".to_owned(), entity_set: "Orders".to_owned() };
        for (arguments, expected) in [
            (json!({}), "http://h.test/v4/Orders"),
            (
                json!({"queryOptions": {"filter": "Name eq 'a&b'", "orderBy": "Name desc", "$top": 3}}),
                "http://h.test/v4/Orders?$filter=Name%20eq%20%27a%26b%27&$orderby=Name%20desc&$top=3",
            ),
            (
                json!({"key": 7, "queryOptions": {"select": ["a", "b"], "skip": null, "count": true}}),
                "http://h.test/v4/Orders(7)?$select=a%2Cb&$count=true",
            ),
            (json!({"key": "O'Neil/?#"}), "http://h.test/v4/Orders('O''Neil/%3F%23')"),
            (json!({"key": {"a": 1, "b": "x"}}), "http://h.test/v4/Orders(a=1,b='x')"),
            (
                json!({"key": "12345678-abcd-ef01-2345-0123456789ab"}),
                "http://h.test/v4/Orders(12345678-abcd-ef01-2345-0123456789ab)",
            ),
            (json!({"filter": "a"}), "an OData function takes `queryOptions` and `key`, and not `filter`"),
            (json!({"key": [1]}), "the key of an entity cannot be array"),
            (
                json!({"queryOptions": {"limit": 1}}),
                "`limit` is no query option of OData; there are apply, compute, count, deltatoken, expand, filter, format, index, orderby, schemaversion, search, select, skip, top",
            ),
        ] {
            let built = build(&target, Some(&val(arguments)));
            let built = built.map_or_else(|problem| problem, |builder| builder.address(""));
            assert_eq!(built, expected);
        }
    }
}
