//! Tests of the whole engine, on a manual clock and a database in memory; see `support`.

#![allow(clippy::unwrap_used, reason = "tests, and what helps them, may panic")]

mod children;
mod crash_loop;
mod drive;
mod events;
mod flow;
mod groups;
mod mailbox;
mod memory;
mod outbox;
mod recovery;
mod schedules;
mod stop;
mod support;
mod timers;
