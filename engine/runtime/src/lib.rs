//! Runs instances: turns, timers, calls, recovery and limits.
//!
//! Owns: instances while they are worked on, time, the order *turn, commit, effects*. Promises: a change that a client got an answer for
//! survives any crash; one task at a time works on an instance; a sleeping instance is a row of the database, and takes no memory until
//! shortly before it wakes. Never: speaks HTTP to clients (`api` does), interprets a definition (`machine` does).
//!
//! ```text
//!  4  public interface       engine  component  inspect  event_lists  open
//!  3  performs effects       recovery  wake  brokers  inbox  outbox  channel_sender  forget  definition_events  schedules
//!                            drive  mailbox  step  perform  places  calls  load  subflow_room
//!                            executor
//!  2  decides                plan  acceptance  successor  subflows  publication  process_events  turn  row
//!  1  state in memory        dispatch  registry  active_instance  delivery  revision_cache  lifecycle_log
//!                            served  catalog  start  refusal  views  formats  unwanted  event_watch  kogito
//!  0  uses no other module   clock  computing  concurrency  timers  fair_queue  crash_loop  encryption  instance_tree  data_mark  schema
//!                            secrets  panics  versions  call_threads  neighbour
//! ```
//!
//! A module uses modules of its own layer and of those below, never in a circle; the test module `layers` checks that. Each module of the
//! line that begins with `drive` uses those to the right of it. The layers 0 to 2 do not know the engine: `turn` computes a turn and `plan`
//! makes a plan of it, both from values that are passed in, and only `perform` performs plans. A lower module that has to call an upper one
//! gets a trait (`dispatch::Worker`).

// Layer 0.
mod call_threads;
mod clock;
mod computing;
mod concurrency;
mod crash_loop;
mod data_mark;
mod encryption;
mod fair_queue;
mod instance_tree;
mod neighbour;
mod panics;
mod schema;
mod secrets;
mod timers;
mod versions;

// Layer 1.
mod active_instance;
mod catalog;
mod delivery;
mod dispatch;
mod event_watch;
mod formats;
pub mod kogito;
mod lifecycle_log;
mod refusal;
mod registry;
mod revision_cache;
mod served;
mod start;
mod unwanted;
mod views;

// Layer 2.
mod acceptance;
mod plan;
mod process_events;
mod publication;
mod row;
mod subflows;
mod successor;
mod turn;

// Layer 3.
mod brokers;
mod calls;
mod channel_sender;
mod definition_events;
mod drive;
mod executor;
mod forget;
mod inbox;
mod load;
mod mailbox;
mod outbox;
mod perform;
mod places;
mod recovery;
mod schedules;
mod step;
mod subflow_room;
mod wake;

// Layer 4.
mod component;
mod engine;
mod event_lists;
mod inspect;
mod open;

#[cfg(test)]
mod layers;

pub use catalog::{Deployed, Loaded, load_folder};
pub use clock::Clock;
pub use encryption::KeyError;
pub use engine::Engine;
pub use event_watch::EventStatus;
pub use inbox::AcceptedWithin;
pub use neighbour::Neighbour;
pub use open::{OpenError, Options, Surroundings};
pub use refusal::Refusal;
pub use rondo_function::CallLoad;
pub use rondo_machine::{Fact, Waiting};
pub use rondo_program::{
    ActionKind, ActionOutline, FailureKind, Origin, Outline, StateKind, StateOutline, sonataflow,
};
pub use schema::Schema;
pub use start::{MAX_BUSINESS_KEY, Start};
pub use unwanted::UnwantedEvent;
pub use views::{
    ChannelDirection, ChannelView, ErrorSummary, EventWaitView, FailureView, HistoryEvent, HistoryLine,
    InstanceDetails, InstanceView, KeptEventView, PlaceView, ScheduleView, StuckEventView, UnknownEvent,
    VisitError, VisitKind, VisitView, WaitView,
};

/// Reads and writes stored formats, and makes schemas, without an engine. For tests with arbitrary bytes.
#[doc(hidden)]
pub mod fuzzing {
    use rondo_expression::Val;
    use rondo_machine::Fact;
    use serde_json::Value;
    use uuid::Uuid;

    use crate::{
        ErrorSummary, HistoryEvent, HistoryLine, Schema, VisitView,
        formats::{error, history, input, mailbox::MailboxMessage},
        views,
    };

    /// Reads `instance.error`. For tests.
    pub fn read_error(text: &str) -> Result<ErrorSummary, String> {
        error::decode(text).map_err(|error| error.to_string())
    }

    /// Reads `history.facts`. For tests.
    pub fn read_history(text: &str) -> Result<Vec<HistoryEvent>, String> {
        history::decode(text).map_err(|error| error.to_string())
    }

    /// Writes `history.facts`. For tests.
    pub fn write_history(facts: &[Fact]) -> Result<Option<String>, String> {
        history::encode(facts).map_err(|error| error.to_string())
    }

    /// The visits of lines of history. For tests.
    pub fn visits(lines: &[HistoryLine]) -> Vec<VisitView> {
        views::visits(lines)
    }

    /// Reads `instance.input`, the difference of the input to the data. For tests.
    pub fn read_input(stored: Option<&str>, data: &Val) -> Result<Val, String> {
        input::decode(stored, data).map_err(|error| error.to_string())
    }

    /// Writes `instance.input`. For tests.
    pub fn write_input(input: &Val, data: &Val) -> Result<Option<String>, String> {
        input::encode(input, data).map_err(|error| error.to_string())
    }

    /// Reads `mailbox.payload`. Returns the debug text of the message, and the bytes that this build writes for it. For tests.
    pub fn read_message(payload: &[u8]) -> Result<(String, Vec<u8>), String> {
        let message = MailboxMessage::decode(payload).map_err(|error| error.to_string())?;
        let written = message.encode(Uuid::nil()).map_err(|error| error.to_string())?;
        Ok((format!("{message:?}"), written.payload))
    }

    /// A schema that refers to no files. For tests.
    pub fn schema(document: Value) -> Result<Schema, String> {
        Schema::new(document, true)
    }
}
