//! Nulls in lists.

use super::Val;

impl Val {
    /// The value without the nulls of its lists, at every depth. What comes from outside (requests, answers, literals of a definition)
    /// is read so, as on `SonataFlow`, whose lists take no null; what expressions compute keeps its nulls.
    #[must_use]
    pub fn without_null_elements(self) -> Self {
        if self.has_null_elements() { self.without_nulls() } else { self }
    }

    fn has_null_elements(&self) -> bool {
        let in_elements =
            self.elements().iter().any(|element| element.is_null() || element.has_null_elements());
        in_elements || self.members().shared().any(|(_, member)| member.has_null_elements())
    }

    fn without_nulls(&self) -> Self {
        match self {
            Self::Array(_) => {
                let elements = self.elements().iter().filter(|element| !element.is_null());
                Self::from_items(elements.map(Self::without_nulls).collect::<Vec<_>>())
            }
            Self::Object(_) => {
                let members =
                    self.members().shared().map(|(name, value)| (name.clone(), value.without_nulls()));
                Self::from_members(members.collect())
            }
            other => other.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn nulls_vanish_from_lists_and_stay_in_objects() {
        for (value, expected) in [
            (json!([1, null, [null, {"a": [null], "b": null}]]), json!([1, [{"a": [], "b": null}]])),
            (json!({"l": [null]}), json!({"l": []})),
            (json!(null), json!(null)),
            (json!({"a": null, "l": [1]}), json!({"a": null, "l": [1]})),
        ] {
            assert_eq!(Value::from(Val::from(value).without_null_elements()), expected);
        }
    }
}
