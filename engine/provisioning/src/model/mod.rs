//! What is true at the desk, and how it may change: no database, no network, no clock.
//!
//! Promises: a change that the contract does not name is refused with what would be legal instead; a method that refuses has changed
//! nothing. What a change brings about beyond itself is in its [`Effects`], which the caller carries out in the same transaction.

mod amount;
mod approval;
mod cluster;
mod consumer;
mod credential;
mod dependencies;
mod effects;
mod legal;
mod link;
mod mail;
mod mail_text;
mod metrics;
mod moves;
mod namespace;
mod namespace_use;
mod new_approval;
mod person;
mod pool;
mod power;
mod product;
mod quantity;
mod recording;
mod request;
mod resources;
mod rollback;
mod rule;
mod sha512_crypt;
mod space;
mod state;
mod steps;
mod ticket;
mod webhook;

pub(crate) use amount::Amount;
#[cfg(test)]
pub(crate) use approval::Vote;
pub(crate) use approval::{Approval, ApprovalState, Counted, Decision, Verdict, Via};
pub(crate) use cluster::{Capacity, Cluster, Health, Wanted, choose, most_room};
pub(crate) use consumer::Consumer;
pub(crate) use credential::{Credential, CredentialKind, CredentialSecrets, MakeError, make_credentials};
pub(crate) use dependencies::find_cycle;
pub(crate) use effects::{Effects, EventKind, Happened, Told, Transition};
pub(crate) use link::{KEY_BYTES, LinkKey};
pub(crate) use mail::{Content, Mail, Occasion, is_worth_another_try};
pub(crate) use mail_text::{MailText, one_line, outcome, question};
pub(crate) use metrics::Metrics;
pub(crate) use namespace::{Namespace, NamespaceState, base_name, namespace_name};
pub(crate) use namespace_use::{ENVIRONMENTS, Measured, count, live_pods, nodes};
pub(crate) use new_approval::{NewApproval, OnDeadline, ReasonRequired};
pub(crate) use person::{Person, Principal};
pub(crate) use pool::{Action, Authorization, Outcome, Pool};
pub(crate) use power::Power;
pub(crate) use product::{
    Callback, CallbackStatus, LIFE_OF_A_TEMPORARY_PRODUCT, Product, ProductLock, ProductStatus, is_plate,
    plate,
};
pub(crate) use request::{Access, Act, Cause, Failure, NewRequest, Recorded, RecordedStatus, Request};
pub(crate) use resources::{Quota, Resources, Violation};
pub(crate) use rule::Rule;
pub(crate) use space::{Codebase, Environment, PipelineMap};
pub(crate) use state::State;
pub(crate) use steps::{Step, StepRecord, StepStatus};
pub(crate) use ticket::{Ticket, TicketReading, is_same_label};
pub(crate) use webhook::{Delivery, MOST_ANSWER, Webhook};
