//! Texts that grow piece by piece.
//!
//! Promises: length, memory and work are looked at before each piece, so that a function that makes a long text of a short one ends at
//! the bounds of its evaluation.

use std::{
    fmt,
    io::{self, Write},
};

use crate::{
    budget::{self, memory::Held},
    value::Val,
};

/// A text that grows.
#[derive(Default)]
pub(crate) struct TextBuilder {
    bytes: Vec<u8>,
    held: Held,
    /// Bytes that steps were spent on.
    paid: usize,
}

impl TextBuilder {
    /// Adds a piece.
    pub(crate) fn push(&mut self, piece: &str) {
        self.push_bytes(piece.as_bytes());
    }

    fn push_bytes(&mut self, piece: &[u8]) {
        const AT_ONCE: usize = 4096;
        let length = self.bytes.len() + piece.len();
        budget::check_text(length);
        if length - self.paid >= AT_ONCE {
            // Making a byte takes about four times as long as copying it.
            budget::spend_on_bytes(4 * (length - self.paid));
            self.paid = length;
        }
        if length > self.bytes.capacity() {
            let room = length.max(2 * self.bytes.capacity()).max(32);
            self.held.set(room);
            self.bytes.reserve_exact(room - self.bytes.len());
        }
        self.bytes.extend_from_slice(piece);
    }

    /// The text as a value.
    pub(crate) fn into_value(self) -> Val {
        Val::text(String::from_utf8_lossy(&self.bytes))
    }

    /// The text.
    pub(crate) fn into_string(self) -> String {
        String::from_utf8(self.bytes).unwrap_or_default()
    }
}

impl Write for TextBuilder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push_bytes(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Write for TextBuilder {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.push(piece);
        Ok(())
    }
}
