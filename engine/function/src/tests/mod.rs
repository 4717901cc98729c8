//! Calls against a real HTTP server on loopback: the requests that it gets, and the results of its answers.

#![allow(clippy::needless_pass_by_value, reason = "`json!` as an argument reads better without `&`")]

mod answers;
mod behaviours;
mod binding;
mod call_checks;
mod clients;
mod documents;
mod errors;
mod fetching;
#[cfg(feature = "grpc")]
mod grpc_calls;
mod identity;
mod knative_calls;
mod limits;
mod memory;
mod message_binding;
mod outbound;
mod python_calls;
mod query_calls;
mod requests;
mod rest_calls;
mod split_documents;
pub(crate) mod support;
mod tokens;
mod unused;
