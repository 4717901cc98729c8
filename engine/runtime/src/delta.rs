//! The data at start, stored as the difference to the current data.
//!
//! Most workflows only add to their data, so the input is mostly still in them: a member that the data have
//! unchanged is stored as its name alone. `{"same": ["a"], "other": {"b": 1}}`, `{"whole": …}` when either is no object,
//! nothing when both are equal.

use rondo_expression::Val;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Delta {
    Whole(Val),
    Members {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        same: Vec<String>,
        #[serde(default, skip_serializing_if = "Val::is_null")]
        other: Val,
    },
}

/// What is stored of `input` beside `data`; `None` when they are equal.
pub(crate) fn encode(input: &Val, data: &Val) -> Option<String> {
    if input == data {
        return None;
    }
    let delta = if input.is_object() && data.is_object() {
        let mut same = Vec::new();
        let mut other = Val::object::<&str>([]);
        for (name, value) in input.members() {
            if data.get(name) == Some(value) {
                same.push(name.to_owned());
            } else {
                other.insert(name, value.clone());
            }
        }
        let other = if other.members().is_empty() { Val::Null } else { other };
        Delta::Members { same, other }
    } else {
        Delta::Whole(input.clone())
    };
    serde_json::to_string(&delta).ok()
}

/// The input again. What cannot be read is taken as equal to the data.
pub(crate) fn decode(stored: Option<&str>, data: &Val) -> Val {
    let Some(delta) = stored.and_then(|text| serde_json::from_str::<Delta>(text).ok()) else {
        return data.clone();
    };
    match delta {
        Delta::Whole(input) => input,
        Delta::Members { same, other } => {
            let mut input = Val::object::<&str>([]);
            for name in same {
                if let Some(value) = data.get(&name) {
                    input.insert(&name, value.clone());
                }
            }
            for (name, value) in other.members() {
                input.insert(name, value.clone());
            }
            input
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_input_comes_back_and_costs_little() {
        for (input, data, stored) in [
            (json!({"a": 1}), json!({"a": 1}), None),
            (json!({"a": 1}), json!({"a": 1, "b": 2}), Some(r#"{"members":{"same":["a"]}}"#)),
            (json!({"a": 1}), json!({"a": 2}), Some(r#"{"members":{"other":{"a":1}}}"#)),
            (
                json!({"a": 1, "b": null}),
                json!({"a": 1}),
                Some(r#"{"members":{"same":["a"],"other":{"b":null}}}"#),
            ),
            (json!({}), json!({"a": 2}), Some(r#"{"members":{}}"#)),
            (json!([1]), json!({"a": 2}), Some(r#"{"whole":[1]}"#)),
            (json!("x"), json!("x"), None),
        ] {
            let (input, data) = (Val::from(input), Val::from(data));
            let encoded = encode(&input, &data);
            assert_eq!(encoded.as_deref(), stored);
            assert_eq!(decode(encoded.as_deref(), &data), input);
        }
    }
}
