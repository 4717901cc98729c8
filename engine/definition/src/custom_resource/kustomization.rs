//! The `ConfigMap`s that kustomize makes of files (`configMapGenerator`).

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use super::config_map::{ConfigMap, Datum};
use crate::{
    Position, Source,
    resources::{below, folder_of},
};

/// Where a file begins.
const BEGIN: Position = Position { line: 1, column: 1 };

/// Reads the generators of a kustomization. `read` gives the content of a file, by its path below the served folder; a file that is not there is
/// left out.
pub(super) fn config_maps(
    document: &Value,
    source: &Source,
    read: impl Fn(&str) -> Option<Vec<u8>>,
) -> Vec<ConfigMap> {
    let file = source.path();
    let folder = folder_of(file);
    let generators = document.get("configMapGenerator").and_then(Value::as_array).into_iter().flatten();
    let generate = |generator: &Value| {
        let text = |name: &str| generator.get(name).and_then(Value::as_str).map(str::to_owned);
        let texts = |name: &str| {
            let list = generator.get(name).and_then(Value::as_array).into_iter().flatten();
            list.filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
        };
        let mut data = BTreeMap::new();
        for source in texts("files") {
            let (key, path) = match source.split_once('=') {
                Some((key, path)) => (key, path),
                None => (source.rsplit('/').next().unwrap_or(&source), source.as_str()),
            };
            let path = below(folder, path);
            if let Some(bytes) = read(&path) {
                data.insert(key.to_owned(), Datum { bytes: bytes.into(), file: path.into(), start: BEGIN });
            }
        }
        for literal in texts("literals") {
            if let Some((key, value)) = literal.split_once('=') {
                let bytes = value.as_bytes().into();
                data.insert(key.to_owned(), Datum { bytes, file: Arc::clone(file), start: BEGIN });
            }
        }
        Some(ConfigMap { file: Arc::clone(file), name: text("name")?, namespace: text("namespace"), data })
    };
    generators.filter_map(generate).collect()
}
