//! Places of concurrency groups in the tables of instances.
//!
//! ```text
//!  insert ──▶ enter ── place free, nobody waits ──▶ running ─── error ──▶ stopped
//!               │                                    ▲   │                  │  │
//!               └── else ──▶ waiting ── admit ───────┘   └── end            │  └── retrigger, place free ──▶ running
//!                               ▲   (in order of start)        ╲            └── else, asked to wait ──▶ waiting
//!                               └────────────────────────────── admit the next
//! ```
//!
//! Promises: of one key no more members run than the limit says, but for those that are compensated after an error, which wait for nobody;
//! whoever gives a place back lets the next one go in the same transaction; a key costs a few look-ups by an index, however many wait. An
//! instance without a key costs one look-up when its state changes. Never: interprets a key.

mod admission;
mod groups;
mod members;
mod waiting;

pub(super) use groups::put as put_groups;
pub(super) use members::{check_place, enter, join, move_to, transfer};
pub(super) use waiting::list as list_waiting;

#[cfg(test)]
pub(super) mod statements {
    //! What the plans of are checked.
    pub(crate) const ALL: &[(&str, &[(&str, &str)])] = &[
        ("admission", super::admission::STATEMENTS),
        ("groups", super::groups::STATEMENTS),
        ("members", super::members::STATEMENTS),
        ("waiting", super::waiting::STATEMENTS),
    ];
}
