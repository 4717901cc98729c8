//! Warns about properties that other properties of the same object make meaningless.
//!
//! The checks that need a function or another state are in `validate/without_effect.rs`.

use super::{Fields, Reader};
use crate::codes;

impl Fields<'_> {
    /// Warns that a property has no effect. `why` names the other property that is the reason.
    pub(crate) fn unused(&self, reader: &mut Reader, name: &str, why: &str) {
        let message = format!("{}: `{name}` has no effect: {why}", self.place);
        reader.warning(codes::UNUSED_PROPERTY, &self.pointer(name), message).on_key();
    }
}
