//! Data of an instance or a branch, with what was merged into them.

use std::{cell::RefCell, rc::Rc};

use serde_json::{Value, json};

/// Data of an instance or a branch.
#[derive(Clone)]
pub(crate) struct Data(Rc<RefCell<Sheet>>);

struct Sheet {
    value: Value,
    /// All that was merged, each with the member it was merged into.
    merged: Vec<(Option<String>, Value)>,
}

impl Data {
    pub(crate) fn new(value: Value) -> Self {
        Self(Rc::new(RefCell::new(Sheet { value, merged: Vec::new() })))
    }

    pub(crate) fn value(&self) -> Value {
        self.0.borrow().value.clone()
    }

    /// A copy, which has its own fate.
    pub(crate) fn copy(&self) -> Self {
        Self::new(self.value())
    }

    /// How far the counter is.
    pub(crate) fn count(&self) -> i64 {
        self.0.borrow().value["c"].as_i64().unwrap_or(0)
    }

    /// Merges a value, into a member or at the top (rules 31 to 37).
    pub(crate) fn merge(&self, member: Option<&str>, value: Value) {
        let mut sheet = self.0.borrow_mut();
        match member {
            Some(member) => merge(&mut sheet.value[member], value.clone()),
            None => merge(&mut sheet.value, value.clone()),
        }
        sheet.merged.push((member.map(str::to_owned), value));
    }

    /// Takes over what was merged into the data of a branch (rule 88).
    pub(crate) fn take_over(&self, branch: &Self) {
        let merged = branch.0.borrow().merged.clone();
        for (member, value) in merged {
            self.merge(member.as_deref(), value);
        }
    }

    /// Puts results behind what is in a list (rule 97).
    pub(crate) fn append(&self, member: &str, results: Vec<Value>) {
        let list = &mut self.0.borrow_mut().value[member];
        if list.is_null() {
            *list = json!([]);
        }
        list.as_array_mut().unwrap().extend(results);
    }
}

fn merge(target: &mut Value, value: Value) {
    match (target, value) {
        (Value::Object(target), Value::Object(value)) => {
            for (name, value) in value {
                merge(target.entry(name).or_insert(Value::Null), value);
            }
        }
        (Value::Array(target), Value::Array(value)) => {
            for element in value {
                if !target.contains(&element) {
                    target.push(element);
                }
            }
        }
        (target, value) => {
            assert!(target.is_null() || target.is_object() == value.is_object(), "graphs do not mix types");
            *target = value;
        }
    }
}
