//! Reads `ConfigMap`s.

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};

use crate::{Pointer, Position, Source};

/// A `ConfigMap`: files by name.
#[derive(Debug)]
pub(super) struct ConfigMap {
    /// The file that it stands in.
    pub(super) file: Arc<str>,
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    pub(super) data: BTreeMap<String, Datum>,
}

/// The content of a key.
#[derive(Debug, Clone)]
pub(super) struct Datum {
    pub(super) bytes: Arc<[u8]>,
    /// The file in which it stands, and where it begins there.
    pub(super) file: Arc<str>,
    pub(super) start: Position,
}

impl ConfigMap {
    /// Reads the resource at a pointer of a document; `None` if it is no `ConfigMap` or has no name.
    fn read(resource: &Value, at: &Pointer, source: &Source) -> Option<Self> {
        if resource.get("kind")?.as_str()? != "ConfigMap" {
            return None;
        }
        let metadata = resource.get("metadata")?;
        let text = |name: &str| metadata.get(name).and_then(Value::as_str).map(str::to_owned);
        let object =
            |name: &str| resource.get(name).and_then(Value::as_object).into_iter().flat_map(Map::iter);
        let mut data = BTreeMap::new();
        let mut add = |field: &str, key: &str, bytes: Vec<u8>| {
            let start = source.position(&at.key(field).key(key));
            data.insert(
                key.to_owned(),
                Datum { bytes: bytes.into(), file: Arc::clone(source.path()), start },
            );
        };
        for (key, value) in object("data") {
            match value {
                Value::String(text) => add("data", key, text.clone().into_bytes()),
                Value::Null => {}
                // Kubernetes takes texts only; what stands for a text in YAML is read as it would be printed.
                other => add("data", key, other.to_string().into_bytes()),
            }
        }
        for (key, value) in object("binaryData") {
            let packed: String = value.as_str().unwrap_or_default().split_whitespace().collect();
            if let Ok(bytes) = STANDARD.decode(packed) {
                add("binaryData", key, bytes);
            }
        }
        Some(Self {
            file: Arc::clone(source.path()),
            name: text("name")?,
            namespace: text("namespace"),
            data,
        })
    }

    /// Whether it has the same files as another one, with the same content.
    pub(super) fn has_same_data(&self, other: &Self) -> bool {
        let data = |map: &Self| {
            map.data.iter().map(|(key, datum)| (key.clone(), Arc::clone(&datum.bytes))).collect::<Vec<_>>()
        };
        data(self) == data(other)
    }

    /// The `ConfigMap`s of a document: itself, or those of a list.
    pub(super) fn read_all(document: &Value, source: &Source) -> Vec<Self> {
        let is_list = document.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
        let root = Pointer::root();
        match document.get("items").and_then(Value::as_array).filter(|_| is_list) {
            None => Self::read(document, &root, source).into_iter().collect(),
            Some(items) => {
                let at = |index: usize| root.key("items").index(index);
                let items = items.iter().enumerate();
                items.filter_map(|(index, item)| Self::read(item, &at(index), source)).collect()
            }
        }
    }
}
