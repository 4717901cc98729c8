//! An `OpenAPI` document, read only as far as its operations need.
//!
//! Owns: the text and an index of the places of its parts. Promises: a document of several megabytes costs one scan of its text; a subtree is
//! parsed only when [`SpecDocument::node`] asks for it. Never: checks the document as a whole, because mistakes in operations that no function
//! calls do no harm.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// Which specification a document follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// Swagger, `OpenAPI` 2.0.
    V2,
    /// `OpenAPI` 3.0 and 3.1.
    V3,
}

/// The place of an operation in the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OperationPlace {
    pub(crate) path: String,
    /// Lower case, as in the document.
    pub(crate) method: String,
}

type Children = HashMap<String, Range<usize>>;

/// A document and the index of its parts.
#[derive(Debug)]
pub(crate) struct SpecDocument {
    /// The URI from which it was read.
    pub(crate) uri: String,
    /// `None` for a document that only holds parts for other documents.
    pub(crate) version: Option<Version>,
    /// `info.title`.
    pub(crate) title: String,
    text: Box<str>,
    operations: HashMap<String, OperationPlace>,
    /// Paths with a method whose operation is a reference, or without a method if the path item itself is one.
    referred: Vec<(String, Option<String>)>,
    children: Mutex<HashMap<String, Arc<Children>>>,
}

/// Most parts of a pointer. Published documents need ten; each part is a recursive call.
const DEEPEST_POINTER: usize = 100;

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// The members that identify an operation.
#[derive(Deserialize)]
struct OperationHead {
    #[serde(rename = "operationId")]
    operation_id: Option<String>,
    #[serde(rename = "$ref")]
    reference: Option<String>,
}

impl SpecDocument {
    /// Reads a document that describes operations, from its JSON text.
    #[cfg(test)]
    pub(crate) fn parse(uri: &str, text: Box<str>) -> Result<Self, String> {
        let document = Self::parse_any(uri, text)?;
        document.check_version().map(|()| document)
    }

    /// Reads a document from its JSON text: one that describes operations, or any other one that documents refer to.
    pub(crate) fn parse_any(uri: &str, text: Box<str>) -> Result<Self, String> {
        let document = Self {
            uri: uri.to_owned(),
            version: None,
            title: String::new(),
            text,
            operations: HashMap::new(),
            referred: Vec::new(),
            children: Mutex::default(),
        };
        let whole = 0..document.text.len();
        let top = index(&document.text, whole).map_err(|error| format!("is not a JSON object: {error}"))?;
        let version = match () {
            () if top.contains_key("openapi") => Version::V3,
            () if top.contains_key("swagger") => Version::V2,
            () => return Ok(document),
        };
        let (operations, referred) = match top.get("paths") {
            Some(paths) => operations(&document.text, paths.clone())?,
            None => Default::default(),
        };
        let title = document.node("/info/title");
        let title = title.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Self { version: Some(version), title, operations, referred, ..document })
    }

    /// Fails if the document describes no operations.
    pub(crate) fn check_version(&self) -> Result<(), String> {
        match self.version {
            Some(_) => Ok(()),
            None => Err("is no OpenAPI document: it has neither `openapi` nor `swagger`".to_owned()),
        }
    }

    /// The value at a JSON pointer.
    pub(crate) fn node(&self, pointer: &str) -> Option<Value> {
        serde_json::from_str(self.text_at(pointer)?).ok()
    }

    /// The JSON text at a JSON pointer; `None` also for a pointer of too many parts.
    pub(crate) fn text_at(&self, pointer: &str) -> Option<&str> {
        if pointer.matches('/').count() > DEEPEST_POINTER {
            return None;
        }
        self.text.get(self.find(pointer)?)
    }

    /// The operation with that id.
    pub(crate) fn operation(&self, id: &str) -> Option<&OperationPlace> {
        self.operations.get(id)
    }

    /// Paths with a method whose operation is a reference, or without a method if the path item itself is one.
    pub(crate) fn referred(&self) -> &[(String, Option<String>)] {
        &self.referred
    }

    /// Every operation id, except for those of operations in other places.
    pub(crate) fn operation_ids(&self) -> impl Iterator<Item = &str> {
        self.operations.keys().map(String::as_str)
    }

    /// The names of the security schemes that it defines.
    pub(crate) fn security_schemes(&self) -> Vec<String> {
        let schemes = match self.version {
            Some(Version::V2) => self.node("/securityDefinitions"),
            Some(Version::V3) | None => self.node("/components/securitySchemes"),
        };
        let names = schemes.as_ref().and_then(Value::as_object);
        names.map(|schemes| schemes.keys().cloned().collect()).unwrap_or_default()
    }

    fn find(&self, pointer: &str) -> Option<Range<usize>> {
        if pointer.is_empty() {
            return Some(0..self.text.len());
        }
        let (parent, last) = pointer.rsplit_once('/')?;
        let name = last.replace("~1", "/").replace("~0", "~");
        self.children(parent)?.get(&name).cloned()
    }

    fn children(&self, pointer: &str) -> Option<Arc<Children>> {
        let known = self.children.lock().get(pointer).cloned();
        if known.is_some() {
            return known;
        }
        let children = Arc::new(index(&self.text, self.find(pointer)?).ok()?);
        let mut cache = self.children.lock();
        cache.insert(pointer.to_owned(), Arc::clone(&children));
        Some(children)
    }
}

/// Names and places of the members of an object, or of the elements of an array, at a place in the text.
fn index(text: &str, place: Range<usize>) -> Result<Children, serde_json::Error> {
    let part = text.get(place.clone()).unwrap_or_default();
    let start = place.start;
    let range = |raw: &RawValue| {
        let raw = raw.get();
        let offset = start + (raw.as_ptr().addr() - part.as_ptr().addr());
        offset..offset + raw.len()
    };
    if part.trim_start().starts_with('[') {
        let elements: Vec<&RawValue> = serde_json::from_str(part)?;
        return Ok(elements.into_iter().enumerate().map(|(i, raw)| (i.to_string(), range(raw))).collect());
    }
    let members: HashMap<String, &RawValue> = serde_json::from_str(part)?;
    Ok(members.into_iter().map(|(name, raw)| (name, range(raw))).collect())
}

/// Operations by id, and the places that refer to operations elsewhere.
type Operations = (HashMap<String, OperationPlace>, Vec<(String, Option<String>)>);

/// Indexes all operations. One without an id is called `<path>_<method>`, as generators do, and functions may use this name.
fn operations(text: &str, paths: Range<usize>) -> Result<Operations, String> {
    let (mut operations, mut referred) = (HashMap::new(), Vec::new());
    let wrong = |error: serde_json::Error| format!("has `paths` that cannot be read: {error}");
    for (path, item) in index(text, paths).map_err(wrong)? {
        if path.starts_with("x-") {
            continue;
        }
        for (method, place) in index(text, item).map_err(wrong)? {
            if method == "$ref" {
                referred.push((path.clone(), None));
            }
            if !is_method(&method) {
                continue;
            }
            let head: OperationHead =
                serde_json::from_str(text.get(place).unwrap_or_default()).map_err(wrong)?;
            if head.reference.is_some() && head.operation_id.is_none() {
                referred.push((path.clone(), Some(method)));
                continue;
            }
            let id = head.operation_id.unwrap_or_else(|| id_without_name(&path, &method));
            operations.insert(id, OperationPlace { path: path.clone(), method });
        }
    }
    Ok((operations, referred))
}

/// Whether a member of a path item is an operation.
pub(crate) fn is_method(name: &str) -> bool {
    METHODS.contains(&name)
}

/// The id of an operation that has none.
pub(crate) fn id_without_name(path: &str, method: &str) -> String {
    format!("{path}_{method}")
}

/// A JSON pointer to a member below another pointer.
pub(crate) fn child(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_by_pointer() {
        let text = r#"{ "openapi": "3.0.3", "info": {"title": "A"},
            "paths": {"/a/{b}": {"get": {"operationId": "x", "tags": ["t", "u"]}, "put": {}, "x-y": 1}} }"#;
        let document = SpecDocument::parse("a.json", text.into()).unwrap();
        assert_eq!(document.title, "A");
        assert_eq!(document.node("/paths/~1a~1{b}/get/tags/1"), Some("u".into()));
        assert_eq!(document.node("/paths/none"), None);
        let mut ids: Vec<_> = document.operation_ids().collect();
        ids.sort_unstable();
        assert_eq!(ids, ["/a/{b}_put", "x"]);
    }

    #[test]
    fn what_is_no_openapi_document_says_so() {
        let error = |text: &str| SpecDocument::parse("a", text.into()).unwrap_err();
        insta::assert_snapshot!(error("{}"), @"is no OpenAPI document: it has neither `openapi` nor `swagger`");
        insta::assert_snapshot!(error("[1"), @"is not a JSON object: EOF while parsing a list at line 1 column 2");
    }
}
