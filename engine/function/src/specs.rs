//! The `OpenAPI` documents of a folder, each read once.
//!
//! Owns: [`Specs`], made for one load and shared by the workflows of a folder; a document with another text is another
//! document, so a reload with a new one sees its changes. Promises: ninety workflows that share a document cost one
//! reading of it, also when they are bound by several threads.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use rondo_definition::{Limits, Resource, Resources, Source, load};
use serde_json::Value;

use crate::fetch::Fetcher;
use crate::openapi::document::SpecDocument;

/// What came of reading a document.
type Read = Result<Arc<SpecDocument>, String>;

/// Documents by place and text.
#[derive(Default)]
pub struct Specs {
    fetcher: Option<Arc<Fetcher>>,
    read: Mutex<HashMap<(String, Arc<str>), Arc<OnceLock<Read>>>>,
}

impl Specs {
    /// Documents of a folder. The fetcher is the one that the folder's [`Resources`] use; without one, documents that
    /// need credentials cannot be read.
    pub fn new(fetcher: Option<Arc<Fetcher>>) -> Self {
        Self { fetcher, read: Mutex::default() }
    }

    /// The document that a URI means, seen from the file `base`, read on behalf of the document `owner`. It need not describe operations.
    pub(crate) fn open(
        &self,
        resources: &Resources,
        owner: &Source,
        base: &str,
        uri: &str,
        authorization: Option<&str>,
    ) -> Read {
        let (name, text) = self.read(resources, owner, base, uri, authorization)?;
        self.document(&name, text.into())
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

    /// The document of that text; `uri` is where it was found.
    fn document(&self, uri: &str, text: Arc<str>) -> Read {
        let once = {
            let mut read = self.read.lock();
            Arc::clone(read.entry((uri.to_owned(), Arc::clone(&text))).or_default())
        };
        // Others read other documents meanwhile.
        once.get_or_init(|| parse(uri, text).map(Arc::new)).clone()
    }
}

/// Any document to which an `OpenAPI` document may refer. JSON is indexed as it is; YAML is read and written as JSON first, so that there is one
/// way to look things up.
pub(crate) fn parse(uri: &str, text: Arc<str>) -> Result<SpecDocument, String> {
    let is_json =
        text.trim_start().starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
    if is_json {
        return index(uri, text);
    }
    index(uri, parse_value(uri, &text)?.to_string().into())
}

/// The value of a document in YAML or JSON.
pub(crate) fn parse_value(uri: &str, text: &str) -> Result<Value, String> {
    let loaded = load(uri, text, Limits::RESOURCE).map_err(|problems| match problems.first() {
        Some(problem) => problem.to_string(),
        None => format!("`{uri}` cannot be read"),
    })?;
    Ok(loaded.value)
}

fn index(uri: &str, text: Arc<str>) -> Result<SpecDocument, String> {
    SpecDocument::parse_any(uri, text).map_err(|problem| format!("`{uri}` {problem}"))
}
