//! What values take of the memory.
//!
//! Owns: the formulas for texts, arrays and objects. They follow the types, and not the figures of an allocator, so that the same value counts
//! the same everywhere.

use std::mem::size_of;

use super::{Array, Object, Text, Val};

/// What an allocation takes more than it was asked for, on average: the allocator rounds up.
const ROUNDED: usize = 8;

/// The two counters in front of what is shared.
const COUNTERS: usize = 16;

/// An array without its elements.
pub(super) const OF_ARRAY: usize = COUNTERS + size_of::<Array>() + ROUNDED;

/// An object without its members.
pub(super) const OF_OBJECT: usize = COUNTERS + size_of::<Object>() + ROUNDED;

/// A member by itself: its hash, its name and its value.
const OF_MEMBER: usize = size_of::<usize>() + size_of::<Text>() + size_of::<Val>();

/// A text of so many bytes.
pub(super) const fn of_text(bytes: usize) -> usize {
    COUNTERS + bytes + ROUNDED
}

/// An array with room for so many elements.
pub(super) const fn of_array(elements: usize) -> usize {
    OF_ARRAY.saturating_add(of_elements(elements))
}

/// Room for so many elements of an array.
pub(super) const fn of_elements(elements: usize) -> usize {
    if elements == 0 { 0 } else { elements.saturating_mul(size_of::<Val>()).saturating_add(ROUNDED) }
}

/// An object with room for so many members.
pub(super) const fn of_object(members: usize) -> usize {
    OF_OBJECT.saturating_add(of_members(members))
}

/// Room for so many members of an object, without the texts of their names: their table has as many places as the next power of two
/// holds, of which an eighth stays empty, and room for as many members.
pub(super) const fn of_members(members: usize) -> usize {
    let places = match members {
        0 => return 0,
        1..=3 => 4,
        4..=7 => 8,
        _ => (members.saturating_add(members / 7)).next_power_of_two(),
    };
    let room = if places <= 8 { places - 1 } else { places / 8 * 7 };
    2 * ROUNDED + 16 + places * (size_of::<usize>() + 1) + room.saturating_mul(OF_MEMBER)
}

impl Val {
    /// Bytes of memory that it takes, roughly: what is shared counts at each place. Costs a few nanoseconds, for arrays and objects know
    /// it.
    pub fn memory(&self) -> usize {
        match self {
            Self::Array(_) | Self::Object(_) => self.size().memory,
            Self::Text(text) => of_text(text.len()),
            _ => 0,
        }
    }
}
