//! What is true at the desk, and how it may change: no database, no network, no clock.
//!
//! Promises: a change that the contract does not name is refused with what would be legal instead; a method that refuses has changed
//! nothing. What a change brings about beyond itself is in its [`Effects`], which the caller carries out in the same transaction.

mod amount;
mod approval;
mod cluster;
mod dependencies;
mod effects;
mod moves;
mod person;
mod pool;
mod request;
mod resources;
mod rule;
mod state;
mod steps;
mod webhook;

pub(crate) use amount::Amount;
pub(crate) use approval::{Counted, OnDeadline, ReasonRequired, Ticket, Approval, ApprovalState, Decision, NewApproval, Verdict, Via};
pub(crate) use cluster::{Cluster, Health, Wanted, choose, most_room};
pub(crate) use dependencies::find_cycle;
pub(crate) use effects::{Effects, EventKind, Happened, Told, Transition};
pub(crate) use person::{Person, Principal};
pub(crate) use pool::{Action, Outcome, Pool, Authorization};
pub(crate) use moves::Power;
pub(crate) use request::{Access, Act, Cause, Failure, NewRequest, Recorded, RecordedStatus, Request};
pub(crate) use resources::{Quota, Resources, Violation};
pub(crate) use rule::Rule;
pub(crate) use state::State;
pub(crate) use steps::{Step, StepRecord, StepStatus};
pub(crate) use webhook::{Delivery, MOST_ANSWER, Webhook};
