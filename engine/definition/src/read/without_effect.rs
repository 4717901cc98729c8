//! Warns about properties that the engine does not honour yet, at the property, until it works.
//!
//! The check that needs one object only is here; the check that needs a function or another state is in
//! `validate/without_effect.rs`. Constructs whose absence would change the result (`produceEvents`, `eventRef`, `continueAs`) are errors
//! of the lowering instead.

use super::{Fields, Reader};
use crate::codes;

impl Fields<'_> {
    /// Warns that the value of a property has no effect. `what` says what the engine does instead.
    pub(crate) fn without_effect(&self, reader: &mut Reader, name: &str, what: &str) {
        let message = format!("{}: `{name}` has no effect yet: {what}", self.place);
        reader.warning(codes::WITHOUT_EFFECT, &self.pointer(name), message).on_key();
    }
}
