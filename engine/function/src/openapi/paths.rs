//! Path items and their operations, wherever they stand: `paths: {/pets: {$ref: paths/pets.yaml}}`.
//!
//! Promises: what an item says beside its `$ref` counts too, and goes before what the reference names.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::document::{OperationPlace, SpecDocument, child, id_without_name, is_method};
use super::reference::{Open, References};

/// A part of a document, and the document that its own references are relative to.
pub(super) type Part = (Arc<SpecDocument>, Value);

/// Most path items in other documents that are looked through for one operation. The largest descriptions have some thousand paths.
const MOST_ITEMS: usize = 20_000;

/// The operation of an id, among those that stand in other documents. Otherwise all their ids, and the problems that kept some from being read.
pub(crate) fn find_referred(
    document: &Arc<SpecDocument>,
    id: &str,
    open: &Open<'_>,
) -> Result<OperationPlace, (Vec<String>, Vec<String>)> {
    let mut found = HashMap::new();
    let references = References::new(open);
    for (path, method) in document.referred().iter().take(MOST_ITEMS) {
        let Some(items) = items(&references, document, path) else { continue };
        for (_, item) in &items {
            let members = item.as_object().into_iter().flatten();
            let is_meant =
                |name: &str| method.as_ref().map_or_else(|| is_method(name), |method| method == name);
            for (method, _) in members.filter(|(name, _)| is_meant(name)) {
                let Some((_, node)) = operation(&references, &items, method) else { continue };
                let own = node.get("operationId").and_then(Value::as_str).map(str::to_owned);
                let place = OperationPlace { path: path.clone(), method: method.clone() };
                found.insert(own.unwrap_or_else(|| id_without_name(path, method)), place);
            }
        }
    }
    match found.remove(id) {
        Some(place) => Ok(place),
        None => Err((found.into_keys().collect(), references.problems())),
    }
}

/// The parts of which a path item is made: what it refers to, then itself.
pub(super) fn items(
    references: &References<'_>,
    document: &Arc<SpecDocument>,
    path: &str,
) -> Option<Vec<Part>> {
    let item = references.read(document, &child("/paths", path))?;
    let mut items = Vec::new();
    if item.get("$ref").is_some_and(Value::is_string) {
        items.push(references.resolve(document, item.clone())?);
    }
    items.push((Arc::clone(document), item));
    Some(items)
}

/// The operation of a path item.
pub(super) fn operation(references: &References<'_>, items: &[Part], method: &str) -> Option<Part> {
    let (document, node) =
        items.iter().rev().find_map(|(document, item)| Some((document, item.get(method)?)))?;
    references.resolve(document, node.clone())
}
