//! Sends a message over HTTP.

use reqwest::{Client, Method, Response, Url};

use super::SendErrorKind;
use crate::Message;

/// Most bytes of an answer's body that an error shows: enough for the service's own words.
const SHOWN_BYTES: usize = 500;

/// Sends a message. Any 2xx is an acceptance; a redirect is not followed, because the event would go to an address that nobody configured.
pub(super) async fn send(
    client: &Client,
    method: &str,
    url: &str,
    message: Message,
) -> Result<(), SendErrorKind> {
    let url = Url::parse(url)
        .map_err(|error| SendErrorKind::Unsendable(format!("its address is no URL: {error}")))?;
    let method = Method::from_bytes(method.as_bytes())
        .map_err(|_| SendErrorKind::NotConfigured(format!("`{method}` is no method")))?;
    let mut request = client.request(method, url).body(message.body);
    for (name, value) in message.headers {
        request = request.header(name, value);
    }
    let request = request
        .build()
        .map_err(|error| SendErrorKind::Unsendable(format!("it makes no valid request: {}", cause(error))))?;
    let answer = client.execute(request).await.map_err(|error| SendErrorKind::Connection(cause(error)))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    Err(SendErrorKind::Status { status: status.as_u16(), body: beginning(answer).await })
}

/// The beginning of a body, as far as it can be read.
async fn beginning(mut answer: Response) -> String {
    let mut bytes = Vec::new();
    while bytes.len() <= SHOWN_BYTES {
        match answer.chunk().await {
            Ok(Some(piece)) => bytes.extend_from_slice(piece.get(..SHOWN_BYTES + 1).unwrap_or(&piece)),
            _ => break,
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    let shown = text.get(..text.floor_char_boundary(SHOWN_BYTES)).unwrap_or_default();
    format!("{shown}{}", if text.len() > SHOWN_BYTES { "…" } else { "" })
}

/// The innermost cause, which says what happened in fewer words, without the address.
fn cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut innermost: &dyn std::error::Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
