//! Functions that send a plain HTTP request, without a document that describes it.
//!
//! Source: `apache/incubator-kie-kogito-runtimes`, `RestTypeHandler` and `RestWorkItemHandler`. One flaw is not copied: there, every body sent to
//! an absolute URL has members `Host` and `Port` that are null.

use rondo_definition::Properties;
use rondo_expression::{ReadError, ReadLimits, Text, Val};
use rondo_program::{HttpFunction, HttpMethod};

use crate::answer::Unreadable;
use crate::encoding::{form_encode, has_dot_segment, path_form_encode};
use crate::mask::Mask;
use crate::openapi::operation::Format;
use crate::request_builder::RequestBuilder;
use crate::security;
use crate::settings::lookup;

/// Prefixes of the names of arguments that become headers and query parameters.
const HEADER: &str = "HEADER_";
const QUERY: &str = "QUERY_";

/// Builds the request with its whole address. The base is empty if the operation has a whole address. The error names the argument at fault.
pub(crate) fn build(
    target: &HttpFunction,
    base: &str,
    function: &str,
    arguments: Option<&Val>,
    state_data: &dyn Fn() -> String,
    properties: &Properties,
    mask: &mut Mask,
) -> Result<RequestBuilder, String> {
    let mut builder = RequestBuilder::new(target.method.as_str());
    let (named, whole) = match arguments {
        None => (&Val::Null, None),
        Some(named @ Val::Object(_)) => (named, None),
        // An expression without a result must not send all data of the state.
        Some(Val::Null) => (&Val::Null, Some(Val::object([("ContentData", Val::Null)]))),
        Some(other) => (&Val::Null, Some(other.clone())),
    };
    let (place, used) = fill_placeholders(&target.address, named)?;
    let slash = if base.is_empty() || place.starts_with('/') { "" } else { "/" };
    builder.url = format!("{base}{slash}{place}");
    let mut left = write_named(&mut builder, named);
    left.retain(|(name, _)| !used.contains(&&**name));
    if matches!(target.method, HttpMethod::Post | HttpMethod::Put) {
        let body = match whole {
            Some(value) => value.to_json(),
            None if left.is_empty() => state_data(),
            None => Val::object(left).to_json(),
        };
        builder.body = Some(("application/json".to_owned(), body.into_bytes()));
    }
    add_credentials(&mut builder, function, properties, mask);
    builder.headers.add("Accept", "application/json");
    Ok(builder)
}

/// Reads an answer into the result.
pub(crate) fn read(
    body: &[u8],
    content_type: &str,
    tolerant: bool,
    limits: ReadLimits,
    grant: &mut dyn FnMut(usize) -> bool,
) -> Result<Val, Unreadable> {
    if body.is_empty() {
        return Ok(Val::Null);
    }
    match Val::read_json(body, limits, grant) {
        Err(ReadError::Syntax(_) | ReadError::Depth(_))
            if tolerant && Format::of(content_type) != Some(Format::Json) =>
        {
            // An invalid byte becomes a replacement character of three bytes.
            if !grant(3 * body.len()) {
                return Err(ReadError::NoRoom.into());
            }
            Ok(Val::text(String::from_utf8_lossy(body)))
        }
        read => Ok(read?),
    }
}

/// The names in braces in an address, each with whether a `$` precedes it.
pub(crate) fn placeholders(address: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut rest = address;
    std::iter::from_fn(move || {
        let (before, after) = rest.split_once('{')?;
        let (name, after) = after.split_once('}')?;
        rest = after;
        Some((name, before.ends_with('$')))
    })
}

/// Whether the name of an argument makes it a header or a query parameter.
pub(crate) fn is_named_part(name: &str) -> bool {
    name.starts_with(HEADER) || name.starts_with(QUERY)
}

/// Replaces each `{name}` in the address by its argument. Also returns the names of these arguments, which are not sent elsewhere.
fn fill_placeholders<'a>(place: &'a str, named: &Val) -> Result<(String, Vec<&'a str>), String> {
    let mut filled = String::with_capacity(place.len());
    let mut used = Vec::new();
    let mut rest = place;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        let value = named.get(name).filter(|value| !value.is_null());
        let value = to_text(value.ok_or_else(|| format!("missing parameter {name}"))?);
        if value.is_empty() {
            return Err(format!("parameter {name} is empty, which would make another path"));
        }
        filled.push_str(before);
        let is_in_query = filled.contains('?');
        filled.push_str(&if is_in_query { form_encode(&value) } else { path_form_encode(&value) });
        used.push(name);
        rest = after;
    }
    filled.push_str(rest);
    let path = filled.split_once("://").map_or(filled.as_str(), |(_, rest)| rest);
    if !used.is_empty() && has_dot_segment(path) {
        return Err(format!("the arguments make `{filled}` of the path, which would be another path"));
    }
    Ok((filled, used))
}

/// Adds the credentials of a function from its properties.
pub(crate) fn add_credentials(
    builder: &mut RequestBuilder,
    function: &str,
    properties: &Properties,
    mask: &mut Mask,
) {
    let setting = |name: &str| lookup(properties, &format!("kogito.sw.functions.{function}.{name}"));
    let authorization = match (setting("access_token"), setting("username"), setting("password")) {
        (Some(token), ..) => Some(security::bearer(&token)),
        (None, None, None) => None,
        (None, username, password) => {
            let password = password.unwrap_or_default();
            mask.hide(&password);
            Some(security::basic(&username.unwrap_or_default(), &password))
        }
    };
    if let Some(value) = authorization {
        mask.hide(&value);
        builder.headers.add("Authorization", value);
    }
    if let Some(key) = setting("api_key") {
        mask.hide(&key);
        let key = match setting("api_key_prefix") {
            Some(prefix) => format!("{} {key}", prefix.trim()),
            None => key,
        };
        builder.headers.add("X-API-KEY", key);
    }
}

/// Adds the arguments `HEADER_…` as headers and `QUERY_…` as query parameters. Returns the others.
pub(crate) fn write_named(builder: &mut RequestBuilder, arguments: &Val) -> Vec<(Text, Val)> {
    let mut left = Vec::new();
    for (name, value) in arguments.members().shared() {
        if let Some(header) = name.strip_prefix(HEADER) {
            builder.headers.set(header, to_text(value));
        } else if let Some(parameter) = name.strip_prefix(QUERY) {
            builder.query.push(format!("{}={}", form_encode(parameter), form_encode(&to_text(value))));
        } else {
            left.push((name.clone(), value.clone()));
        }
    }
    left
}

/// A value as text for a header or parameter; null is empty.
pub(crate) fn to_text(value: &Val) -> String {
    if value.is_null() { String::new() } else { value.to_text() }
}
