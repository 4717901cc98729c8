//! A broker that speaks the core of the NATS protocol, so that a demo needs no server of its own.
//!
//! Owns: connections and their subscriptions. Promises: a message reaches each subscriber that was there before it, in the
//! order of its sender; a client that flushes (PING) knows that its messages were handed on. Never: keeps a message,
//! knows accounts, TLS, clusters or streams. Source: <https://docs.nats.io/reference/reference-protocols/nats-protocol>.

mod broker;
mod protocol;
mod subject;

pub(crate) use broker::Broker;
