//! The living engine: runs turns, timers, calls, recovery and limits.
//!
//! Owns: instances while they are worked on, time, the order *turn, commit, effects*. Promises: what was answered survives any
//! crash; an instance is worked on by one task at a time; a sleeping instance is nothing but its row. Never: speaks HTTP to
//! clients (`api` does), interprets a definition (`machine` does).

mod apply;
mod at_work;
mod calls;
mod catalog;
mod children;
mod clock;
mod delta;
mod drive;
mod engine;
mod families;
mod history;
mod kept;
mod lanes;
mod living;
mod load;
mod open;
mod recovery;
mod registry;
mod schema;
mod seal;
mod secrets;
mod tasks;
mod tell;
mod timers;
mod view;

pub use catalog::{Deployed, Loaded, load_folder};
pub use clock::Clock;
pub use engine::Engine;
pub use history::{HistoryLine, NodeView};
pub use open::{OpenError, Options};
pub use rondo_machine::{Fact, Outlook, Waiting};
pub use rondo_program::{
    ActionKind, ActionOutline, FailureKind, Origin, Outline, StateKind, StateOutline, sonataflow,
};
pub use schema::Schema;
pub use seal::KeyError;
pub use view::{FailureView, MAX_BUSINESS_KEY, Refusal, Start, View};
