//! The options of a simulator: address, tokens, projects, delays.
//!
//! The tokens are constants and no secrets: they open nothing but a simulator, and a simulator listens on loopback
//! unless told otherwise.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::hosts::HostPorts;
use crate::openstack::CloudOptions;
use crate::orders::WEBHOOK_SECRET;
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
    /// Where to listen. With port 0 each service gets a free port; with port `p` GitLab gets `p`, Backstage `p + 1`,
    /// Kubernetes `p + 2`, OpenStack `p + 3`, mail `p + 4` and orders `p + 5`.
    pub listen: SocketAddr,
    /// The token that GitLab accepts.
    pub gitlab_token: String,
    /// The token that Backstage accepts.
    pub backstage_token: String,
    /// The token that Kubernetes accepts.
    pub kubernetes_token: String,
    /// Paths (`group/name`) of the GitLab projects that exist; ids count from 1.
    pub projects: Vec<String>,
    /// The cloud's credentials, regions, quota and addresses.
    pub cloud: CloudOptions,
    /// Where the hosts behind floating IPs answer; absent: there are no hosts. The addresses must be this machine's.
    pub hosts: Option<HostPorts>,
    /// Secret of the order service's webhook.
    pub webhook_secret: String,
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
            cloud: CloudOptions::default(),
            hosts: None,
            webhook_secret: WEBHOOK_SECRET.into(),
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
    /// Until OpenStack answers a request.
    pub openstack: Duration,
    /// Until the mail service answers a request.
    pub mail: Duration,
    /// Until the order service answers a request.
    pub orders: Duration,
    /// From the creation of a Backstage task to its end.
    pub template: Duration,
    /// From the creation of a virtual machine until its disks are there.
    pub vm_provisioning: Duration,
    /// From the start of a virtual machine until it runs, once its disks are there.
    pub vm_starting: Duration,
    /// From the deletion of a namespace until it is gone.
    pub namespace_deletion: Duration,
    /// From the creation of a server of OpenStack until it is ACTIVE or ERROR.
    pub server_build: Duration,
    /// From a command to stop, start, reboot or resize a server until that is done.
    pub server_power: Duration,
    /// From the deletion of a server or volume until it is gone.
    pub server_deletion: Duration,
    /// From a message to the provisioner until its job is done.
    pub provisioner: Duration,
}

/// No delay has this name.
#[derive(Debug, thiserror::Error)]
#[error(
    "no delay is called `{0}`; there are `gitlab`, `backstage`, `kubernetes`, `openstack`, `mail`, `orders` (latency of \
     answers), `template`, `vm-provisioning`, `vm-starting`, `namespace-deletion`, `server-build`, `server-power`, \
     `server-deletion` and `provisioner`"
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
            "openstack" => &mut self.openstack,
            "mail" => &mut self.mail,
            "orders" => &mut self.orders,
            "template" => &mut self.template,
            "vm-provisioning" => &mut self.vm_provisioning,
            "vm-starting" => &mut self.vm_starting,
            "namespace-deletion" => &mut self.namespace_deletion,
            "server-build" => &mut self.server_build,
            "server-power" => &mut self.server_power,
            "server-deletion" => &mut self.server_deletion,
            "provisioner" => &mut self.provisioner,
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
            Service::Openstack => self.openstack,
            Service::Mail => self.mail,
            Service::Orders => self.orders,
        }
    }
}
