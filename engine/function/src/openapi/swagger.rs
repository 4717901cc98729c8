//! Extracts one operation from an `OpenAPI` 2.0 (Swagger) document.
//!
//! Source: `OpenAPI` 2.0, `versions/2.0.md`. It differs from 3.x: host and base path instead of servers, the body is a parameter, media types are
//! properties of the operation, `collectionFormat` says how arrays are written.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use indexmap::IndexMap;
use openapiv3::{PathStyle, QueryStyle};
use serde_json::Value;

use super::document::{OperationPlace, SpecDocument};
use super::extract::{Source, within_a_line};
use super::operation::{AnswerForm, Answers, Body, Format, KeyPlace, Operation, Parameter, Place, Scheme};
use super::schema::default_of;
use super::shape::{Member, Members, Shape, Shapes};

pub(super) fn v2(source: &mut Source<'_>, place: &OperationPlace, problems: &mut Vec<String>) -> Operation {
    let mut parameters = Vec::new();
    let mut body = None;
    let (mut form, mut needed) = (IndexMap::new(), BTreeSet::new());
    let consumes = media_types(source, "consumes");
    for (document, node) in source.parameters() {
        match node.get("in").and_then(Value::as_str) {
            Some("body") => {
                let schema = node.get("schema").cloned().unwrap_or_default();
                body = Some((source.shapes.read(&document, &schema), required(&node)));
            }
            Some("formData") => {
                if let Some(name) = node.get("name").and_then(Value::as_str) {
                    let shape = source.shapes.read(&document, &node);
                    if required(&node) {
                        needed.insert(name.to_owned());
                    }
                    form.insert(name.to_owned(), Member { shape, default: None, read_only: false });
                }
            }
            _ => parameters.extend(parameter(source, &document, &node)),
        }
    }
    let body = match body {
        Some((shape, required)) => {
            let writable = |m: &&String| Format::of(m).is_some_and(|format| format != Format::Bytes);
            let media_type =
                consumes.iter().find(writable).or(consumes.iter().find(|m| Format::of(m).is_some()));
            let media_type = media_type.map_or("application/json", String::as_str);
            let format = Format::of(media_type).unwrap_or(Format::Json);
            Some(Body {
                media_type: format.concrete(media_type),
                format,
                shape,
                required,
                part_types: HashMap::new(),
            })
        }
        None if !form.is_empty() => {
            let multipart = consumes.iter().any(|media_type| media_type.starts_with("multipart/"));
            let media_type =
                if multipart { "multipart/form-data" } else { "application/x-www-form-urlencoded" };
            Some(Body {
                media_type: media_type.to_owned(),
                format: if multipart { Format::Multipart } else { Format::Form },
                shape: Shape::Object(Arc::new(Members { declared: form, open: false, required: needed })),
                required: false,
                part_types: HashMap::new(),
            })
        }
        None => None,
    };
    Operation {
        method: place.method.to_ascii_uppercase(),
        path: place.path.clone(),
        server: server(source, problems),
        parameters,
        body,
        answers: answers(source),
        security: source.security("/securityDefinitions", problems, &scheme),
        shapes: Shapes::default(),
    }
}

fn parameter(source: &mut Source<'_>, document: &Arc<SpecDocument>, node: &Value) -> Option<Parameter> {
    let format = node.get("collectionFormat").and_then(Value::as_str).unwrap_or("csv");
    let place = match node.get("in").and_then(Value::as_str)? {
        "path" => Place::Path(PathStyle::Simple),
        "query" => Place::Query(match format {
            "ssv" => QueryStyle::SpaceDelimited,
            "pipes" => QueryStyle::PipeDelimited,
            _ => QueryStyle::Form,
        }),
        "header" => Place::Header,
        _ => return None,
    };
    Some(Parameter {
        name: node.get("name").and_then(Value::as_str)?.to_owned(),
        place,
        explode: format == "multi",
        reserved: false,
        json: false,
        required: required(node) || node.get("in").and_then(Value::as_str) == Some("path"),
        multi_segment: node.get("x-multi-segment").and_then(Value::as_bool),
        shape: source.shapes.read(document, node),
        default: default_of(node),
    })
}

fn required(node: &Value) -> bool {
    node.get("required").and_then(Value::as_bool).unwrap_or(false)
}

fn answers(source: &mut Source<'_>) -> Answers {
    let mut produces = media_types(source, "produces");
    if produces.is_empty() {
        produces.push("application/json".to_owned());
    }
    produces.sort_by_key(|media_type| Format::of(media_type) != Some(Format::Json));
    let mut answers = Answers::default();
    for (status, document, response) in source.responses() {
        let Some(schema) = response.get("schema") else { continue };
        let shape = source.shapes.read(&document, schema);
        answers.forms.push((status, AnswerForm { media_types: produces.clone(), shape }));
    }
    answers
}

fn media_types(source: &Source<'_>, keyword: &str) -> Vec<String> {
    let global = source.references.read(source.document, &format!("/{keyword}"));
    let list = source.node.get(keyword).or(global.as_ref());
    list.and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// Scheme, host and base path; without a host a bare path.
fn server(source: &Source<'_>, problems: &mut Vec<String>) -> Option<String> {
    let text = |pointer: &str| {
        source.references.read(source.document, pointer).and_then(|v| v.as_str().map(|v| v.trim().to_owned()))
    };
    let base_path = text("/basePath").unwrap_or("/".to_owned());
    within_a_line(&base_path, problems)?;
    let schemes =
        source.node.get("schemes").cloned().or_else(|| source.references.read(source.document, "/schemes"));
    let schemes: Vec<&str> =
        schemes.as_ref().and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let secure = schemes.is_empty() || schemes.contains(&"https");
    Some(match text("/host") {
        Some(host) => {
            let host = within_a_line(&host, problems)?;
            format!("{}://{host}{base_path}", if secure { "https" } else { "http" })
        }
        None => base_path,
    })
}

fn scheme(node: &Value) -> Result<Scheme, String> {
    let text = |name: &str| node.get(name).and_then(Value::as_str).unwrap_or_default();
    match text("type") {
        "basic" => Ok(Scheme::Basic),
        "apiKey" => {
            let place = if text("in") == "query" { KeyPlace::Query } else { KeyPlace::Header };
            Ok(Scheme::ApiKey { place, name: text("name").to_owned() })
        }
        "oauth2" => {
            let token_url = Some(text("tokenUrl").to_owned()).filter(|url| !url.is_empty());
            Ok(Scheme::OAuth2 { token_url })
        }
        other => Err(format!("is of the type `{other}`; basic, apiKey and oauth2 can be used")),
    }
}
