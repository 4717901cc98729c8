//! Views of instances: one set of types, which REST, GraphQL and the command line render.
//!
//! They use the engine's terms (state, action, visit, wait); `api` translates them to Kogito's (process, node). Waits and lines of history
//! serialize to the JSON of `/rondo/instances/{id}`, and deserialize from it, so that the command line reads the same types.

mod details;
mod events;
mod failure;
mod history;
mod instance;
mod place;
mod schedule;
mod visits;
mod waits;

pub use details::InstanceDetails;
pub use events::{ChannelDirection, ChannelView, EventWaitView, KeptEventView, StuckEventView};
pub use failure::{ErrorSummary, FailureView};
pub use history::{HistoryEvent, HistoryLine, UnknownEvent};
pub use instance::InstanceView;
pub use place::PlaceView;
pub use schedule::ScheduleView;
pub use visits::{VisitError, VisitKind, VisitView};
pub(crate) use visits::{action_kind, state_kind, visits};
pub use waits::WaitView;
pub(crate) use waits::waits;
