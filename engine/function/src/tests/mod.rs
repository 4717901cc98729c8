//! Calls against a real HTTP server on loopback: what it sees, and what its answers become.

mod answers;
mod errors;
mod identity;
mod limits;
mod requests;
mod rest_calls;
mod support;
