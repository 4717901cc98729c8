//! The pure interpreter: (program, snapshot, input, now) to (snapshot, effects, facts).
//!
//! Owns: the execution of an instance. Promises: the same arguments give the same result, except for expressions that use `now`, `uuid4`,
//! `random` or `hostname`; a snapshot that was stored and read continues in the same way; no definition and no data can make a turn run
//! without end. Never: performs an effect itself. The crate has no clock and no I/O, and compiles without tokio.

mod branch_merge;
mod call_request;
mod compensation;
mod context;
mod data;
mod detached;
mod drop_frames;
mod ending;
mod errors;
mod events;
mod expressions;
mod fork;
mod format1;
mod frame;
mod handled_error;
mod inputs;
mod listing;
mod loops;
mod matching;
mod messages;
mod open_visits;
mod overtime;
mod recovery;
mod repair;
mod retained_size;
mod retry;
mod run;
mod scopes;
mod snapshot;
mod soundness;
mod stored;
mod time_limits;
mod turn;
mod wait_status;

pub use context::{Context, Mask, OutputCheck, SuccessorCheck};
pub use events::{AwaitedEvent, NO_FRAME, awaited_events, can_start, claims_of_start};
pub use messages::{
    CallRequest, ChildRequest, Effect, Fact, Input, LogLine, PublishRequest, ReceivedEvent, SuccessorRequest,
    Turn,
};
pub use open_visits::{OpenVisit, OpenVisitKind, open_visits};
pub use recovery::pending_calls;
pub use snapshot::{CallNumber, Continuation, FailedStep, FrameId, Millis, Snapshot, Status, Visit};
pub use stored::{DecodeError, EncodeError, Encoded, PartChange};
pub use turn::turn;
pub use wait_status::{WaitStatus, Waiting, wait_statuses};
