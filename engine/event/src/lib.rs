//! Reads, writes, sends and receives CloudEvents.
//!
//! Owns: [`CloudEvent`], read from and written to HTTP, Kafka and NATS messages; [`Channels`], the sources and sinks of events that the
//! properties configure; [`Sender`], which delivers one event to one channel; [`receive`], which consumes the channels of brokers. Promises: any
//! bytes give an event or an error that says what is wrong; an event that was written is read as the same event. Never: knows a workflow or an
//! instance, stores an event, or decides what an event is for.
//!
//! Source: CloudEvents 1.0.2, with its JSON format and its bindings to HTTP, Kafka and NATS.

mod attributes;
mod channels;
mod data;
mod error;
mod event;
mod message;
#[cfg(feature = "nats")]
mod nats;
mod read;
mod receive;
mod send;
mod stored;
mod structured;

pub use attributes::{MAX_ATTRIBUTE_BYTES, MAX_EXTENSIONS};
pub use channels::{
    AddressTemplate, Channels, ExpandError, HttpSource, Incoming, KafkaClient, KafkaSource, NatsServers,
    NatsSource, Outgoing, Sink, Source,
};
pub use error::EventError;
pub use event::CloudEvent;
pub use message::{Binding, Message, Mode};
pub use read::{Origin, Received, Room, read_http, read_message, read_plain};
pub use receive::{ChannelState, ChannelStates, Inbox, receive};
pub use send::{SendError, SendErrorKind, Sender};
pub use stored::DecodeError;
pub use structured::MAX_BATCH;
