//! Path items and their operations, in this document and in others: `paths: {/pets: {$ref: paths/pets.yaml}}`.
//!
//! Promises: members beside a `$ref` count too, and take precedence over those of the reference.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::document::{OperationPlace, SpecDocument, child, id_without_name, is_method};
use super::reference::{Open, References};

/// A part of a document, and the document to which its references are relative.
pub(super) type Part = (Arc<SpecDocument>, Value);

/// Most path items in other documents that are searched for one operation. The largest descriptions have some thousand paths.
const MOST_ITEMS: usize = 20_000;

/// Finds the operation with an id among those in other documents. Otherwise returns all their ids, and the problems that prevented reading some.
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

/// The parts that make up a path item: the referenced one, then the item itself.
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
