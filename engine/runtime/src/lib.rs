//! The living engine: runs turns, timers, calls, recovery and limits.
//!
//! Owns: instances while they are worked on, time, the order *turn, commit, effects*. Promises: what was answered survives any
//! crash; an instance is worked on by one task at a time; a sleeping instance is nothing but its row. Never: speaks HTTP to
//! clients (`api` does), interprets a definition (`machine` does).
//!
//! ```text
//!  4  what others see        engine  inspect  open
//!  3  what acts              recovery  wake
//!                            drive  mailbox  step  perform  calls  load  subflow_room
//!                            executor
//!  2  what decides           plan  subflows  turn  row
//!  1  what is in memory      dispatch  registry  active_instance  delivery  revision_cache  lifecycle_log
//!                            catalog  start  refusal  views  formats
//!  0  what knows no others   clock  computing  timers  fair_queue  crash_loop  encryption  instance_tree  data_mark  schema  secrets  panics
//! ```
//!
//! A module uses modules of its own layer and of those below, never in a circle; the test `layers` holds that. Of the line that begins with
//! `drive` each uses those that stand right of it. Nothing of the layers 0 to 2
//! knows the engine: a turn is computed (`turn`) and becomes a plan (`plan`), both from values that are handed in, and one place performs
//! plans (`perform`). Where something below has to reach what stands above, it is handed a trait (`dispatch::Worker`).

// Layer 0.
mod clock;
mod computing;
mod crash_loop;
mod data_mark;
mod encryption;
mod fair_queue;
mod instance_tree;
mod panics;
mod schema;
mod secrets;
mod timers;

// Layer 1.
mod active_instance;
mod catalog;
mod delivery;
mod dispatch;
mod formats;
mod lifecycle_log;
mod refusal;
mod registry;
mod revision_cache;
mod start;
mod views;

// Layer 2.
mod plan;
mod row;
mod subflows;
mod turn;

// Layer 3.
mod calls;
mod drive;
mod executor;
mod load;
mod mailbox;
mod perform;
mod recovery;
mod step;
mod subflow_room;
mod wake;

// Layer 4.
mod engine;
mod inspect;
mod open;

#[cfg(test)]
mod layers;

pub use catalog::{Deployed, Loaded, load_folder};
pub use clock::Clock;
pub use encryption::KeyError;
pub use engine::Engine;
pub use open::{OpenError, Options, Surroundings};
pub use refusal::Refusal;
pub use rondo_function::CallLoad;
pub use rondo_machine::{Fact, Waiting};
pub use rondo_program::{
    ActionKind, ActionOutline, FailureKind, Origin, Outline, StateKind, StateOutline, sonataflow,
};
pub use schema::Schema;
pub use start::{MAX_BUSINESS_KEY, Start};
pub use views::{
    ErrorSummary, FailureView, HistoryEvent, HistoryLine, InstanceDetails, InstanceView, UnknownEvent,
    VisitError, VisitKind, VisitView, WaitView,
};
