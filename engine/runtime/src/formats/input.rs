//! The data at start, stored as the difference to the current data.
//!
//! Most workflows only add to their data, so most members of the input are unchanged in the data; such a member is stored by its name
//! alone. `{"v":2,"members":{"same":["a"],"other":{"b":1}}}`; `{"v":2,"whole":…}` if input or data are no object; nothing if both are equal.
//! Version 1 was the same without `"v"`.

use rondo_expression::Val;
use serde::{Deserialize, Serialize};

use super::FormatError;

const WHAT: &str = "the input of the instance";
const VERSION: u8 = 2;

#[derive(Serialize)]
struct Written<'a> {
    v: u8,
    #[serde(flatten)]
    difference: Difference<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Difference<'a> {
    Whole(&'a Val),
    Members {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        same: Vec<&'a str>,
        #[serde(skip_serializing_if = "Val::is_null")]
        other: Val,
    },
}

#[derive(Deserialize)]
struct Read {
    #[serde(default)]
    v: u64,
    /// `null` is a value here, and differs from a missing member.
    #[serde(default, deserialize_with = "present")]
    whole: Option<Val>,
    members: Option<Members>,
}

#[derive(Deserialize)]
struct Members {
    #[serde(default)]
    same: Vec<String>,
    #[serde(default, deserialize_with = "Val::deserialize_from_json")]
    other: Val,
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Val>, D::Error> {
    Val::deserialize_from_json(deserializer).map(Some)
}

/// Encodes the difference of `input` to `data`; `None` if they are equal.
pub(crate) fn encode(input: &Val, data: &Val) -> Result<Option<String>, FormatError> {
    if input == data {
        return Ok(None);
    }
    let difference = if input.is_object() && data.is_object() {
        let mut same = Vec::new();
        let mut other = Val::object::<&str>([]);
        for (name, value) in input.members() {
            if data.get(name) == Some(value) {
                same.push(name);
            } else {
                other.insert(name, value.clone());
            }
        }
        let other = if other.members().is_empty() { Val::Null } else { other };
        Difference::Members { same, other }
    } else {
        Difference::Whole(input)
    };
    let written = Written { v: VERSION, difference };
    serde_json::to_string(&written).map(Some).map_err(FormatError::unwritable(WHAT))
}

/// Decodes the input from its difference to `data`.
pub(crate) fn decode(stored: Option<&str>, data: &Val) -> Result<Val, FormatError> {
    let Some(text) = stored else { return Ok(data.clone()) };
    let read: Read = serde_json::from_str(text).map_err(|error| FormatError::damaged(WHAT, error))?;
    FormatError::check_version(WHAT, read.v, VERSION)?;
    match read {
        Read { whole: Some(input), .. } => Ok(input),
        Read { members: Some(Members { same, other }), .. } => {
            let mut input = Val::object::<&str>([]);
            for name in same {
                let value = data.get(&name);
                let missing = || FormatError::damaged(WHAT, format!("the data have no `{name}`"));
                input.insert(&name, value.ok_or_else(missing)?.clone());
            }
            for (name, value) in other.members() {
                input.insert(name, value.clone());
            }
            Ok(input)
        }
        Read { .. } => Err(FormatError::damaged(WHAT, "neither `whole` nor `members` is there")),
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
            (json!({"a": 1}), json!({"a": 1, "b": 2}), Some(r#"{"v":2,"members":{"same":["a"]}}"#)),
            (json!({"a": 1}), json!({"a": 2}), Some(r#"{"v":2,"members":{"other":{"a":1}}}"#)),
            (
                json!({"a": 1, "b": null}),
                json!({"a": 1}),
                Some(r#"{"v":2,"members":{"same":["a"],"other":{"b":null}}}"#),
            ),
            (json!({}), json!({"a": 2}), Some(r#"{"v":2,"members":{}}"#)),
            (json!([1]), json!({"a": 2}), Some(r#"{"v":2,"whole":[1]}"#)),
            (json!(null), json!({"a": 2}), Some(r#"{"v":2,"whole":null}"#)),
            (json!("x"), json!("x"), None),
        ] {
            let (input, data) = (Val::from(input), Val::from(data));
            let encoded = encode(&input, &data).unwrap();
            assert_eq!(encoded.as_deref(), stored);
            assert_eq!(decode(encoded.as_deref(), &data).unwrap(), input);
        }
    }

    #[test]
    fn whole_numbers_of_any_size_come_back() {
        let data = Val::from(json!({"a": 1}));
        for text in [r#"{"a":1180591620717411303425}"#, "1180591620717411303425", "[-9223372036854775809]"] {
            let input = Val::from_json(text.as_bytes()).unwrap();
            let encoded = encode(&input, &data).unwrap();
            assert_eq!(decode(encoded.as_deref(), &data).unwrap().to_json(), text, "{encoded:?}");
        }
    }

    #[test]
    fn what_version_1_wrote_is_read() {
        let data = Val::from(json!({"a": 1, "b": 2}));
        for (stored, input) in [
            (r#"{"members":{"same":["a"]}}"#, json!({"a": 1})),
            (r#"{"members":{"same":["a"],"other":{"b":null}}}"#, json!({"a": 1, "b": null})),
            (r#"{"members":{}}"#, json!({})),
            (r#"{"whole":null}"#, json!(null)),
        ] {
            assert_eq!(decode(Some(stored), &data).unwrap(), Val::from(input), "{stored}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        for stored in ["{", "{}", r#"{"v":3,"whole":1}"#, r#"{"members":{"same":["gone"]}}"#] {
            assert!(decode(Some(stored), &Val::from(json!({}))).is_err(), "{stored}");
        }
    }
}
