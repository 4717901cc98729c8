//! The pure interpreter: (program, snapshot, input, now) to (snapshot, effects, facts).
//!
//! Owns: how an instance moves. Promises: the same arguments give the same result; a snapshot that was encoded and decoded goes
//! on alike; nothing in a definition or its data can make a turn run for ever. Never: does anything itself. It has no clock,
//! no randomness, no I/O, and compiles without tokio.

mod call;
mod changes;
mod context;
mod data;
mod ending;
mod exchange;
mod expressions;
mod failure;
mod fork;
mod held;
mod open;
mod outlook;
mod raise;
mod recovery;
mod repair;
mod retry;
mod run;
mod snapshot;
mod turn;

pub use context::{Context, OutputCheck};
pub use exchange::{CallRequest, ChildRequest, Effect, Fact, Input, LogLine, Turn};
pub use failure::{Failure, FailureKind};
pub use outlook::{Outlook, Waiting, outlook};
pub use recovery::pending;
pub use snapshot::{CallNumber, DecodeError, Failed, FrameId, Millis, Snapshot, Status, Visit};
pub use turn::turn;
