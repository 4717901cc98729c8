//! Events in the tables of instances.
//!
//! ```text
//!  accept ──▶ event + content ──▶ mailbox of an instance (by its waits, its id or its business key)
//!                    │       └──▶ new instance ◀── set of start events
//!                    └──▶ kept ──▶ mailbox, when an instance writes a wait that matches
//!  commit ──▶ waits, returned events, outbox
//!         └──▶ mailbox of an instance that ends ──▶ redirect: as an event that comes now
//! ```
//!
//! Promises: an event has as many uses as messages and kept rows refer to it, and its content goes with the last of them. What may
//! refuse looks at everything before it writes. No statement reads more rows than it answers, but for the few shapes of a type.

mod accept;
mod decide;
mod forget;
mod inbox;
mod kept;
mod matching;
mod outbox;
mod shapes;
mod start_sets;
mod waits;

pub(super) use accept::{accept, redirect};
pub(super) use forget::forget;
pub(super) use inbox::consume;
pub(super) use kept::{list as list_kept, return_all, return_event, status as kept_status};
pub(super) use outbox::{append, batch, channels, failed, sent, status, stuck};
pub(super) use waits::{list as list_waits, remove_all as remove_waits, replace as replace_waits, skip_row};

#[cfg(test)]
pub(super) mod statements {
    //! What the plans of are checked.
    pub(crate) const ALL: &[(&str, &[(&str, &str)])] = &[
        ("inbox", super::inbox::STATEMENTS),
        ("shapes", super::shapes::STATEMENTS),
        ("waits", super::waits::STATEMENTS),
        ("kept", super::kept::STATEMENTS),
        ("start_sets", super::start_sets::STATEMENTS),
        ("forget", super::forget::STATEMENTS),
        ("outbox", super::outbox::STATEMENTS),
    ];
}
