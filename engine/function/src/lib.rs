//! Binds a workflow's functions to real calls, and makes these calls.
//!
//! [`bind`] runs when a definition is loaded and reports functions that no call could reach. [`Caller::call`] runs when an action is executed.
//! Between the two only a [`Binding`] is kept: each call looks up its address and credentials, so that a rotated token is used at once.
//!
//! *Always*: a call waits for its turn and for memory, and from there on ends within its deadline; an error names function, method, URL, status
//! and the beginning of the body, with secrets masked. *Never*: repeats a call that a service may have executed; follows a redirect to another
//! host; connects to a link-local address; shows a workflow credentials of an answer that it does not ask for.

mod address;
mod answer;
mod answer_body;
mod assertion;
mod async_api;
mod auth;
mod bind;
mod binding;
mod call_gate;
mod caller;
mod channel;
mod charset;
mod client_options;
mod connections;
mod encoding;
mod error;
mod fetch;
mod graphql;
#[cfg(feature = "grpc")]
mod grpc;
mod handle_shortage;
mod headers;
mod http_call;
mod http_target;
mod jwt;
mod key;
mod knative;
mod large_answer;
mod mask;
mod odata;
#[doc(hidden)]
pub mod offline;
mod oidc;
mod openapi;
mod outbound;
mod proxy;
mod python;
mod reading;
mod reads;
mod redirects;
mod request_builder;
mod rest;
mod rest_address;
mod secret;
mod secret_forms;
mod secret_names;
mod security;
mod sending;
mod settings;
mod setup;
mod specs;
mod tls;
mod token;
mod token_request;
mod transport;
mod unused;

#[cfg(test)]
mod tests;

pub use answer::Answer;
pub use bind::{Bindings, bind};
pub use binding::Binding;
pub use call_gate::CallLoad;
pub use caller::{Caller, Request};
pub use channel::{Channel, ChannelMessage, Parameter};
pub use error::{CallError, CallErrorKind, Site};
pub use fetch::Fetcher;
pub use headers::ProcessHeaders;
pub use large_answer::BeforeLargeAnswer;
pub use mask::Secrets;
pub use outbound::{Outbound, OutboundAnswer, OutboundError, OutboundRequest};
pub use secret_names::is_confidential;
pub use setup::SetupError;
pub use specs::Specs;
pub use unused::{PropertiesUse, unused_properties};
