//! The gateway: calls of clusters by flows, which know neither the addresses nor the credentials of a cluster.
//!
//! ```text
//!  flow ─▶ http/gateway ─▶ pass_on ─▶ rules of the provider, references ─▶ once (a look before what makes something)
//!                                                                            └▶ exchange: place, breaker, session ─▶ cluster
//! ```
//!
//! Owns: sessions, places and breakers of clusters, in memory. Promises: a token or a password leaves only towards the cluster that it is for;
//! only listed calls are let through; a redirect is not followed; what a call has begun is finished when its caller is gone. Never: decides
//! what is made for a request; a flow does.

mod breaker;
mod call;
mod catalog;
mod check;
mod diagnostics;
mod exchange;
mod github;
mod guard;
mod inspect;
mod kubernetes;
mod login;
mod metrics;
mod once;
mod openstack;
mod pass_on;
mod provider;
mod proxmox;
pub(crate) mod references;
mod secrets;
#[cfg(test)]
mod tests;
mod users;
mod vsphere;

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use rondo_function::Secrets;

use guard::Guard;
use once::Making;

pub(crate) use call::Call;
pub(crate) use check::Tested;
pub(crate) use pass_on::{Passed, Target};

/// What the gateway keeps in memory.
#[derive(Default)]
pub(crate) struct Gateway {
    guards: Mutex<HashMap<String, Arc<Guard>>>,
    making: Making,
}

impl Gateway {
    /// The guard of a cluster, or of a service of users. Both are few, and one that was removed leaves a few bytes.
    fn guard(&self, cluster: &str, speed: u32) -> Arc<Guard> {
        let mut guards = self.guards.lock();
        let guard = guards.entry(cluster.to_owned()).or_insert_with(|| Arc::new(Guard::new(cluster, speed)));
        Arc::clone(guard)
    }
}

/// A body without secrets. What is no text stays as it is.
fn hide(secrets: &Secrets, body: Vec<u8>) -> Vec<u8> {
    match String::from_utf8(body) {
        Ok(text) => secrets.mask(&text).into_bytes(),
        Err(error) => error.into_bytes(),
    }
}
