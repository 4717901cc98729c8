//! Views of instances: one set of types, which REST, GraphQL and the command line render.
//!
//! The words are the engine's (state, action, visit, wait). Kogito's (process, node) are made from them in `api`. Waits and lines of history
//! serialize to the JSON that `/rondo/instances/{id}` answers, and deserialize from it, so that the command line reads the same types.

mod details;
mod events;
mod failure;
mod history;
mod instance;
mod schedule;
mod visits;
mod waits;

pub use details::InstanceDetails;
pub use events::{ChannelDirection, ChannelView, EventWaitView, KeptEventView, StuckEventView};
pub use failure::{ErrorSummary, FailureView};
pub use history::{HistoryEvent, HistoryLine, UnknownEvent};
pub use instance::InstanceView;
pub use schedule::ScheduleView;
pub use visits::{VisitError, VisitKind, VisitView};
pub(crate) use visits::{action_kind, state_kind, visits};
pub use waits::WaitView;
pub(crate) use waits::waits;
