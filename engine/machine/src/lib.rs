//! The pure interpreter: (program, snapshot, input, now) to (snapshot, effects, facts).
//!
//! Owns: how an instance moves. Promises: the same arguments give the same result; a snapshot that was encoded and decoded goes
//! on alike; nothing in a definition or its data can make a turn run for ever. Never: does anything itself. It has no clock,
//! no randomness, no I/O, and compiles without tokio.

mod branch_merge;
mod call;
mod context;
mod data;
mod ending;
mod errors;
mod expressions;
mod fork;
mod format1;
mod frames;
mod held;
mod listing;
mod matching;
mod messages;
mod recovery;
mod repair;
mod retry;
mod run;
mod scopes;
mod snapshot;
mod soundness;
mod stored;
mod time_limits;
mod turn;
mod wait_status;

pub use context::{Context, OutputCheck};
pub use messages::{CallRequest, ChildRequest, Effect, Fact, Input, LogLine, Turn};
pub use recovery::pending;
pub use snapshot::{CallNumber, Failed, FrameId, Millis, Snapshot, Status, Visit};
pub use stored::{DecodeError, EncodeError, Encoded, PartChange};
pub use turn::turn;
pub use wait_status::{WaitStatus, Waiting, wait_statuses};
