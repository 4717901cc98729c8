//! Functions that are a plain HTTP request, without a document that describes it.
//!
//! Source: `apache/incubator-kie-kogito-runtimes`, `RestTypeHandler` and `RestWorkItemHandler`. One flaw of it is not
//! copied: members `Host` and `Port` that are null in every body sent to an absolute URL.

use rondo_definition::Properties;
use rondo_program::{HttpFunction, HttpMethod};
use serde_json::{Map, Value, json};

use crate::encoding::{form_encode, has_dot_segment};
use crate::mask::Mask;
use crate::openapi::operation::Format;
use crate::request_builder::RequestBuilder;
use crate::security;
use crate::settings::lookup;

/// Builds the request with its whole address. The error names the argument at fault.
pub(crate) fn build(
    target: &HttpFunction,
    function: &str,
    arguments: Option<Value>,
    state_data: &dyn Fn() -> String,
    properties: &Properties,
    mask: &mut Mask,
) -> Result<RequestBuilder, String> {
    let mut builder = RequestBuilder::new(target.method.as_str());
    let (mut named, whole) = match arguments {
        None => (Map::new(), None),
        Some(Value::Object(named)) => (named, None),
        // An expression that finds nothing must not send all data of the state.
        Some(Value::Null) => (Map::new(), Some(json!({ "ContentData": null }))),
        Some(other) => (Map::new(), Some(other)),
    };
    let place = fill_placeholders(&target.address, &mut named)?;
    let setting = |name: &str| lookup(properties, &format!("kogito.sw.functions.{function}.{name}"));
    builder.url = if place.contains("://") { place } else { address(&place, properties, &setting) };
    for (name, value) in std::mem::take(&mut named) {
        if let Some(header) = name.strip_prefix("HEADER_") {
            builder.headers.set(header, to_text(&value));
        } else if let Some(parameter) = name.strip_prefix("QUERY_") {
            builder.query.push(format!("{}={}", form_encode(parameter), form_encode(&to_text(&value))));
        } else {
            named.insert(name, value);
        }
    }
    if matches!(target.method, HttpMethod::Post | HttpMethod::Put) {
        let body = match whole {
            Some(value) => value.to_string(),
            None if named.is_empty() => state_data(),
            None => Value::Object(named).to_string(),
        };
        builder.body = Some(("application/json".to_owned(), body.into_bytes()));
    }
    add_credentials(&mut builder, &setting, mask);
    builder.headers.add("Accept", "application/json");
    Ok(builder)
}

/// Reads an answer into the result. The error names the expected form.
pub(crate) fn read(body: &[u8], content_type: &str, tolerant: bool) -> Result<Value, &'static str> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    match serde_json::from_slice(body) {
        Ok(value) => Ok(value),
        Err(_) if tolerant && Format::of(content_type) != Some(Format::Json) => {
            Ok(String::from_utf8_lossy(body).into_owned().into())
        }
        Err(_) => Err("JSON"),
    }
}

/// Puts arguments into the place's `{name}` and takes them out of the others.
fn fill_placeholders(place: &str, named: &mut Map<String, Value>) -> Result<String, String> {
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
        filled.push_str(&form_encode(&value));
        used.push(name);
        rest = after;
    }
    filled.push_str(rest);
    let path = filled.split_once("://").map_or(filled.as_str(), |(_, rest)| rest);
    if !used.is_empty() && has_dot_segment(path) {
        return Err(format!("the arguments make `{filled}` of the path, which would be another path"));
    }
    for name in used {
        named.remove(name);
    }
    Ok(filled)
}

/// The address of a path, by the function's properties.
fn address(path: &str, properties: &Properties, setting: &dyn Fn(&str) -> Option<String>) -> String {
    let port = setting("port").or_else(|| lookup(properties, "kogito.sw.functions.port"));
    let protocol = setting("protocol").unwrap_or_else(|| {
        let secure = port.as_deref().map(str::trim) == Some("443");
        if secure { "https".to_owned() } else { "http".to_owned() }
    });
    let host = setting("host").unwrap_or_else(|| "localhost".to_owned());
    let slash = if path.starts_with('/') { "" } else { "/" };
    let port = port.map(|port| format!(":{}", port.trim())).unwrap_or_default();
    format!("{}://{}{port}{slash}{path}", protocol.trim().to_ascii_lowercase(), host.trim())
}

fn add_credentials(builder: &mut RequestBuilder, setting: &dyn Fn(&str) -> Option<String>, mask: &mut Mask) {
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

fn to_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
