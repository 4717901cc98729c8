//! The provisioner of private clouds: takes messages from NATS, makes namespaces, and calls back.
//!
//! A client of a real broker, or of the simulator's own. Promises: each message is a job, which has its effect in the
//! simulated cluster after the delay and then calls back until it is answered; a message that comes again is done again, as
//! by the real one. Never: checks whether somebody may ask for it.

mod job;
mod work;

pub use job::{Job, JobState};
pub(crate) use work::run;

use serde::{Deserialize, Serialize};

/// The clusters of the registry, each with a subject of its own.
pub(crate) const CLUSTERS: [&str; 7] = ["clab", "klab", "klab2", "silver", "gold", "golddr", "emerald"];

/// What becomes of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Behaviour {
    /// Namespaces are made, and the platform is told.
    #[default]
    Succeed,
    /// Nothing is made, and the platform is told so.
    Fail,
    /// Nothing is made, and nobody is told.
    Silent,
}

/// Where the provisioner takes messages from, and where it calls back.
#[derive(Clone, Debug)]
pub struct ProvisionerOptions {
    /// Base address of the desk, such as `http://127.0.0.1:8080/desk/v1`.
    pub desk_url: String,
    /// The bearer token of its callbacks.
    pub token: String,
    /// Address of a broker; absent: the simulator's own.
    pub nats_url: Option<String>,
    /// Whether callbacks have an empty body, as those of the real one, or name cluster, workflow and outcome.
    pub has_empty_body: bool,
}

/// All jobs, oldest first, and what becomes of new ones.
#[derive(Debug, Default)]
pub(crate) struct Provisioner {
    pub(crate) behaviour: Behaviour,
    pub(crate) jobs: Vec<Job>,
}
