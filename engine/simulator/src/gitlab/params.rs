//! Parameters as GitLab takes them: query, JSON body and form are one set, the body wins.

use std::collections::BTreeSet;

use axum::RequestExt;
use axum::body::Bytes;
use axum::extract::{Form, FromRequest, Query, Request};
use axum::http::{StatusCode, header};
use serde_json::{Map, Value};

use super::Refusal;

/// The parameters of one request.
#[derive(Debug)]
pub(super) struct Params(Map<String, Value>);

impl Params {
    /// A parameter as text; numbers and booleans are written out. Null counts as absent.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    /// A text that must be given.
    pub(super) fn required(&self, name: &str) -> Result<String, Refusal> {
        let missing = || Refusal::error(StatusCode::BAD_REQUEST, &format!("{name} is missing"));
        self.text(name).ok_or_else(missing)
    }

    /// Label names: an array, or one text with commas. Absent is not the same as none.
    pub(super) fn labels(&self, name: &str) -> Option<BTreeSet<String>> {
        let texts = match self.0.get(name)? {
            Value::Array(items) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
            _ => vec![self.text(name).unwrap_or_default()],
        };
        let names = texts.iter().flat_map(|text| text.split(',')).map(str::trim);
        Some(names.filter(|name| !name.is_empty()).map(str::to_owned).collect())
    }

    /// Whether one of these was given.
    pub(super) fn any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.0.contains_key(*name))
    }
}

impl<S: Send + Sync> FromRequest<S> for Params {
    type Rejection = Refusal;

    async fn from_request(mut request: Request, _: &S) -> Result<Self, Refusal> {
        let unreadable = || Refusal::error(StatusCode::BAD_REQUEST, "400 Bad Request");
        let Ok(Query(pairs)) = request.extract_parts::<Query<Vec<(String, String)>>>().await else {
            return Err(unreadable());
        };
        let mut params = Map::new();
        for (name, value) in pairs {
            add(&mut params, &name, value);
        }

        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if content_type.is_some_and(|kind| kind.starts_with("application/json")) {
            let Ok(bytes) = request.extract::<Bytes, _>().await else {
                return Err(unreadable());
            };
            // Clients that always name the type also do so when there is no body.
            let body = if bytes.is_empty() { Ok(Map::new()) } else { serde_json::from_slice(&bytes) };
            let Ok(body) = body else {
                return Err(unreadable());
            };
            params.extend(body);
        } else if content_type.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
            let Ok(Form(pairs)) = request.extract::<Form<Vec<(String, String)>>, _>().await else {
                return Err(unreadable());
            };
            for (name, value) in pairs {
                add(&mut params, &name, value);
            }
        }
        Ok(Self(params))
    }
}

/// `name[]` may occur several times and makes an array.
fn add(params: &mut Map<String, Value>, name: &str, value: String) {
    match name.strip_suffix("[]") {
        None => drop(params.insert(name.to_owned(), value.into())),
        Some(name) => match params.entry(name).or_insert_with(|| Value::Array(Vec::new())) {
            Value::Array(items) => items.push(value.into()),
            other => *other = Value::Array(vec![value.into()]),
        },
    }
}
