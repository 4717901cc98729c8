//! Doing what an action asks outside: binding a workflow's functions to real calls, and making them.
//!
//! [`bind`] runs when a definition is loaded and reports functions that no call could reach. [`Caller::call`] runs when an
//! action is carried out. Between the two there is only a [`Binding`]: each call looks up its address and credentials, so
//! that a rotated token is used at once.
//!
//! *Always*: a call ends within its deadline; an error names function, method, URL, status and the beginning of the
//! body, with secrets masked. *Never*: retries; follows a redirect to another host; connects to a link-local address.

mod address;
mod answer;
mod auth;
mod bind;
mod binding;
mod caller;
mod encoding;
mod error;
mod fetch;
mod headers;
mod key;
mod mask;
mod openapi;
mod request_builder;
mod rest;
mod secret;
mod security;
mod settings;
mod setup;
mod specs;
mod token;
mod transport;

#[cfg(test)]
mod tests;

pub use answer::Answer;
pub use bind::{Bindings, bind};
pub use binding::Binding;
pub use caller::{Caller, Request};
pub use error::{CallError, CallErrorKind, Site};
pub use fetch::Fetcher;
pub use headers::ProcessHeaders;
pub use mask::{Secrets, is_confidential};
pub use setup::SetupError;
pub use specs::Specs;
