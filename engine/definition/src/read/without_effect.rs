//! Warns about properties without effect: those that the engine does not honour yet, until it does, and those that mean nothing beside the
//! other properties of the object.
//!
//! The check that needs one object only is here; the check that needs a function or another state is in
//! `validate/without_effect.rs`. Constructs whose absence would change the result (`produceEvents`, `eventRef`, `continueAs`) are errors
//! of the lowering instead.

use super::{Fields, Reader};
use crate::codes;

impl Fields<'_> {
    /// Warns that the engine does not honour the value of a property yet. `what` says what it does instead.
    pub(crate) fn without_effect(&self, reader: &mut Reader, name: &str, what: &str) {
        let message = format!("{}: `{name}` has no effect yet: {what}", self.place);
        reader.warning(codes::WITHOUT_EFFECT, &self.pointer(name), message).on_key();
    }

    /// Warns that a property means nothing here. `why` says which other property is the reason.
    pub(crate) fn unused(&self, reader: &mut Reader, name: &str, why: &str) {
        let message = format!("{}: `{name}` has no effect: {why}", self.place);
        reader.warning(codes::UNUSED, &self.pointer(name), message).on_key();
    }
}
