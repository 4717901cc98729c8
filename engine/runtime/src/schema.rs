//! Schemas of workflow data: bundled with the files they refer to, compiled, and spoken of in SonataFlow's words.

use std::collections::HashMap;

use jsonschema::{Draft, Validator, error::ValidationErrorKind};
use rondo_definition::{Resources, Source};
use rondo_expression::Val;
use serde_json::{Map, Value};

/// How deep files may refer to files.
const DEEPEST: usize = 32;

/// A schema that data must satisfy.
#[derive(Debug)]
pub struct Schema {
    /// The schema as one document: references to files point to its `$defs`. Keyword order and unknown keywords are
    /// as written, since forms are made of them.
    pub document: Value,
    /// Whether a violation is an error; else it is only logged.
    pub strict: bool,
    validator: Validator,
}

impl Schema {
    /// Compiles a bundled schema. Draft 7 whatever `$schema` says, as SonataFlow does.
    ///
    /// The error says what is wrong with the schema.
    pub(crate) fn compile(document: Value, strict: bool) -> Result<Self, String> {
        let mut plain = document.clone();
        if let Some(members) = plain.as_object_mut() {
            // A base like `classpath:/schemas/a.json` would turn local references into remote ones.
            members.shift_remove("$id");
            members.shift_remove("$schema");
        }
        let validator = jsonschema::options()
            .with_draft(Draft::Draft7)
            .should_validate_formats(false)
            .build(&plain)
            .map_err(|error| error.to_string())?;
        Ok(Self { document, strict, validator })
    }

    /// Checks data; `Err` is the message with which a request is refused.
    pub fn check(&self, data: &Val) -> Result<(), String> {
        let data = Value::from(data.clone());
        let mut lines: Vec<String> =
            self.validator.iter_errors(&data).map(|error| describe(&error)).collect();
        if lines.is_empty() {
            return Ok(());
        }
        lines.sort();
        Err(format!("There are JsonSchema validation errors:\n{}", lines.join("\n")))
    }
}

/// One violation in the words of SonataFlow's validator.
fn describe(error: &jsonschema::ValidationError<'_>) -> String {
    let at = json_path(error.instance_path().as_str());
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            format!("{at}.{}: is missing but it is required", text(property))
        }
        ValidationErrorKind::Enum { options } => {
            let options: Vec<_> = options.as_array().into_iter().flatten().map(text).collect();
            format!("{at}: does not have a value in the enumeration [{}]", options.join(", "))
        }
        ValidationErrorKind::Pattern { pattern } => {
            format!("{at}: does not match the regex pattern {pattern}")
        }
        ValidationErrorKind::MinItems { limit } => {
            format!("{at}: there must be a minimum of {limit} items in the array")
        }
        ValidationErrorKind::MaxItems { limit } => {
            format!("{at}: there must be a maximum of {limit} items in the array")
        }
        ValidationErrorKind::MinLength { limit } => format!("{at}: must be at least {limit} characters long"),
        ValidationErrorKind::MaxLength { limit } => format!("{at}: may only be {limit} characters long"),
        ValidationErrorKind::Minimum { limit } => format!("{at}: must have a minimum value of {limit}"),
        ValidationErrorKind::Maximum { limit } => format!("{at}: must have a maximum value of {limit}"),
        ValidationErrorKind::AdditionalProperties { unexpected } => format!(
            "{at}.{}: is not defined in the schema and the schema does not allow additional properties",
            unexpected.join(", ")
        ),
        ValidationErrorKind::Type { kind } => {
            let wanted = match kind {
                jsonschema::error::TypeKind::Single(kind) => kind.to_string(),
                jsonschema::error::TypeKind::Multiple(kinds) => {
                    format!("[{}]", kinds.iter().map(|kind| kind.to_string()).collect::<Vec<_>>().join(", "))
                }
            };
            format!("{at}: {} found, {wanted} expected", type_name(error.instance()))
        }
        _ => format!("{at}: {error}"),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// `/a/0/b` as `$.a[0].b`.
fn json_path(pointer: &str) -> String {
    let mut path = String::from("$");
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        if part.bytes().all(|byte| byte.is_ascii_digit()) && !part.is_empty() {
            path.push_str(&format!("[{part}]"));
        } else {
            path.push('.');
            path.push_str(&part);
        }
    }
    path
}

/// Makes one document of a schema and the files it refers to.
///
/// `read` gives the parsed file for a reference made in the file named first, with the name under which its own references
/// are resolved. The error names the reference that cannot be followed.
pub(crate) struct Bundler<'a> {
    read: &'a dyn Fn(&str, &str) -> Result<(String, Value), String>,
    /// Names in `$defs` of the files that have been taken in.
    names: HashMap<String, String>,
    definitions: Map<String, Value>,
}

impl<'a> Bundler<'a> {
    /// Bundles the schema that stands in the file `name`.
    pub(crate) fn bundle(
        name: &str,
        schema: Value,
        read: &'a dyn Fn(&str, &str) -> Result<(String, Value), String>,
    ) -> Result<Value, String> {
        let mut bundler = Self { read, names: HashMap::new(), definitions: Map::new() };
        let mut schema = bundler.resolve(name, "#", schema, 0)?;
        if let (Some(members), false) = (schema.as_object_mut(), bundler.definitions.is_empty()) {
            let own = members.entry("$defs").or_insert_with(|| Value::Object(Map::new()));
            if let Some(own) = own.as_object_mut() {
                own.append(&mut bundler.definitions);
            }
        }
        Ok(schema)
    }

    /// Rewrites the references of a schema that stands at `base` of the bundle.
    fn resolve(&mut self, file: &str, base: &str, schema: Value, depth: usize) -> Result<Value, String> {
        match schema {
            Value::Array(items) => {
                let items = items.into_iter().map(|item| self.resolve(file, base, item, depth));
                Ok(Value::Array(items.collect::<Result<_, _>>()?))
            }
            Value::Object(members) => {
                let mut resolved = Map::with_capacity(members.len());
                for (key, value) in members {
                    let value = match (key.as_str(), value) {
                        ("$ref", Value::String(reference)) => {
                            Value::String(self.reference(file, base, &reference, depth)?)
                        }
                        (_, value) => self.resolve(file, base, value, depth)?,
                    };
                    resolved.insert(key, value);
                }
                Ok(Value::Object(resolved))
            }
            other => Ok(other),
        }
    }

    /// Where a reference points in the bundle.
    fn reference(&mut self, file: &str, base: &str, reference: &str, depth: usize) -> Result<String, String> {
        let (target, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        if target.is_empty() {
            return Ok(format!("{base}{fragment}"));
        }
        if depth >= DEEPEST {
            return Err(format!(
                "`{reference}`: schemas refer to each other more than {DEEPEST} levels deep"
            ));
        }
        let (name, schema) = (self.read)(file, target)?;
        if let Some(known) = self.names.get(&name) {
            return Ok(format!("#/$defs/{known}{fragment}"));
        }
        let title = schema.get("title").and_then(Value::as_str).unwrap_or("schema");
        let title: String = title
            .chars()
            .map(|character| if character.is_alphanumeric() { character } else { '_' })
            .collect();
        let definition = format!("{title}_{}", self.names.len() + 1);
        self.names.insert(name.clone(), definition.clone());
        let place = format!("#/$defs/{definition}");
        let mut schema = self.resolve(&name, &place, schema, depth + 1)?;
        if let Some(members) = schema.as_object_mut() {
            members.shift_remove("$id");
            members.shift_remove("$schema");
        }
        self.definitions.insert(definition, schema);
        Ok(format!("{place}{fragment}"))
    }
}

/// Reads a schema file that a document of the folder refers to.
pub(crate) fn read_file(
    resources: &Resources,
    owner: &Source,
    from: &str,
    uri: &str,
) -> Result<(String, Value), String> {
    let resource = resources.read_from(owner, from, uri).map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&resource.bytes);
    let loaded = rondo_definition::load(&resource.name, &text, rondo_definition::Limits::RESOURCE).map_err(
        |problems| problems.first().map_or_else(|| format!("`{uri}` cannot be read"), ToString::to_string),
    )?;
    Ok((resource.name, loaded.value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn violations_are_told_in_the_words_of_the_validator_that_users_know() {
        let schema = Schema::compile(
            json!({
                "$id": "classpath:/schemas/a.json", "$schema": "http://json-schema.org/draft-04/schema#",
                "type": "object", "required": ["name"], "additionalProperties": false,
                "properties": {
                    "name": {"type": "string", "pattern": "^[a-z]+$"},
                    "size": {"enum": ["small", "large"]},
                    "list": {"type": "array", "minItems": 1, "items": {"type": "integer"}}
                }
            }),
            true,
        )
        .unwrap();
        for (data, message) in [
            (json!({"name": "a"}), ""),
            (json!({}), "$.name: is missing but it is required"),
            (json!({"name": "A"}), "$.name: does not match the regex pattern ^[a-z]+$"),
            (json!({"name": 1}), "$.name: integer found, string expected"),
            (
                json!({"name": "a", "size": "huge", "list": []}),
                "$.list: there must be a minimum of 1 items in the array\n\
                 $.size: does not have a value in the enumeration [small, large]",
            ),
            (json!({"name": "a", "list": [1, "x"]}), "$.list[1]: string found, integer expected"),
            (
                json!({"name": "a", "more": 1}),
                "$.more: is not defined in the schema and the schema does not allow additional properties",
            ),
        ] {
            let expected = match message {
                "" => Ok(()),
                lines => Err(format!("There are JsonSchema validation errors:\n{lines}")),
            };
            assert_eq!(schema.check(&data.clone().into()), expected, "{data}");
        }
    }

    #[test]
    fn files_that_a_schema_refers_to_become_definitions_of_it() {
        let read = |_: &str, uri: &str| match uri {
            "item.json" => Ok((
                "s/item.json".to_owned(),
                json!({
                    "title": "An Item", "$id": "classpath:/x", "type": "object",
                    "properties": {"self": {"$ref": "#/definitions/n"}, "next": {"$ref": "item.json"}},
                    "definitions": {"n": {"type": "integer"}}
                }),
            )),
            other => Err(format!("no file {other}")),
        };
        let bundled = Bundler::bundle(
            "s/main.json",
            json!({"properties": {"b": {"$ref": "item.json"}, "a": {"$ref": "#/definitions/t"}}, "definitions": {"t": {"type": "string"}}}),
            &read,
        )
        .unwrap();
        assert_eq!(
            bundled,
            json!({
                "properties": {"b": {"$ref": "#/$defs/An_Item_1"}, "a": {"$ref": "#/definitions/t"}},
                "definitions": {"t": {"type": "string"}},
                "$defs": {"An_Item_1": {
                    "title": "An Item", "type": "object",
                    "properties": {
                        "self": {"$ref": "#/$defs/An_Item_1/definitions/n"}, "next": {"$ref": "#/$defs/An_Item_1"}
                    },
                    "definitions": {"n": {"type": "integer"}}
                }}
            })
        );
        let schema = Schema::compile(bundled, true).unwrap();
        assert!(schema.check(&json!({"b": {"next": {"self": 1}}}).into()).is_ok());
        assert!(schema.check(&json!({"b": {"next": {"self": "x"}}}).into()).is_err());
        assert_eq!(
            Bundler::bundle("m", json!({"$ref": "gone.json"}), &read),
            Err("no file gone.json".into())
        );
    }
}
