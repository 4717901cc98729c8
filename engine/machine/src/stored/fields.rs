//! Serde helpers: which fields of the stored form are left out.

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
pub(super) fn is_false(flag: &bool) -> bool {
    !flag
}

pub(super) fn is_zero<T: PartialEq + Default>(number: &T) -> bool {
    *number == T::default()
}

/// An optional value for which null and absence differ. Serde reads null as absence by default.
pub(crate) mod nullable {
    use rondo_expression::Val;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[allow(clippy::ref_option, reason = "the signature serde asks for")]
    pub(crate) fn serialize<S: Serializer>(value: &Option<Val>, serializer: S) -> Result<S::Ok, S::Error> {
        value.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Val>, D::Error> {
        Val::deserialize(deserializer).map(Some)
    }
}
