//! Extracts one operation from an `OpenAPI` 3.0 or 3.1 document.
//!
//! Promises: parts of the document that the operation does not use are not read; a mistake that does not prevent the call is a problem text,
//! returned with the operation. Source: `OpenAPI` 3.1.0, `versions/3.1.0.md`.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use openapiv3::{APIKeyLocation, PathStyle, QueryStyle, SecurityScheme, Server};
use serde_json::{Map, Value, json};

use super::document::{OperationPlace, SpecDocument, Version, child};
use super::operation::{
    AnswerForm, AnsweredStatus, Answers, Body, Format, KeyPlace, Operation, Parameter, Place, Scheme,
    SchemeUse,
};
use super::paths::{self, Part};
use super::reference::{Open, References};
use super::schema::{ShapeReader, default_of};
use super::shape::Shape;
use super::swagger;
use crate::key::mangle;

/// Most bytes of a path; an address of more than 64 KiB cannot be sent anyway.
const LONGEST_PATH: usize = 8 * 1024;

/// Most parameters of an operation. The largest published operations have some fifty.
const MOST_PARAMETERS: usize = 1000;

/// Most bytes of the address of a server.
const LONGEST_SERVER: usize = 8 * 1024;

/// Most names of undefined security schemes in a message.
const SHOWN_SCHEMES: usize = 8;

/// Extracts the operation at a place, with the problems that do not prevent the call. `default_scheme` applies to an operation whose document
/// requires no scheme.
pub(crate) fn extract(
    document: &Arc<SpecDocument>,
    place: &OperationPlace,
    default_scheme: Option<&str>,
    open: &Open<'_>,
) -> Result<(Operation, Vec<String>), String> {
    let references = References::new(open);
    if place.path.len() > LONGEST_PATH {
        return Err(format!("has a path of more than {LONGEST_PATH} bytes"));
    }
    if place.path.contains(char::is_control) {
        return Err("has a path with a line break or another control character".to_owned());
    }
    let unreadable = |what: &str| match references.last_problem() {
        Some(problem) => format!("has {what} that cannot be read: {problem}"),
        None => format!("has {what} that cannot be read"),
    };
    let items = paths::items(&references, document, &place.path).ok_or_else(|| unreadable("a path"))?;
    let (home, node) =
        paths::operation(&references, &items, &place.method).ok_or_else(|| unreadable("an operation"))?;
    let mut source = Source {
        document,
        references: &references,
        shapes: ShapeReader::new(&references),
        items,
        home,
        node,
        default_scheme,
    };
    let mut problems = Vec::new();
    let mut operation = match document.version {
        Some(Version::V2) => swagger::v2(&mut source, place, &mut problems),
        Some(Version::V3) | None => v3(&mut source, place, &mut problems),
    };
    add_undeclared(&mut operation);
    operation.shapes = source.shapes.finish();
    problems.extend(references.problems());
    Ok((operation, problems))
}

/// The parts of a document from which one operation is read.
pub(super) struct Source<'a> {
    pub(super) document: &'a Arc<SpecDocument>,
    pub(super) references: &'a References<'a>,
    pub(super) shapes: ShapeReader<'a>,
    /// The parts that make up the path item.
    items: Vec<Part>,
    /// The document to which the references of the operation are relative.
    home: Arc<SpecDocument>,
    pub(super) node: Value,
    default_scheme: Option<&'a str>,
}

impl Source<'_> {
    /// The parameters of path and operation, with references followed; those of the operation replace those of the path.
    pub(super) fn parameters(&self) -> Vec<(Arc<SpecDocument>, Value)> {
        let mut all: Vec<(Arc<SpecDocument>, Value)> = Vec::new();
        let items = self.items.iter().map(|(document, item)| (document, item));
        for (document, list) in items.chain([(&self.home, &self.node)]) {
            for parameter in list.get("parameters").and_then(Value::as_array).into_iter().flatten() {
                if all.len() >= MOST_PARAMETERS {
                    self.references.report(format!("it has more than {MOST_PARAMETERS} parameters"));
                    break;
                }
                let Some(found) = self.references.resolve(document, parameter.clone()) else { continue };
                let same = |(_, other): &(_, Value)| {
                    other.get("name") == found.1.get("name") && other.get("in") == found.1.get("in")
                };
                match all.iter_mut().find(|other| same(other)) {
                    Some(other) => *other = found,
                    None => all.push(found),
                }
            }
        }
        all
    }

    /// The answers that the operation declares, each with its status and the document that contains it, with references followed.
    pub(super) fn responses(&self) -> Vec<(AnsweredStatus, Arc<SpecDocument>, Value)> {
        let declared = self.node.get("responses").and_then(Value::as_object).into_iter().flatten();
        let resolved = declared.filter_map(|(status, response)| {
            let status = AnsweredStatus::parse(status)?;
            let (document, response) = self.references.resolve(&self.home, response.clone())?;
            Some((status, document, response))
        });
        resolved.collect()
    }

    /// The schemes that the operation's `security` names, or the document's if the operation has no `security` or names only undefined schemes,
    /// as published documents do. If neither names any, the default scheme if it is defined.
    pub(super) fn security(
        &self,
        schemes: &str,
        problems: &mut Vec<String>,
        read: &dyn Fn(&Value) -> Result<Scheme, String>,
    ) -> Vec<SchemeUse> {
        let own = self.node.get("security").cloned();
        let global = self.references.read(self.document, "/security").or_else(|| {
            let default = self.default_scheme?;
            self.references.read(self.document, &child(schemes, default))?;
            Some(json!([{default: []}]))
        });
        let mut uses: Vec<SchemeUse> = Vec::new();
        let mut undefined = Vec::new();
        for requirements in [own.as_ref().or(global.as_ref()), global.as_ref()].into_iter().flatten() {
            let alternatives = requirements.as_array().map(Vec::as_slice).unwrap_or_default();
            let names: BTreeSet<_> =
                alternatives.iter().filter_map(Value::as_object).flat_map(Map::keys).collect();
            for name in names {
                let found = self
                    .references
                    .read(self.document, &child(schemes, name))
                    .and_then(|scheme| self.references.resolve(self.document, scheme));
                let Some((_, scheme)) = found else {
                    undefined.push(name.clone());
                    continue;
                };
                match read(&scheme) {
                    Ok(scheme) => {
                        let known = SchemeUse { name: mangle(name), scheme };
                        if !uses.iter().any(|other| other.name == known.name) {
                            uses.push(known);
                        }
                    }
                    Err(problem) => problems.push(format!("security scheme `{name}` {problem}")),
                }
            }
            // An operation that requires nothing (`security: []`) gets nothing.
            if !uses.is_empty() || undefined.is_empty() {
                break;
            }
        }
        if uses.is_empty() && !undefined.is_empty() {
            undefined.truncate(SHOWN_SCHEMES);
            problems.push(format!("no security scheme is called `{}`", undefined.join("`, `")));
        }
        uses
    }
}

fn v3(source: &mut Source<'_>, place: &OperationPlace, problems: &mut Vec<String>) -> Operation {
    let mut parameters = Vec::new();
    for (document, parameter) in source.parameters() {
        parameters.extend(parameter_v3(source, &document, &parameter));
    }
    let body = source.node.get("requestBody").cloned().and_then(|body| body_v3(source, body, problems));
    Operation {
        method: place.method.to_ascii_uppercase(),
        path: place.path.clone(),
        server: server_v3(source, problems),
        parameters,
        body,
        answers: answers_v3(source),
        security: source.security("/components/securitySchemes", problems, &scheme_v3),
        shapes: super::shape::Shapes::default(),
    }
}

fn parameter_v3(source: &mut Source<'_>, document: &Arc<SpecDocument>, node: &Value) -> Option<Parameter> {
    let text = |name: &str| node.get(name).and_then(Value::as_str);
    let flag = |name: &str| node.get(name).and_then(Value::as_bool);
    let style = text("style").unwrap_or_default();
    let place = match text("in")? {
        "path" => Place::Path(serde_json::from_value(style.into()).unwrap_or_default()),
        "query" => Place::Query(serde_json::from_value(style.into()).unwrap_or_default()),
        "header" => Place::Header,
        "cookie" => Place::Cookie,
        _ => return None,
    };
    let content = node.get("content").and_then(Value::as_object).and_then(|content| content.values().next());
    let schema = content.unwrap_or(node).get("schema").cloned().unwrap_or_default();
    let (_, plain) =
        source.references.resolve(document, schema.clone()).unwrap_or((Arc::clone(document), Value::Null));
    Some(Parameter {
        name: text("name")?.to_owned(),
        explode: flag("explode").unwrap_or(matches!(place, Place::Query(QueryStyle::Form) | Place::Cookie)),
        reserved: flag("allowReserved").unwrap_or(false),
        json: content.is_some(),
        required: flag("required").unwrap_or(false) || matches!(place, Place::Path(_)),
        multi_segment: flag("x-multi-segment"),
        shape: source.shapes.read(document, &schema),
        default: default_of(&plain),
        place,
    })
}

fn body_v3(source: &mut Source<'_>, body: Value, problems: &mut Vec<String>) -> Option<Body> {
    let (document, body) = source.references.resolve(&source.home, body)?;
    let content = body.get("content").and_then(Value::as_object)?;
    let writable = content.iter().filter_map(|(name, form)| Some((name, form, Format::of(name)?)));
    // Of several equally good ones, the first is chosen.
    let chosen = writable.min_by_key(|(name, _, format)| match format {
        _ if *name == "application/json" => 0,
        Format::Bytes => 2,
        _ => 1,
    });
    let Some((media_type, form, format)) = chosen else {
        if !content.is_empty() {
            let known: Vec<_> = content.keys().map(String::as_str).collect();
            problems.push(format!(
                "takes `{}`, none of which can be written; no body is sent",
                known.join("`, `")
            ));
        }
        return None;
    };
    let schema = form.get("schema").cloned().unwrap_or_default();
    Some(Body {
        media_type: format.concrete(media_type),
        format,
        shape: source.shapes.read(&document, &schema),
        required: body.get("required").and_then(Value::as_bool).unwrap_or(false),
        part_types: part_types(form),
    })
}

/// The media types that `encoding` declares for the parts of a body; of several the first.
fn part_types(form: &Value) -> HashMap<String, String> {
    let parts = form.get("encoding").and_then(Value::as_object).into_iter().flatten();
    let types = parts.filter_map(|(name, encoding)| {
        let media_type = encoding.get("contentType")?.as_str()?.split(',').next()?.trim();
        let is_one = media_type.contains('/') && !media_type.contains(['*', '\r', '\n']);
        is_one.then(|| (name.clone(), media_type.to_owned()))
    });
    types.collect()
}

fn answers_v3(source: &mut Source<'_>) -> Answers {
    let mut answers = Answers::default();
    for (status, document, response) in source.responses() {
        let Some(content) = response.get("content").and_then(Value::as_object) else { continue };
        let mut media_types: Vec<String> = content.keys().cloned().collect();
        media_types.sort_by_key(|media_type| Format::of(media_type) != Some(Format::Json));
        let Some(form) = media_types.first().and_then(|media_type| content.get(media_type)) else { continue };
        let shape = match form.get("schema") {
            Some(schema) => source.shapes.read(&document, schema),
            None => Shape::Any,
        };
        answers.forms.push((status, AnswerForm { media_types, shape }));
    }
    answers
}

fn server_v3(source: &Source<'_>, problems: &mut Vec<String>) -> Option<String> {
    let top = source.references.read(source.document, "/servers");
    let items = source.items.iter().rev().filter_map(|(_, item)| item.get("servers"));
    let own = source.node.get("servers").into_iter();
    let server = own.chain(items).chain(&top).find_map(|servers| servers.as_array()?.first().cloned());
    let url = match server.map(serde_json::from_value::<Server>) {
        Some(Ok(server)) => {
            let variables = server.variables.unwrap_or_default();
            let default = |name: &str| variables.get(name).map(|variable| variable.default.as_str());
            let Some(url) = filled(&server.url, default) else {
                problems.push(format!("has a server whose address is longer than {LONGEST_SERVER} bytes"));
                return None;
            };
            within_a_line(url.trim(), problems)?.to_owned()
        }
        Some(Err(error)) => {
            problems.push(format!("has a server that cannot be read: {error}"));
            return None;
        }
        None => return None,
    };
    Some(url)
}

/// The address, unless it has control characters: a client would drop line breaks silently and call another address than the document names.
pub(super) fn within_a_line<'a>(address: &'a str, problems: &mut Vec<String>) -> Option<&'a str> {
    if address.contains(char::is_control) {
        problems.push("has a server whose address has a line break or another control character".to_owned());
        return None;
    }
    Some(address)
}

/// Replaces each `{name}` in a text by its value; braces in a value are not replaced again. `None` if the text gets too long.
fn filled<'a>(text: &str, value: impl Fn(&str) -> Option<&'a str>) -> Option<String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let known = after.split_once('}').and_then(|(name, after)| Some((value(name)?, after)));
        let (value, after) = known.unwrap_or(("{", after));
        filled.push_str(value);
        rest = after;
        if filled.len() > LONGEST_SERVER {
            return None;
        }
    }
    filled.push_str(rest);
    (filled.len() <= LONGEST_SERVER).then_some(filled)
}

fn scheme_v3(node: &Value) -> Result<Scheme, String> {
    let scheme: SecurityScheme =
        serde_json::from_value(node.clone()).map_err(|error| format!("cannot be read: {error}"))?;
    Ok(match scheme {
        SecurityScheme::APIKey { location, name, .. } => {
            let place = match location {
                APIKeyLocation::Header => KeyPlace::Header,
                APIKeyLocation::Query => KeyPlace::Query,
                APIKeyLocation::Cookie => KeyPlace::Cookie,
            };
            Scheme::ApiKey { place, name }
        }
        SecurityScheme::HTTP { scheme, .. } => match scheme.to_ascii_lowercase().as_str() {
            "basic" => Scheme::Basic,
            "bearer" => Scheme::Bearer,
            other => return Err(format!("is of the HTTP scheme `{other}`; basic and bearer can be used")),
        },
        SecurityScheme::OAuth2 { flows, .. } => {
            Scheme::OAuth2 { token_url: flows.client_credentials.map(|flow| flow.token_url) }
        }
        SecurityScheme::OpenIDConnect { open_id_connect_url, .. } => {
            Scheme::OpenId { discovery_url: open_id_connect_url }
        }
    })
}

/// Adds a path parameter for each name in the path that no parameter declares.
fn add_undeclared(operation: &mut Operation) {
    let names: Vec<String> = operation
        .path
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| name.to_owned())
        .collect();
    for name in names {
        let declared = |p: &Parameter| p.name == name && matches!(p.place, Place::Path(_));
        if !operation.parameters.iter().any(declared) {
            operation.parameters.push(Parameter {
                name,
                place: Place::Path(PathStyle::Simple),
                explode: false,
                reserved: false,
                json: false,
                required: true,
                multi_segment: None,
                shape: Shape::Any,
                default: None,
            });
        }
    }
}
