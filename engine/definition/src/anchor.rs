//! Anchors of JSON schemas: names of places in a document, used as the fragment of a `$ref`.
//!
//! Source: JSON Schema 2020-12, 8.2.2 (`$anchor`, `$dynamicAnchor`); draft 4 to 7, where an `$id` (`id`) of `#name` is one.

use serde_json::Value;

use crate::Pointer;

/// Most levels that are looked through; documents are not nested deeper.
const DEEPEST: usize = 200;

/// The JSON pointer of the place with an anchor.
pub fn find_anchor(document: &Value, name: &str) -> Option<String> {
    find(document, name, &Pointer::root(), DEEPEST).map(|at| at.as_str().to_owned())
}

fn find(value: &Value, name: &str, at: &Pointer, levels: usize) -> Option<Pointer> {
    let levels = levels.checked_sub(1)?;
    match value {
        Value::Object(members) => {
            let is_text = |key: &str, text: &str| members.get(key).and_then(Value::as_str) == Some(text);
            let by_id = format!("#{name}");
            let is_it = ["$anchor", "$dynamicAnchor"].iter().any(|key| is_text(key, name))
                || ["$id", "id"].iter().any(|key| is_text(key, &by_id));
            if is_it {
                return Some(at.clone());
            }
            members.iter().find_map(|(key, value)| find(value, name, &at.key(key), levels))
        }
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(index, value)| find(value, name, &at.index(index), levels))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::find_anchor;

    #[test]
    fn anchors_of_all_drafts_are_found() {
        let document =
            json!({"$defs": {"a/b": {"$anchor": "new"}, "c": [{"$id": "#old"}]}, "d": {"id": "#older"}});
        for (name, expected) in
            [("new", Some("/$defs/a~1b")), ("old", Some("/$defs/c/0")), ("older", Some("/d")), ("none", None)]
        {
            assert_eq!(find_anchor(&document, name).as_deref(), expected, "{name}");
        }
    }
}
