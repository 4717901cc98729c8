//! Properties that are read and that the engine does not honour yet: each is a warning where it stands, until it works.
//!
//! Here are those that one object tells by itself; what depends on a function or on another state is in
//! `validate/without_effect.rs`. What the engine cannot run without (`produceEvents`, `eventRef`, `continueAs`) is an error of the
//! lowering instead.

use super::{Fields, Reader};
use crate::codes;

impl Fields<'_> {
    /// Warns that a property, with the value that it has, changes nothing. `what` happens instead.
    pub(crate) fn without_effect(&self, reader: &mut Reader, name: &str, what: &str) {
        let message = format!("{}: `{name}` has no effect yet: {what}", self.place);
        reader.warning(codes::WITHOUT_EFFECT, &self.pointer(name), message).on_key();
    }
}
