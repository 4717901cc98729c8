//! Makes the outcome of a call from the service's answer.
//!
//! Promises: no body in an error holds a secret, or is longer than [`MAX_ERROR_BODY`]; credentials in the headers of an answer are dropped unless
//! the workflow asks for them; a value is read within the memory that is granted for it.

use std::borrow::Cow;

use rondo_expression::{ReadError, Val};
use rondo_memory::Share;

use crate::charset::{self, Undecodable};
use crate::error::CallErrorKind;
use crate::headers::{self, AskedHeaders};
use crate::mask::Mask;
use crate::transport::Incoming;

/// The outcome of a call that succeeded.
#[derive(Debug)]
pub struct Answer {
    /// The result of the action; null if the service answered nothing.
    pub result: Val,
    /// HTTP status; `None` if the call was not made by HTTP.
    pub status: Option<u16>,
    /// Reason phrase.
    pub status_message: String,
    /// Headers of the answer, names as they are usually written (`X-Custom-Header`).
    pub headers: Vec<(String, String)>,
    /// The state that a Python script left: `{values, state}`, the values for `$WORKFLOW.python` and the state for the next script
    /// ([`crate::Request::python`]). `None` if no script ran.
    pub python: Option<Val>,
    /// The memory of the result. It is held until the result is merged into the data of its instance.
    pub share: Share,
}

impl Answer {
    /// The outcome of a call that was not made by HTTP.
    pub(crate) fn without_response(result: Val, mut share: Share) -> Self {
        share.shrink_to(result.memory() as u64);
        Self { result, status: None, status_message: String::new(), headers: Vec::new(), python: None, share }
    }
}

/// Why an answer is no result.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// The answer is not this.
    Is(Cow<'static, str>),
    /// The answer holds more than a value may, or there is no memory for it now.
    TooMuch(ReadError),
}

/// Most bytes of an error's body that are kept: enough for the message to the client, too few to fill a database.
const MAX_ERROR_BODY: usize = 64 * 1024;

/// Most bytes of the headers of an answer that a workflow can see. They are stored with the instance until the next answer; services send one or
/// two thousand bytes.
const MAX_HEADER_BYTES: usize = 32 * 1024;

impl From<ReadError> for Unreadable {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Syntax(_) => Self::not("JSON"),
            ReadError::Depth(_) => Self::not("JSON of at most 100 levels"),
            other => Self::TooMuch(other),
        }
    }
}

impl Unreadable {
    /// The answer is not what was expected.
    pub(crate) fn not(expected: &'static str) -> Self {
        Self::Is(Cow::Borrowed(expected))
    }
}

/// The text of an answer in UTF-8, without a byte order mark. Asks `grant` for the memory that decoding takes.
pub(crate) fn utf8<'a>(
    bytes: &'a [u8],
    content_type: &str,
    grant: &mut dyn FnMut(usize) -> bool,
) -> Result<Cow<'a, [u8]>, Unreadable> {
    let text = charset::to_utf8(bytes, content_type, grant).ok_or(Unreadable::TooMuch(ReadError::NoRoom))?;
    text.map_err(|Undecodable(expected)| Unreadable::Is(expected.into()))
}

/// The error of a call that the service answered with an error status.
pub(crate) fn status_error(incoming: &Incoming, mask: &Mask) -> CallErrorKind {
    CallErrorKind::Status {
        status: incoming.status,
        reason: incoming.reason.clone(),
        redirect: incoming.not_followed.as_ref().map(|redirect| mask.apply(redirect)),
        body: masked_body(incoming, mask),
    }
}

/// The error of a call whose answer does not have the expected form.
pub(crate) fn bad_answer(incoming: &Incoming, expected: &str, mask: &Mask) -> CallErrorKind {
    CallErrorKind::BadAnswer {
        status: incoming.status,
        expected: expected.to_owned(),
        body: masked_body(incoming, mask),
    }
}

/// The beginning of the body as text; compact if the body is JSON and fits entirely.
fn masked_body(incoming: &Incoming, mask: &Mask) -> String {
    // `Mask::apply_to_beginning` needs more text than it shows, to find a secret that its end would cut.
    const MARGIN: usize = 64 * 1024;
    let body = &incoming.body.bytes;
    let beginning = body.get(..MAX_ERROR_BODY + MARGIN).unwrap_or(body);
    let text = charset::shown(beginning, incoming.content_type());
    let json = if beginning.len() == body.len() { Val::from_json(text.as_bytes()).ok() } else { None };
    let text = match json {
        Some(value) => value.to_text(),
        None => text.trim().to_owned(),
    };
    mask.apply_to_beginning(&text, MAX_ERROR_BODY)
}

/// The answer with this result, whose memory the share holds.
pub(crate) fn to_answer(result: Val, incoming: &Incoming, asked: &AskedHeaders, mut share: Share) -> Answer {
    share.shrink_to(result.memory() as u64);
    let mut left = MAX_HEADER_BYTES;
    let headers = incoming
        .headers
        .iter()
        .filter(|(name, _)| asked.shows(name.as_str()))
        .filter(|(name, value)| {
            let room = left.checked_sub(name.as_str().len() + value.len());
            left = room.unwrap_or(left);
            room.is_some()
        })
        .map(|(name, value)| {
            (headers::canonical_case(name.as_str()), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    Answer {
        result,
        status: Some(incoming.status),
        status_message: incoming.reason.clone(),
        headers,
        python: None,
        share,
    }
}
