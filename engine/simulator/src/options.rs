//! The options of a simulator: address, tokens, projects, delays.
//!
//! The tokens are constants and no secrets: they open nothing but a simulator, and a simulator listens on loopback
//! unless told otherwise.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::service::Service;

/// Default of the token that GitLab expects in the header `PRIVATE-TOKEN` or as a bearer token.
pub const GITLAB_TOKEN: &str = "simulated-gitlab-token";
/// The bearer token that Backstage expects, unless the options say otherwise.
pub const BACKSTAGE_TOKEN: &str = "simulated-backstage-token";
/// The bearer token that Kubernetes expects, unless the options say otherwise.
pub const KUBERNETES_TOKEN: &str = "simulated-kubernetes-token";
/// The GitLab project that exists from the beginning, unless the options say otherwise.
pub const PROJECT: &str = "platform/self-service";
/// The one software template of the simulated Backstage. It creates a namespace with quota, limits and role binding from
/// the values `namespace` or `component_id` (one is required), `size` (`small`, `medium` or `large`) and `owner` (an entity
/// reference) or `namespace_owner` (a plain name).
pub const NAMESPACE_TEMPLATE: &str = "template:default/create-namespace";

/// The options of a simulator.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen. With port 0 each service gets a free port; with port `p` GitLab gets `p`, Backstage `p + 1`
    /// and Kubernetes `p + 2`.
    pub listen: SocketAddr,
    /// The token that GitLab accepts.
    pub gitlab_token: String,
    /// The token that Backstage accepts.
    pub backstage_token: String,
    /// The token that Kubernetes accepts.
    pub kubernetes_token: String,
    /// Paths (`group/name`) of the GitLab projects that exist; ids count from 1.
    pub projects: Vec<String>,
    /// How long things take.
    pub delays: Delays,
    /// Approve every undecided issue of this age; absent: only people approve.
    pub approve_after: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            gitlab_token: GITLAB_TOKEN.into(),
            backstage_token: BACKSTAGE_TOKEN.into(),
            kubernetes_token: KUBERNETES_TOKEN.into(),
            projects: vec![PROJECT.into()],
            delays: Delays::default(),
            approve_after: None,
        }
    }
}

/// Delays of the services. A change applies to what begins after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delays {
    /// Until GitLab answers a request.
    pub gitlab: Duration,
    /// Until Backstage answers a request.
    pub backstage: Duration,
    /// Until Kubernetes answers a request.
    pub kubernetes: Duration,
    /// From the creation of a Backstage task to its end.
    pub template: Duration,
    /// From the creation of a virtual machine until its disks are there.
    pub vm_provisioning: Duration,
    /// From the start of a virtual machine until it runs, once its disks are there.
    pub vm_starting: Duration,
}

/// No delay has this name.
#[derive(Debug, thiserror::Error)]
#[error(
    "no delay is called `{0}`; there are `gitlab`, `backstage`, `kubernetes` (latency of answers), `template`, \
     `vm-provisioning` and `vm-starting`"
)]
pub struct UnknownDelay(
    /// The name that was given.
    pub String,
);

impl Delays {
    /// Changes one delay by its name (`vm-starting` for `vm_starting`).
    pub fn set(&mut self, name: &str, to: Duration) -> Result<(), UnknownDelay> {
        let delay = match name {
            "gitlab" => &mut self.gitlab,
            "backstage" => &mut self.backstage,
            "kubernetes" => &mut self.kubernetes,
            "template" => &mut self.template,
            "vm-provisioning" => &mut self.vm_provisioning,
            "vm-starting" => &mut self.vm_starting,
            other => return Err(UnknownDelay(other.to_owned())),
        };
        *delay = to;
        Ok(())
    }

    /// Until this service answers a request.
    pub(crate) fn latency(&self, service: Service) -> Duration {
        match service {
            Service::Gitlab => self.gitlab,
            Service::Backstage => self.backstage,
            Service::Kubernetes => self.kubernetes,
        }
    }
}
