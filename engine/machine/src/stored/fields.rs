//! Serde helpers: which fields of the stored form are left out, and the stored form of a time limit.

use std::time::Duration;

use rondo_expression::Val;
use rondo_program::TimeLimit;
use serde::{Deserialize, Deserializer, Serialize};

/// A time limit of an instance.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredLimit {
    /// In milliseconds.
    #[serde(rename = "d")]
    after: u64,
    #[serde(rename = "i", default, skip_serializing_if = "is_false")]
    interrupt: bool,
}

impl From<TimeLimit> for StoredLimit {
    fn from(limit: TimeLimit) -> Self {
        let after = u64::try_from(limit.after.as_millis()).unwrap_or(u64::MAX);
        Self { after, interrupt: limit.interrupt }
    }
}

impl From<StoredLimit> for TimeLimit {
    fn from(stored: StoredLimit) -> Self {
        Self { after: Duration::from_millis(stored.after), interrupt: stored.interrupt }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
pub(super) fn is_false(flag: &bool) -> bool {
    !flag
}

pub(super) fn is_zero<T: PartialEq + Default>(number: &T) -> bool {
    *number == T::default()
}

/// Reads values that have a name or a number each. Whole numbers of any size stay as they are; by its own `Deserialize` a value makes floats
/// of those of more than 64 bits.
pub(super) fn exact_pairs<'de, K, D>(deserializer: D) -> Result<Vec<(K, Val)>, D::Error>
where
    K: Deserialize<'de>,
    D: Deserializer<'de>,
{
    #[derive(Deserialize)]
    struct Exact(#[serde(deserialize_with = "Val::deserialize_from_json")] Val);

    let pairs = Vec::<(K, Exact)>::deserialize(deserializer)?;
    Ok(pairs.into_iter().map(|(key, Exact(value))| (key, value)).collect())
}

/// An optional value for which null and absence differ. Serde reads null as absence by default.
pub(crate) mod nullable {
    use rondo_expression::Val;
    use serde::{Deserializer, Serialize, Serializer};

    #[allow(clippy::ref_option, reason = "the signature serde asks for")]
    pub(crate) fn serialize<S: Serializer>(value: &Option<Val>, serializer: S) -> Result<S::Ok, S::Error> {
        value.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Val>, D::Error> {
        Val::deserialize_from_json(deserializer).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::exact_pairs;

    #[test]
    fn whole_numbers_of_any_size_stay_as_they_are() {
        let text = r#"[["a",123456789012345678901234567890],["b",{"c":[-9223372036854775809,1.5,null]}]]"#;
        let pairs = exact_pairs::<String, _>(&mut serde_json::Deserializer::from_str(text)).unwrap();
        assert_eq!(serde_json::to_string(&pairs).unwrap(), text);
    }
}
