//! Reads the definitions that states refer to by name: functions, events, errors, retries and auth.

use indexmap::IndexMap;
use serde_json::Value;

use super::{Fields, Reader};
use crate::{
    Pointer, codes, duration,
    model::{At, Correlation, ErrorDefinition, Event, Function, FunctionKind, Jitter, Retry},
};

/// Reports names that occur more than once in a list. `what` is the singular of its contents: `function`.
pub(super) fn report_duplicates(reader: &mut Reader, what: &str, list: &[(Pointer, &Value)]) {
    let mut places: IndexMap<&str, Vec<&Pointer>> = IndexMap::new();
    for (at, value) in list {
        if let Some(name) = value.get("name").and_then(Value::as_str) {
            places.entry(name).or_default().push(at);
        }
    }
    for (name, places) in places {
        let Some(second) = places.get(1) else { continue };
        let mut title = what.to_owned();
        title.get_mut(..1).map(str::make_ascii_uppercase);
        let message =
            format!("There are duplicated {what} definitions: {title} {name} appears {} times", places.len());
        reader.error(codes::DUPLICATE_NAME, second, message);
    }
}

/// Reads each element of a list of definitions. Adds all names to `declared_names`, also those of definitions with errors.
fn read_each<'v, T>(
    reader: &mut Reader,
    what: &str,
    list: &[(Pointer, &'v Value)],
    declared_names: &mut Vec<String>,
    mut read: impl FnMut(&mut Reader, &mut Fields<'v>, &str) -> Option<T>,
) -> IndexMap<String, T> {
    let mut all = IndexMap::new();
    for (number, (at, value)) in (1..).zip(list) {
        let Some(mut fields) = Fields::open(reader, value, at, &format!("{what} {number}")) else { continue };
        let name = fields.required_text(reader, "name");
        if let Some(name) = &name {
            fields.place = format!("{what} `{}`", name.value);
            declared_names.push(name.value.clone());
        }
        let label = name.as_ref().map(|name| name.value.clone()).unwrap_or_default();
        let definition = read(reader, &mut fields, &label);
        fields.finish(reader);
        if let (Some(name), Some(definition)) = (name, definition) {
            all.entry(name.value).or_insert(definition);
        }
    }
    report_duplicates(reader, what, list);
    all
}

const FUNCTION_KINDS: [(&str, FunctionKind); 7] = [
    ("rest", FunctionKind::Rest),
    ("asyncapi", FunctionKind::AsyncApi),
    ("rpc", FunctionKind::Rpc),
    ("graphql", FunctionKind::GraphQl),
    ("odata", FunctionKind::OData),
    ("expression", FunctionKind::Expression),
    ("custom", FunctionKind::Custom),
];

/// `functions`.
pub(super) fn read_functions(
    reader: &mut Reader,
    list: &[(Pointer, &Value)],
    declared_names: &mut Vec<String>,
) -> IndexMap<String, Function> {
    read_each(reader, "function", list, declared_names, |reader, fields, name| {
        let typed = fields.has("type");
        let kind = fields.choice(reader, "type", &FUNCTION_KINDS);
        let operation = fields.required_text(reader, "operation");
        let auth_ref = fields.text(reader, "authRef");
        let metadata = fields.metadata(reader);
        let kind = if typed { kind? } else { FunctionKind::Rest };
        let operation = operation?;
        check_operation(reader, fields, kind, &operation);
        if auth_ref.is_some() && matches!(kind, FunctionKind::Custom | FunctionKind::Expression) {
            fields.unused(reader, "authRef", "it gives access to a document, and the function has none");
        }
        let at = fields.at.clone();
        Some(Function { name: name.to_owned(), kind, operation, auth_ref, metadata, at })
    })
}

/// Checks the form of operations whose parts are separated by `#`.
fn check_operation(reader: &mut Reader, fields: &Fields, kind: FunctionKind, operation: &At<String>) {
    let (form, marks) = match kind {
        FunctionKind::Rest | FunctionKind::AsyncApi => ("DOCUMENT#OPERATION", 1),
        FunctionKind::OData => ("URL#ENTITYSET", 1),
        FunctionKind::Rpc => ("DOCUMENT#SERVICE#METHOD", 2),
        FunctionKind::GraphQl => ("URL#query#FIELD or URL#mutation#FIELD", 2),
        FunctionKind::Expression | FunctionKind::Custom => return,
    };
    if operation.value.matches('#').count() != marks {
        let message = format!(
            "{}: the operation `{}` has not the form {form} of its type",
            fields.place, operation.value
        );
        let problem = reader.error(codes::OPERATION_FORM, &operation.at, message);
        if kind == FunctionKind::Rest && operation.value.contains(':') && !operation.value.contains('#') {
            problem.help("operations such as rest:get:/path or sysout need `type: custom`");
        }
    }
}

/// `events`.
pub(super) fn read_events(
    reader: &mut Reader,
    list: &[(Pointer, &Value)],
    declared_names: &mut Vec<String>,
) -> IndexMap<String, Event> {
    read_each(reader, "event", list, declared_names, |reader, fields, name| {
        let source = fields.text(reader, "source").map(|source| source.value);
        let event_type = fields.required_text(reader, "type");
        let produced =
            fields.choice(reader, "kind", &[("consumed", false), ("produced", true)]).unwrap_or(false);
        if source.is_none() && !produced {
            let message = format!("{}: `source` is required for a consumed event", fields.place);
            reader.deviation(codes::MISSING_OPTIONAL, &fields.at, message);
        }
        let data_only = fields.flag(reader, "dataOnly", true);
        let correlation = read_correlation(reader, fields);
        fields.metadata(reader);
        Some(Event {
            name: name.to_owned(),
            source,
            event_type: event_type?.value,
            produced,
            data_only,
            correlation,
            at: fields.at.clone(),
        })
    })
}

fn read_correlation(reader: &mut Reader, event: &mut Fields) -> Vec<Correlation> {
    let mut correlations = Vec::new();
    let place = event.place.clone();
    for (at, value) in event.list(reader, "correlation") {
        let Some(mut fields) = Fields::open(reader, value, &at, &place) else { continue };
        let attribute = fields.required_text(reader, "contextAttributeName");
        let value = fields.text(reader, "contextAttributeValue");
        fields.finish(reader);
        correlations.extend(attribute.map(|attribute| Correlation { attribute: attribute.value, value }));
    }
    correlations
}

/// `errors`.
pub(super) fn read_errors(
    reader: &mut Reader,
    list: &[(Pointer, &Value)],
    declared_names: &mut Vec<String>,
) -> IndexMap<String, ErrorDefinition> {
    read_each(reader, "error", list, declared_names, |reader, fields, name| {
        let code = fields.number_or_text(reader, "code").map(|code| code.value);
        fields.take("description");
        Some(ErrorDefinition { name: name.to_owned(), code, at: fields.at.clone() })
    })
}

/// `retries`.
pub(super) fn read_retries(
    reader: &mut Reader,
    list: &[(Pointer, &Value)],
    declared_names: &mut Vec<String>,
) -> IndexMap<String, Retry> {
    read_each(reader, "retry", list, declared_names, |reader, fields, name| {
        Some(Retry {
            name: name.to_owned(),
            delay: fields.lenient_duration(reader, "delay"),
            max_delay: fields.lenient_duration(reader, "maxDelay"),
            increment: fields.lenient_duration(reader, "increment"),
            multiplier: read_number(reader, fields, "multiplier", "a number of at least 0", |number| {
                number >= 0.0
            }),
            max_attempts: read_max_attempts(reader, fields),
            jitter: read_jitter(reader, fields),
            at: fields.at.clone(),
        })
    })
}

fn read_max_attempts(reader: &mut Reader, fields: &mut Fields) -> Option<u32> {
    let whole = |number: f64| number >= 0.0 && number.fract() == 0.0 && number <= f64::from(u32::MAX);
    let number = read_number(reader, fields, "maxAttempts", "a whole number of at least 0", whole)?;
    // `read_number` has checked that the value is a whole number within this range.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    Some(number as u32)
}

/// `jitter`: a fraction of the delay, or a duration.
fn read_jitter(reader: &mut Reader, fields: &mut Fields) -> Option<Jitter> {
    let is_duration = fields
        .take("jitter")
        .and_then(Value::as_str)
        .is_some_and(|text| duration::parse_duration(text).is_ok());
    if is_duration {
        return fields.lenient_duration(reader, "jitter").map(Jitter::Duration);
    }
    read_number(reader, fields, "jitter", "a number from 0 to 1 or a duration", |number| {
        (0.0..=1.0).contains(&number)
    })
    .map(Jitter::Fraction)
}

fn read_number(
    reader: &mut Reader,
    fields: &mut Fields,
    name: &'static str,
    expected: &str,
    fits: impl Fn(f64) -> bool,
) -> Option<f64> {
    let text = fields.number_or_text(reader, name)?;
    let number = text.value.trim().parse().ok().filter(|number| fits(*number));
    if number.is_none() {
        let message = format!("{}: `{name}` is `{}`, but must be {expected}", fields.place, text.value);
        reader.deviation(codes::IGNORED_NUMBER, &text.at, message);
    }
    number
}

/// `auth`: the definitions as written. Reports those with an invalid form.
pub(super) fn read_auth(
    reader: &mut Reader,
    list: &[(Pointer, &Value)],
    declared_names: &mut Vec<String>,
) -> Vec<At<Value>> {
    read_each(reader, "auth", list, declared_names, |reader, fields, _| {
        let scheme = fields.choice(reader, "scheme", &[("basic", 0), ("bearer", 1), ("oauth2", 2)]);
        if fields.has("scheme") && scheme.is_none() {
            fields.take("properties");
            return None;
        }
        read_auth_properties(reader, fields, |reader, properties| {
            let required: &[&'static str] = match scheme {
                Some(1) => &["token"],
                Some(2) => return read_oauth2(reader, properties),
                _ => &["username", "password"],
            };
            for name in required {
                properties.required_text(reader, name);
            }
        });
        Some(())
    });
    list.iter().map(|(at, value)| At { value: (*value).clone(), at: at.clone() }).collect()
}

/// `properties` of an auth definition: the name of a secret, or an object.
fn read_auth_properties(
    reader: &mut Reader,
    fields: &mut Fields,
    read: impl FnOnce(&mut Reader, &mut Fields),
) {
    if !fields.has("properties") {
        fields.take("properties");
        fields.missing(reader, "properties", "an object, or the name of a secret");
        return;
    }
    if fields.take("properties").is_some_and(Value::is_string) {
        return;
    }
    if let Some(mut properties) = fields.object(reader, "properties") {
        read(reader, &mut properties);
    }
}

/// The properties of the scheme oauth2. SonataFlow takes the address of the token endpoint from `metadata`, so `authority` may be missing then.
fn read_oauth2(reader: &mut Reader, properties: &mut Fields) {
    let grants = [("password", ()), ("clientCredentials", ()), ("tokenExchange", ())];
    if properties.has("grantType") {
        properties.choice(reader, "grantType", &grants);
    } else {
        properties.missing(reader, "grantType", "password, clientCredentials or tokenExchange");
    }
    properties.required_text(reader, "clientId");
    let metadata = properties.map(reader, "metadata");
    if !metadata.contains_key("tokenURL") {
        properties.required_text(reader, "authority");
    }
}
