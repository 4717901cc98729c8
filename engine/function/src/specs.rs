//! The `OpenAPI` documents of a folder, each read once.
//!
//! Owns: [`Specs`], made for one load and shared by the workflows of a folder; a document with another text is another
//! document, so a reload with a new one sees its changes. Promises: ninety workflows that share a document cost one
//! reading of it, also when they are bound by several threads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rondo_definition::{Limits, load};

use crate::openapi::document::SpecDocument;

/// What came of reading a document.
type Read = Result<Arc<SpecDocument>, String>;

/// Documents by place and text.
#[derive(Debug, Default)]
pub struct Specs {
    read: Mutex<HashMap<(String, Arc<str>), Read>>,
}

impl Specs {
    /// The document of that text; `uri` is where it was found.
    pub(crate) fn document(&self, uri: &str, text: Arc<str>) -> Result<Arc<SpecDocument>, String> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = read.entry((uri.to_owned(), Arc::clone(&text)));
        entry.or_insert_with(|| parse(uri, text).map(Arc::new)).clone()
    }
}

/// JSON is indexed as it is; YAML is read and written as JSON first, so that there is one way to look things up.
fn parse(uri: &str, text: Arc<str>) -> Result<SpecDocument, String> {
    let is_json =
        text.trim_start().starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
    if is_json {
        return SpecDocument::parse(uri, text);
    }
    let loaded = load(uri, &text, Limits::RESOURCE).map_err(|problems| match problems.first() {
        Some(problem) => format!("cannot be read: {problem}"),
        None => "cannot be read".to_owned(),
    })?;
    SpecDocument::parse(uri, loaded.value.to_string().into())
}
