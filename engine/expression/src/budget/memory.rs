//! The memory of an evaluation: what the values take that it has made and still holds, and what its interpreter takes.
//!
//! Owns: the room that is left to the evaluation of this thread. Every array, object, text and context of the interpreter takes its bytes
//! out of it before it allocates them, and gives them back when it is dropped. The formulas are those of `value/memory.rs`, not the
//! allocator's figures, so that the same evaluation ends the same everywhere. A value that was there before and is dropped within the
//! evaluation gives room too: it has freed that memory.
//! Never: counts what a function needs for itself while it runs. Such functions look at the room first ([`check`]).

use std::cell::Cell;

use super::{BOUNDS, Exceeded, stop};

/// Room without an evaluation. What is made and dropped then moves it a little; an evaluation begins with its own.
const UNBOUNDED: isize = isize::MAX / 2;

thread_local! {
    static ROOM: Cell<isize> = const { Cell::new(UNBOUNDED) };
}

/// Begins with this much room; gives what was left before.
pub(super) fn begin(bytes: usize) -> isize {
    ROOM.replace(signed(bytes))
}

/// Goes on with the room that [`begin`] gave.
pub(super) fn end(outer: isize) {
    ROOM.set(outer);
}

/// Takes memory, or ends the evaluation.
pub(crate) fn take(bytes: usize) {
    let room = ROOM.get().saturating_sub_unsigned(bytes);
    if room < 0 {
        return refuse();
    }
    ROOM.set(room);
}

/// Gives memory back.
pub(crate) fn give_back(bytes: usize) {
    ROOM.set(ROOM.get().wrapping_add_unsigned(bytes));
}

/// Ends the evaluation if so many bytes more would not fit. They are not taken.
pub(crate) fn check(bytes: usize) {
    if signed(bytes) > ROOM.get() {
        refuse();
    }
}

#[cold]
fn refuse() {
    match BOUNDS.get() {
        Some(bounds) => stop(Exceeded::Memory(bounds.largest.memory)),
        None => ROOM.set(UNBOUNDED),
    }
}

fn signed(bytes: usize) -> isize {
    isize::try_from(bytes).unwrap_or(UNBOUNDED)
}

/// Bytes that something has taken; dropping it gives them back.
#[derive(Debug, Default)]
pub(crate) struct Held(usize);

impl Held {
    /// Takes so many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        take(bytes);
        Self(bytes)
    }

    /// Takes or gives back what is between.
    pub(crate) fn set(&mut self, bytes: usize) {
        match bytes.checked_sub(self.0) {
            Some(more) => take(more),
            None => give_back(self.0 - bytes),
        }
        self.0 = bytes;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        give_back(self.0);
    }
}

/// The memory of a context of the interpreter: each of its iterators that waits to go on holds one.
#[derive(Debug)]
pub(crate) struct Context;

/// What the iterators around one context take at most, by the programs of `tests/memory.rs` that keep many of them: 150 to 236 bytes.
const CONTEXT: usize = 240;

impl Context {
    pub(crate) fn new() -> Self {
        take(CONTEXT);
        Self
    }
}

impl Clone for Context {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        give_back(CONTEXT);
    }
}
