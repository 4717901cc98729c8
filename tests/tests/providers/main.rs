//! Provisioning flows survive the death of the engine at every call.
//!
//! Each test orders services from the real desk with the shipped flows, and ends the process, as a power cut would, while one chosen call is
//! under way: before it has its effect, or after it and before the answer. The engine goes on with the same database. Then the simulated
//! provider holds what is recorded of the requests and nothing else, nothing was made twice, and pools and clusters count what the requests
//! sum to ([`inventory`]).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod gate;
mod inventory;
mod kills;
mod kubernetes;
mod lifecycle;
mod openstack;
mod own_calls;
mod retries;
mod stage;
