//! Warns about properties without effect: properties that the engine does not support yet, and properties that other properties of the same
//! object make meaningless.
//!
//! The checks that need a function or another state are in `validate/without_effect.rs`. Unsupported constructs that change the result of a
//! workflow (`produceEvents`, `eventRef`, `continueAs`) are errors of the lowering instead.

use super::{Fields, Reader};
use crate::codes;

impl Fields<'_> {
    /// Warns that the engine does not support the value of a property yet. `what` says what it does instead.
    pub(crate) fn without_effect(&self, reader: &mut Reader, name: &str, what: &str) {
        let message = format!("{}: `{name}` has no effect yet: {what}", self.place);
        reader.warning(codes::WITHOUT_EFFECT, &self.pointer(name), message).on_key();
    }

    /// Warns that a property has no effect. `why` names the other property that is the reason.
    pub(crate) fn unused(&self, reader: &mut Reader, name: &str, why: &str) {
        let message = format!("{}: `{name}` has no effect: {why}", self.place);
        reader.warning(codes::UNUSED_PROPERTY, &self.pointer(name), message).on_key();
    }
}
