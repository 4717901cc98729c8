//! Who calls, and a body that was checked.

use axum::{
    body::{Bytes, to_bytes},
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, HeaderValue, header, request::Parts},
};
use serde_json::Value;

use super::{App, answer::Change};
use crate::{model::Person, refusal::Refusal};

/// The largest body.
const MOST_BYTES: usize = 1024 * 1024;

/// The person that a request comes from.
pub(crate) struct Caller(pub(crate) Person);

impl FromRequestParts<App> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        person(app, &parts.headers).map(Self)
    }
}

fn person(app: &App, headers: &HeaderMap) -> Result<Person, Refusal> {
    let given = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
    let token =
        given.split_at_checked("Bearer ".len()).filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"Bearer "));
    let token = token.and_then(|(_, token)| std::str::from_utf8(token.trim_ascii()).ok());
    app.desk.0.settings.caller(token).ok_or_else(Refusal::unauthenticated)
}

/// Refuses everybody but admins, in these words.
pub(super) fn check_admin(person: &Person, refusal: &str) -> Result<(), Refusal> {
    if person.is_admin() { Ok(()) } else { Err(Refusal::forbidden(refusal)) }
}

/// Flows and other systems work on what was asked for; people do not.
pub(crate) fn check_service(person: &Person) -> Result<(), Refusal> {
    if person.is_service() { Ok(()) } else { Err(Refusal::forbidden("only a flow or a service may do this")) }
}

/// The instance that calls, as the engine sends it.
pub(crate) fn instance_of(headers: &HeaderMap) -> Option<String> {
    headers.get("kogitoprocinstanceid").and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// A call that changes something: who makes it, how it is repeated, and its body.
pub(crate) struct Call {
    pub(crate) change: Change,
    pub(crate) body: Value,
    pub(crate) headers: HeaderMap,
}

impl FromRequest<App> for Call {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &App) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        let person = person(app, &parts.headers)?;
        let bytes = read(body).await?;
        let change = Change::new(person, &parts.method, &parts.uri, &parts.headers, &bytes)?;
        let body = if bytes.iter().all(u8::is_ascii_whitespace) {
            Value::Null
        } else {
            serde_json::from_slice(&bytes)
                .map_err(|error| Refusal::bad_request(format!("the body is no JSON: {error}")))?
        };
        Ok(Self { change, body, headers: parts.headers })
    }
}

pub(crate) async fn read(body: axum::body::Body) -> Result<Bytes, Refusal> {
    to_bytes(body, MOST_BYTES).await.map_err(|_| {
        Refusal::bad_request(format!("the body is larger than {MOST_BYTES} bytes, or broke off"))
    })
}

/// Writes `2.0` as `2`: JSON has one kind of numbers, and programs that know no whole ones send them so.
fn write_whole_numbers(value: &mut Value) {
    /// Up to here a float has no gaps between whole numbers.
    const MOST: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) if number.is_f64() => {
            let whole = number.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < MOST);
            #[allow(clippy::cast_possible_truncation, reason = "the number is whole and in the range")]
            if let Some(whole) = whole {
                *value = (whole as i64).into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(write_whole_numbers),
        Value::Object(members) => members.values_mut().for_each(write_whole_numbers),
        _ => {}
    }
}

impl Call {
    /// Refuses people.
    pub(crate) fn check_service(&self) -> Result<(), Refusal> {
        check_service(&self.change.person)
    }

    /// The body of an operation, read as what it is. All that is wrong with it is told at once.
    pub(crate) fn read<T: serde::de::DeserializeOwned>(
        &mut self,
        app: &App,
        operation: &str,
    ) -> Result<T, Refusal> {
        let body = std::mem::take(&mut self.body);
        let mut body = if body.is_null() { Value::Object(serde_json::Map::new()) } else { body };
        write_whole_numbers(&mut body);
        app.schemas.check(operation, &body)?;
        T::deserialize(&body).map_err(|error| {
            let fault = error.to_string();
            let is_shown = app.schemas.shows_secret(&body, &fault);
            let fault = if is_shown {
                "a member that is never shown has another form than it should"
            } else {
                &fault
            };
            Refusal::invalid_at("", fault)
        })
    }
}
