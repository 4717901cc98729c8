//! Describes violations in the words and the order of `SonataFlow`'s validator (networknt).

use jsonschema::{
    ValidationError,
    error::{TypeKind, ValidationErrorKind},
};
use rondo_expression::Val;
use serde_json::Value;

/// The sort key of an error: for each step from the schema to the keyword the group, the index within the group, and the name.
pub(super) type Position = Vec<(Group, usize, String)>;

/// The groups of keywords, in the order in which the validator goes through a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    /// Declared members, in their order. The validator reports all missing members at the first declared member that is absent.
    Properties,
    PatternProperties,
    /// All other keywords, by name.
    Others,
}

/// The sort key of an error. Behind a reference the schema is not followed, so errors there sort by the names of the path.
pub(super) fn position(schema: &Value, data: &Val, error: &ValidationError<'_>) -> Position {
    let path = error.schema_path().as_str();
    let mut parts = path.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~"));
    let mut here = Some(schema);
    let mut position = Vec::new();
    while let Some(keyword) = parts.next() {
        let value = here.and_then(|schema| schema.get(&keyword));
        let (group, members) = match (keyword.as_str(), value) {
            ("properties", Some(Value::Object(members))) => (Group::Properties, members),
            ("patternProperties", Some(Value::Object(members))) => (Group::PatternProperties, members),
            ("required", _) => {
                let absent =
                    here.and_then(|schema| first_absent(schema, at(data, error.instance_path().as_str())?));
                position.push(match absent {
                    // The empty name sorts before errors of the member itself.
                    Some(index) => (Group::Properties, index, String::new()),
                    None => (Group::Others, 0, keyword),
                });
                break;
            }
            (_, Some(Value::Array(items))) => {
                position.push((Group::Others, 0, keyword));
                let Some(index) = parts.next().and_then(|index| index.parse().ok()) else { break };
                position.push((Group::Others, index, String::new()));
                here = items.get(index);
                continue;
            }
            _ => {
                position.push((Group::Others, 0, keyword));
                here = value;
                continue;
            }
        };
        let name = parts.next().unwrap_or_default();
        let index = members.keys().position(|key| *key == name).unwrap_or(members.len());
        here = members.get(&name);
        position.push((group, index, name));
    }
    position
}

/// The index of the first declared member that an object lacks.
fn first_absent(schema: &Value, instance: &Val) -> Option<usize> {
    let declared = schema.get("properties")?.as_object()?;
    declared.keys().position(|name| instance.get(name).is_none())
}

/// The value at a JSON pointer.
fn at<'a>(data: &'a Val, pointer: &str) -> Option<&'a Val> {
    pointer.split('/').skip(1).try_fold(data, |value, part| match value {
        Val::Array(_) => value.elements().get(part.parse::<usize>().ok()?),
        _ => value.get(&part.replace("~1", "/").replace("~0", "~")),
    })
}

/// The lines for a violation. If no alternative of `anyOf` or `oneOf` holds, the violations of all alternatives get lines.
pub(super) fn describe(schema: &Value, error: &ValidationError<'_>) -> Vec<String> {
    let at = json_path(error.instance_path().as_str());
    let of_alternatives = |context: &[Vec<ValidationError<'static>>]| -> Vec<String> {
        context.iter().flatten().flat_map(|error| describe(schema, error)).collect()
    };
    let line = match error.kind() {
        ValidationErrorKind::Required { property } => {
            format!("{at}.{}: is missing but it is required", text(property))
        }
        ValidationErrorKind::Enum { options } => {
            let options: Vec<_> = options.as_array().into_iter().flatten().map(text).collect();
            format!("{at}: does not have a value in the enumeration [{}]", options.join(", "))
        }
        ValidationErrorKind::Constant { expected_value } => {
            format!("{at}: must be a constant value {}", text(expected_value))
        }
        ValidationErrorKind::Pattern { pattern } => {
            format!("{at}: does not match the regex pattern {pattern}")
        }
        ValidationErrorKind::Format { format } if format == "date-time" => {
            format!("{at}: {} is an invalid date-time", text(error.instance()))
        }
        ValidationErrorKind::Format { format } => match rule_of(format) {
            Some(rule) => format!("{at}: does not match the {format} pattern must be a valid {rule}"),
            None => format!("{at}: does not match the {format} pattern"),
        },
        ValidationErrorKind::MinItems { limit } => {
            format!("{at}: there must be a minimum of {limit} items in the array")
        }
        ValidationErrorKind::MaxItems { limit } => {
            format!("{at}: there must be a maximum of {limit} items in the array")
        }
        ValidationErrorKind::UniqueItems => format!("{at}: the items in the array must be unique"),
        ValidationErrorKind::Contains => {
            let wanted =
                schema.pointer(error.schema_path().as_str()).map(Value::to_string).unwrap_or_default();
            format!("{at}: does not contain an element that passes these validations: {wanted}")
        }
        ValidationErrorKind::MinProperties { limit } => {
            format!("{at}: should have a minimum of {limit} properties")
        }
        ValidationErrorKind::MaxProperties { limit } => {
            format!("{at}: may only have a maximum of {limit} properties")
        }
        ValidationErrorKind::PropertyNames { error: inner } => {
            let name = text(inner.instance());
            let told = describe(schema, inner);
            let told = told.first().map_or("", String::as_str);
            let told = told.split_once(": ").map_or(told, |(_, told)| told);
            format!("Property name {at}.{name} is not valid for validation: {told}")
        }
        ValidationErrorKind::MinLength { limit } => format!("{at}: must be at least {limit} characters long"),
        ValidationErrorKind::MaxLength { limit } => format!("{at}: may only be {limit} characters long"),
        ValidationErrorKind::Minimum { limit } => format!("{at}: must have a minimum value of {limit}"),
        ValidationErrorKind::Maximum { limit } => format!("{at}: must have a maximum value of {limit}"),
        ValidationErrorKind::ExclusiveMinimum { limit } => {
            format!("{at}: must have an exclusive minimum value of {limit}")
        }
        ValidationErrorKind::ExclusiveMaximum { limit } => {
            format!("{at}: must have an exclusive maximum value of {limit}")
        }
        ValidationErrorKind::MultipleOf { multiple_of } => {
            format!("{at}: must be multiple of {multiple_of:?}")
        }
        ValidationErrorKind::Not { schema } => {
            format!(
                "{at}: should not be valid to the schema \"#{}\" : {schema}",
                error.schema_path().as_str()
            )
        }
        ValidationErrorKind::AnyOf { context } => return of_alternatives(context),
        ValidationErrorKind::OneOfNotValid { context } => {
            let mut lines =
                vec![format!("{at}: should be valid to one and only one schema, but 0 are valid")];
            lines.extend(of_alternatives(context));
            return lines;
        }
        ValidationErrorKind::OneOfMultipleValid { context } => {
            let valid = context.iter().filter(|errors| errors.is_empty()).count();
            format!("{at}: should be valid to one and only one schema, but {valid} are valid")
        }
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let told = "is not defined in the schema and the schema does not allow additional properties";
            return unexpected.iter().map(|name| format!("{at}.{name}: {told}")).collect();
        }
        // The text of the error itself needs the elements of the array, and the error has none of them.
        ValidationErrorKind::AdditionalItems { limit } => {
            format!(
                "{at}[{limit}]: is not defined in the schema and the schema does not allow additional items"
            )
        }
        ValidationErrorKind::Type { kind } => {
            let wanted = match kind {
                TypeKind::Single(kind) => kind.to_string(),
                TypeKind::Multiple(kinds) => {
                    format!("[{}]", kinds.iter().map(|kind| kind.to_string()).collect::<Vec<_>>().join(", "))
                }
            };
            format!("{at}: {} found, {wanted} expected", type_name(error.instance()))
        }
        _ => format!("{at}: {error}"),
    };
    vec![line]
}

/// The specification that defines a format.
fn rule_of(format: &str) -> Option<&'static str> {
    Some(match format {
        "date" => "RFC 3339 full-date",
        "time" => "RFC 3339 time",
        "duration" => "ISO 8601 duration",
        "email" => "RFC 5321 Mailbox",
        "idn-email" => "RFC 6531 Mailbox",
        "hostname" => "RFC 1123 host name",
        "idn-hostname" => "RFC 5890 internationalized hostname",
        "ipv4" => "RFC 2673 IP address",
        "ipv6" => "RFC 4291 IP address",
        "uri" => "RFC 3986 URI",
        "uri-reference" => "RFC 3986 URI-reference",
        "uri-template" => "RFC 6570 URI Template",
        "iri" => "RFC 3987 IRI",
        "iri-reference" => "RFC 3987 IRI-reference",
        "uuid" => "RFC 4122 UUID",
        "regex" => "ECMA-262 regular expression",
        "json-pointer" => "RFC 6901 JSON Pointer",
        "relative-json-pointer" => "IETF Relative JSON Pointer",
        _ => return None,
    })
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
