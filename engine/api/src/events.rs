//! Events over HTTP: `POST /`, and the paths of the channels that the properties name.
//!
//! Promises: an event is answered 202 once it is durable, also if the engine has received it before; a request that is no event is answered with
//! the reason; the valid events of a batch are taken, and the answer names the others. Never: decides which instance an event is for. Source:
//! CloudEvents 1.0, "HTTP Protocol Binding"; `SonataFlow` answers 202 to every request at `/`, even when it drops the event.

use std::collections::HashSet;

use axum::{
    Router,
    extract::{FromRequest, Request, State},
    http::{HeaderMap, Method, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::post,
};
use rondo_event::{EventError, Incoming, Received as Events, Room, Source, read_http};
use rondo_expression::ReadLimits;
use rondo_runtime::Engine;

use crate::{
    app::App,
    errors::ErrorAnswer,
    input,
    receive::{Received, Whole},
};

/// The route `POST /`.
pub(crate) fn routes() -> Router<App> {
    Router::new().route("/", post(receive_at_root))
}

/// The paths other than `/` at which requests bring events.
pub(crate) fn paths(engine: &Engine) -> HashSet<String> {
    let paths = engine.channels().incoming().filter_map(|channel| match &channel.source {
        Source::Http(source) if source.path != "/" => Some(source.path.clone()),
        _ => None,
    });
    paths.collect()
}

/// Handles a request to the path of a channel, and passes all others on. A channel takes precedence over a workflow of the same path.
pub(crate) async fn at_channels(State(app): State<App>, request: Request, next: Next) -> Response {
    let channel = app.engine.channels().incoming_at(request.method().as_str(), request.uri().path());
    let Some(channel) = channel.cloned() else { return next.run(request).await };
    let headers = request.headers().clone();
    let body = match Received::from_request(request, &app).await {
        Ok(body) => body,
        Err(never) => match never {},
    };
    receive(&app, Some(&channel), headers, body).await.into_response()
}

async fn receive_at_root(
    State(app): State<App>,
    headers: HeaderMap,
    body: Received,
) -> Result<Response, ErrorAnswer> {
    let channel = app.engine.channels().incoming_at(Method::POST.as_str(), "/").cloned();
    receive(&app, channel.as_ref(), headers, body).await
}

async fn receive(
    app: &App,
    channel: Option<&Incoming>,
    headers: HeaderMap,
    body: Received,
) -> Result<Response, ErrorAnswer> {
    let body = body.0?;
    let channel = channel.cloned();
    let (read, _share) = input::read_in_turn(body.bytes.len(), move || {
        let Whole { bytes, mut share } = body;
        let read = read(&headers, &bytes, channel.as_ref(), &mut |more| share.grow(more as u64).is_ok());
        (read, share)
    })
    .await?;
    let Events { events, broken } = read?;
    let all = events.len() + broken.len();
    let accepted = events.iter().map(|event| app.engine.receive(event));
    let mut problems: Vec<String> =
        broken.iter().map(|(index, error)| format!("event {index}: {error}")).collect();
    for accepted in futures_util::future::join_all(accepted).await {
        match accepted {
            Ok(_) => {}
            // The sender repeats the whole batch, and the engine recognises the events that it has taken.
            Err(refusal) => return Err(refusal.into()),
        }
    }
    if problems.is_empty() {
        return Ok(StatusCode::ACCEPTED.into_response());
    }
    problems.insert(0, format!("{} of {all} events were taken", events.len()));
    Err(ErrorAnswer::new(StatusCode::BAD_REQUEST, problems.join("; ")))
}

fn read(
    headers: &HeaderMap,
    body: &[u8],
    channel: Option<&Incoming>,
    grant: &mut dyn FnMut(usize) -> bool,
) -> Result<Events, EventError> {
    let mut room = Room::new(ReadLimits::default(), grant);
    let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    match channel {
        Some(channel) => channel.read_request(headers, body, &uuid::Uuid::new_v4().to_string(), &mut room),
        None => read_http(headers, body, &mut room),
    }
}

impl From<EventError> for ErrorAnswer {
    fn from(error: EventError) -> Self {
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
        Self::new(status, error.to_string())
    }
}
