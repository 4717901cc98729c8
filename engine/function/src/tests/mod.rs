//! Calls against a real HTTP server on loopback: what it sees, and what its answers become.

#![allow(clippy::needless_pass_by_value, reason = "`json!` as an argument reads better without `&`")]

mod answers;
mod behaviours;
mod binding;
mod documents;
mod errors;
mod fetching;
mod identity;
mod limits;
mod memory;
mod requests;
mod rest_calls;
pub(crate) mod support;
