//! The provisioning desk: who may have what, what was asked for, who agreed, and what was made.
//!
//! Owns: pools, requests, approvals, rules, clusters, credentials, webhooks and private cloud products, with their tables in the database of the engine. Promises: quota and
//! capacity are what the live requests sum to; a change, its events and what flows are told of it are one transaction. Never: does the
//! work. A flow does it, and reports.
//!
//! ```text
//!  http ─▶ desk ─▶ model      what may change, decided without a database
//!    │         └─▶ tables     rows
//!    └──▶ gateway             calls of clusters, with their credentials
//! ```

mod desk;
mod gateway;
mod http;
mod model;
mod pages;
mod refusal;
mod settings;
mod tables;
mod values;

pub use desk::{Afterwards, Desk, Flows, SOURCE, Seal, Surroundings, TOLD_TYPES};
pub use http::{BASE, routes};
pub use settings::Settings;
pub use tables::DESK;
