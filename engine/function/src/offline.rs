//! Runs the operations of an `OpenAPI` document without a service: the request that a call would send, and the result of an answer.
//!
//! Exists only for tests that pass arbitrary documents, arguments and answers to modules of this crate. Never: opens a connection or reads a
//! file.

use std::sync::Arc;

use rondo_expression::{ReadLimits, Val};

use crate::answer::{Unreadable, utf8};
use crate::openapi::document::SpecDocument;
use crate::openapi::{self, answer, operation::Operation, request};
use crate::{rest, specs};

/// Limits small enough for a test to reach.
const LIMITS: ReadLimits =
    ReadLimits { nodes: 10_000, depth: Val::DEEPEST, memory: 1 << 20, skips_null_elements: true };

/// An operation that a document describes. For tests.
#[derive(Debug)]
pub struct OfflineOperation(Operation);

/// A request that would be sent. For tests.
#[derive(Debug)]
pub struct OfflineRequest {
    /// Upper case.
    pub method: String,
    /// The whole address, below `http://service`.
    pub address: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// Content type and bytes.
    pub body: Option<(String, Vec<u8>)>,
}

/// The first operations of a document that can be called, in the order of their ids. The document may refer only to itself. For tests.
///
/// # Errors
/// The text says why the document cannot be read at all.
pub fn operations(text: &str, most: usize) -> Result<Vec<OfflineOperation>, String> {
    const NAME: &str = "specs/service.yaml";
    let document = Arc::new(specs::parse(NAME, text.into())?);
    document.check_version()?;
    let mut ids: Vec<&str> = document.operation_ids().collect();
    ids.sort_unstable();
    let open = |_: &SpecDocument, file: &str| match file {
        NAME => Ok(Arc::clone(&document)),
        other => Err(format!("`{other}` is not there")),
    };
    let places = ids.into_iter().take(most).filter_map(|id| document.operation(id));
    let found = places.filter_map(|place| openapi::extract(&document, place, None, &open).ok());
    Ok(found.map(|(operation, _)| OfflineOperation(operation)).collect())
}

impl OfflineOperation {
    /// The request of a call with these arguments. For tests.
    ///
    /// # Errors
    /// The text names the argument at fault.
    pub fn request(&self, arguments: &Val) -> Result<OfflineRequest, String> {
        let builder = request::build(&self.0, arguments, true)?;
        Ok(OfflineRequest {
            address: builder.address(self.0.server.as_deref().unwrap_or("http://service")),
            headers: builder.headers.iter().map(|(name, value)| (name.into(), value.into())).collect(),
            method: builder.method,
            body: builder.body,
        })
    }

    /// The result that an answer gives. For tests.
    ///
    /// # Errors
    /// The text names the form that the answer should have had, or the limit that it exceeds.
    pub fn result(
        &self,
        status: u16,
        content_type: &str,
        body: &[u8],
        grant: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Val, String> {
        let text = utf8(body, content_type, grant).map_err(described)?;
        answer::read(&self.0, status, content_type, &text, LIMITS, grant).map_err(described)
    }
}

/// The result that an answer gives to a call that no document describes. For tests.
///
/// # Errors
/// As those of [`OfflineOperation::result`].
pub fn http_result(
    content_type: &str,
    body: &[u8],
    tolerant: bool,
    grant: &mut dyn FnMut(usize) -> bool,
) -> Result<Val, String> {
    let text = utf8(body, content_type, grant).map_err(described)?;
    rest::read(&text, content_type, tolerant, LIMITS, grant).map_err(described)
}

fn described(unreadable: Unreadable) -> String {
    match unreadable {
        Unreadable::Is(expected) => format!("it should be {expected}"),
        Unreadable::TooMuch(error) => error.to_string(),
    }
}
