//! Recognises data that have not changed since the last commit, so that the next commit does not write them again.

use std::sync::{Arc, Weak};

use rondo_expression::{Array, Object, Val};

/// A weak reference to a value. A strong reference would make the next change copy the value; a bare address could match a later value that
/// was allocated at the same address.
#[derive(Debug, Default)]
pub(crate) enum DataMark {
    /// Matches no value.
    #[default]
    None,
    Array(Weak<Array>),
    Object(Weak<Object>),
}

impl DataMark {
    /// Marks a value. Only arrays and objects can be recognised.
    pub(crate) fn of(data: &Val) -> Self {
        match data {
            Val::Array(array) => Self::Array(Arc::downgrade(array)),
            Val::Object(object) => Self::Object(Arc::downgrade(object)),
            _ => Self::None,
        }
    }

    /// Whether `data` is the marked value and unchanged. `false` does not say that the values differ.
    pub(crate) fn is_of(&self, data: &Val) -> bool {
        match (self, data) {
            (Self::Array(marked), Val::Array(array)) => std::ptr::eq(marked.as_ptr(), Arc::as_ptr(array)),
            (Self::Object(marked), Val::Object(object)) => std::ptr::eq(marked.as_ptr(), Arc::as_ptr(object)),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_is_recognised_until_it_is_changed() {
        for value in [json!({"a": [1]}), json!([1, 2])] {
            let data = Val::from(value);
            let mark = DataMark::of(&data);
            let copy = data.clone();
            assert!(mark.is_of(&data) && mark.is_of(&copy));
        }
        let mut data = Val::from(json!({"a": 1}));
        let mark = DataMark::of(&data);
        data.insert("b", Val::Int(2));
        assert!(!mark.is_of(&data), "it was changed");
        assert!(!mark.is_of(&Val::from(json!({"a": 1}))), "it is another one");
        assert!(!DataMark::of(&Val::Int(1)).is_of(&Val::Int(1)));
    }
}
