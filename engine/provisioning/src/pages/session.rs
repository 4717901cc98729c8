//! Who looks at a page: a person signs in with their token of the desk, and the browser keeps a cookie.
//!
//! Promises: the cookie is a random name for a session of this process, never the token; scripts cannot read it, other sites
//! cannot send it; a session ends after a working day, when somebody signs out, or when the process ends. Where the desk has
//! no users, everybody is its admin and nobody signs in.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    Router,
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use jiff::Timestamp;
use maud::html;
use parking_lot::Mutex;
use ring::rand::{SecureRandom, SystemRandom};
use serde::Deserialize;

use super::{
    Pages,
    forms::{check_origin, read},
    layout::{Problem, notice, outside},
};
use crate::{model::Person, refusal::Refusal};

const COOKIE: &str = "rondo_desk";

/// A working day.
const VALID_FOR: Duration = Duration::from_hours(10);

/// Sessions at once; more push the oldest out, so that signing in never takes more memory.
const MOST: usize = 10_000;

/// The sessions of this process.
#[derive(Default)]
pub(super) struct Sessions(Mutex<BTreeMap<String, Session>>);

struct Session {
    person: Person,
    ends: Timestamp,
}

/// Somebody who may see the pages.
pub(super) struct Visitor {
    pub(super) person: Person,
    /// Whether they signed in, and so can sign out.
    pub(super) has_session: bool,
}

impl FromRequestParts<Pages> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, pages: &Pages) -> Result<Self, Response> {
        let shared = &pages.desk.0;
        if shared.settings.is_open() {
            let person = shared
                .settings
                .caller(None)
                .ok_or_else(|| Problem(Refusal::unauthenticated()).into_response())?;
            return Ok(Self { person, has_session: false });
        }
        let now = crate::desk::Clock::now();
        let sessions = pages.sessions.0.lock();
        let session =
            cookie(&parts.headers).and_then(|id| sessions.get(id)).filter(|session| now < session.ends);
        let person = session.map(|session| session.person.clone());
        person
            .map(|person| Self { person, has_session: true })
            .ok_or_else(|| Redirect::to("/desk/sign-in").into_response())
    }
}

impl Sessions {
    /// Begins a session; gives its name. The error is that the system has no random numbers.
    fn begin(&self, person: Person, now: Timestamp) -> Result<String, Refusal> {
        let mut bytes = [0; 32];
        let failed = |_| Refusal::unavailable("the system gives no random numbers");
        SystemRandom::new().fill(&mut bytes).map_err(failed)?;
        let id: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let ends = now.saturating_add(VALID_FOR).unwrap_or(Timestamp::MAX);
        let mut sessions = self.0.lock();
        sessions.retain(|_, session| now < session.ends);
        if sessions.len() >= MOST
            && let Some(first) =
                sessions.iter().min_by_key(|(_, session)| session.ends).map(|(id, _)| id.clone())
        {
            sessions.remove(&first);
        }
        sessions.insert(id.clone(), Session { person, ends });
        Ok(id)
    }
}

pub(super) fn routes() -> Router<Pages> {
    Router::new().route("/sign-in", get(ask).post(sign_in)).route("/sign-out", post(sign_out))
}

async fn ask() -> Response {
    form(None)
}

fn form(problem: Option<&str>) -> Response {
    let content = html! {
        @if let Some(problem) = problem { (notice(false, problem)) }
        section class="narrow" {
            form class="stack" method="post" action="/desk/sign-in" {
                label for="token" { "Your token of the desk" }
                input type="password" id="token" name="token" required autofocus autocomplete="current-password";
                button { "Sign in" }
            }
        }
    };
    outside("Sign in", &content)
}

#[derive(Deserialize)]
struct Token {
    token: String,
}

async fn sign_in(State(pages): State<Pages>, request: Request) -> Result<Response, Response> {
    check_origin(request.headers()).map_err(|refusal| Problem(refusal).into_response())?;
    let is_encrypted = request.headers().get("x-forwarded-proto").is_some_and(|scheme| scheme == "https");
    let Token { token } = read(request).await?;
    let shared = &pages.desk.0;
    let Some(person) = shared.settings.caller(Some(token.trim())) else {
        return Ok((StatusCode::UNAUTHORIZED, form(Some("Nobody has this token."))).into_response());
    };
    let id = pages
        .sessions
        .begin(person, crate::desk::Clock::now())
        .map_err(|refusal| Problem(refusal).into_response())?;
    Ok(with_cookie(&id, VALID_FOR, is_encrypted))
}

async fn sign_out(State(pages): State<Pages>, headers: HeaderMap) -> Result<Response, Problem> {
    check_origin(&headers)?;
    if let Some(id) = cookie(&headers) {
        pages.sessions.0.lock().remove(id);
    }
    Ok(with_cookie("", Duration::ZERO, false))
}

/// Goes to the first page with this cookie.
fn with_cookie(id: &str, age: Duration, is_encrypted: bool) -> Response {
    let secure = if is_encrypted { "; Secure" } else { "" };
    let cookie =
        format!("{COOKIE}={id}; Path=/desk; HttpOnly; SameSite=Strict; Max-Age={}{secure}", age.as_secs());
    let mut response = Redirect::to("/desk/requests").into_response();
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// The name of the session in the headers of a request.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}
