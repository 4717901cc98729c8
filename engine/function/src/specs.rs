//! The `OpenAPI` documents of a folder, each read once.
//!
//! Owns: [`Specs`], made for one load and shared by the workflows of a folder; a reload makes new ones and so sees changed documents. Promises:
//! ninety workflows that share a document cost one parse of it, even if several threads bind them.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use rondo_definition::{Diagnostic, Limits, Resource, Resources, Source, codes, load, load_as_json};
use serde_json::Value;

use crate::fetch::Fetcher;
use crate::openapi::document::SpecDocument;

/// The result of reading a document.
type Read = Result<Arc<SpecDocument>, String>;

/// Documents by name and digest.
#[derive(Default)]
pub struct Specs {
    fetcher: Option<Arc<Fetcher>>,
    read: Mutex<HashMap<(String, String), Arc<OnceLock<Read>>>>,
}

impl Specs {
    /// Creates the documents of a folder. The fetcher is the one that the folder's [`Resources`] use; without one, documents that need
    /// credentials cannot be read.
    pub fn new(fetcher: Option<Arc<Fetcher>>) -> Self {
        Self { fetcher, read: Mutex::default() }
    }

    /// The document at a URI relative to the file `base`, read on behalf of the document `owner`. It need not describe operations.
    pub(crate) fn open(
        &self,
        resources: &Resources,
        owner: &Source,
        base: &str,
        uri: &str,
        authorization: Option<&str>,
    ) -> Read {
        let (name, text) = self.read(resources, owner, base, uri, authorization)?;
        let digest = owner.digest_of(&name).unwrap_or_default();
        let once = Arc::clone(self.read.lock().entry((name.clone(), digest)).or_default());
        // Other threads can read other documents meanwhile.
        once.get_or_init(|| parse(&name, text).map(Arc::new)).clone()
    }

    /// The name and the text of a document, read as [`Self::open`] does.
    pub(crate) fn read(
        &self,
        resources: &Resources,
        owner: &Source,
        base: &str,
        uri: &str,
        authorization: Option<&str>,
    ) -> Result<(String, String), String> {
        if let (Some(authorization), Some(fetcher)) = (authorization, &self.fetcher) {
            fetcher.authorize(&resources.resolve_alias(uri), authorization);
        }
        let Resource { bytes, name } =
            resources.read_from(owner, base, uri).map_err(|error| error.to_string())?;
        let text = String::from_utf8(bytes).map_err(|_| format!("`{name}` is not UTF-8 text"))?;
        Ok((name, text))
    }
}

/// Parses any document to which an `OpenAPI` document may refer. JSON is indexed as it is; YAML is converted to JSON first, so that lookups work
/// in one way only.
pub(crate) fn parse(uri: &str, text: String) -> Result<SpecDocument, String> {
    let is_json =
        text.trim_start().starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
    let json = match is_json {
        true => text,
        false => load_as_json(uri, &text, Limits::RESOURCE).map_err(|problems| first(uri, &problems))?,
    };
    SpecDocument::parse_any(uri, json.into()).map_err(|problem| format!("`{uri}` {problem}"))
}

/// The value of a document in YAML or JSON.
pub(crate) fn parse_value(uri: &str, text: &str) -> Result<Value, String> {
    load(uri, text, Limits::RESOURCE).map(|loaded| loaded.value).map_err(|problems| first(uri, &problems))
}

/// The first problem of an unreadable document, with the document's name.
fn first(uri: &str, problems: &[Diagnostic]) -> String {
    match problems.first() {
        // The message of a syntax error contains the line.
        Some(problem) if problem.code == codes::SYNTAX => format!("`{uri}` is {}", problem.message),
        Some(Diagnostic { position: Some(position), message, .. }) => {
            format!("`{uri}` cannot be read, line {} column {}: {message}", position.line, position.column)
        }
        Some(problem) => format!("`{uri}` cannot be read: {}", problem.message),
        None => format!("`{uri}` cannot be read"),
    }
}
