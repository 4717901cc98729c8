//! Finds the parts of the data of an instance that a turn has changed.

use std::collections::BTreeMap;

use rondo_expression::Val;

/// How many changed paths get an event each. If more have changed, one event has the whole data.
const MOST: usize = 100;

/// Name of the variable that holds the data.
const ROOT: &str = "workflowdata";

/// The paths that differ, such as `workflowdata.order.id`, each with its new value; null for a removed member.
pub(super) fn changes(before: &Val, now: &Val) -> Vec<(String, Val)> {
    let mut found = Vec::new();
    compare(ROOT, before, now, &mut found);
    if found.len() > MOST { vec![(ROOT.to_owned(), now.clone())] } else { found }
}

fn compare(path: &str, before: &Val, now: &Val, found: &mut Vec<(String, Val)>) {
    if found.len() > MOST || before == now {
        return;
    }
    if !before.is_object() || !now.is_object() {
        found.push((path.to_owned(), now.clone()));
        return;
    }
    let before: BTreeMap<&str, &Val> = before.members().into_iter().collect();
    let now: BTreeMap<&str, &Val> = now.members().into_iter().collect();
    for (name, value) in &now {
        let path = format!("{path}.{name}");
        match before.get(name) {
            Some(old) => compare(&path, old, value, found),
            None => found.push((path, (*value).clone())),
        }
    }
    let gone = before.keys().filter(|name| !now.contains_key(*name));
    found.extend(gone.map(|name| (format!("{path}.{name}"), Val::Null)));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_changed_is_told_by_its_path() {
        for (before, now, expected) in [
            (json!({"a": 1}), json!({"a": 1}), vec![]),
            (json!({"a": 1}), json!({"a": 1, "ok": true}), vec![("workflowdata.ok", json!(true))]),
            (
                json!({"a": {"b": 1, "c": 2}}),
                json!({"a": {"b": 1, "c": 3}}),
                vec![("workflowdata.a.c", json!(3))],
            ),
            (json!({"a": [1]}), json!({"a": [1, 2]}), vec![("workflowdata.a", json!([1, 2]))]),
            (json!({"a": 1, "b": 2}), json!({"b": 2}), vec![("workflowdata.a", json!(null))]),
            (json!({"a": 1}), json!([1]), vec![("workflowdata", json!([1]))]),
        ] {
            let found: Vec<_> = changes(&before.clone().into(), &now.clone().into())
                .into_iter()
                .map(|(path, value)| (path, serde_json::Value::from(value)))
                .collect();
            let expected: Vec<_> =
                expected.into_iter().map(|(path, value)| (path.to_owned(), value)).collect();
            assert_eq!(found, expected, "{before} {now}");
        }
    }

    #[test]
    fn many_changes_are_one() {
        let many: serde_json::Map<_, _> = (0..=MOST).map(|number| (number.to_string(), json!(1))).collect();
        let now = Val::from(serde_json::Value::Object(many));
        assert_eq!(changes(&Val::from(json!({})), &now), [("workflowdata".to_owned(), now.clone())]);
    }
}
