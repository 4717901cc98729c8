//! What the simulated cloud has: its credentials, regions, quota and floating addresses, and how it can be made to fail.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

/// Default of the user that Keystone knows.
pub const OPENSTACK_USER: &str = "desk";
/// Default of the user's password, and of the secret of every application credential.
pub const OPENSTACK_PASSWORD: &str = "simulated-openstack-password";

/// The options of the simulated cloud.
#[derive(Clone, Debug)]
pub struct CloudOptions {
    /// The one user that Keystone knows.
    pub user: String,
    /// The user's password, and the secret of every application credential.
    pub password: String,
    /// Regions of the catalog. All have the same endpoints.
    pub regions: Vec<String>,
    /// The addresses of the external network.
    pub floating_addresses: FloatingAddresses,
    /// The quota of every project.
    pub quota: Quota,
}

impl Default for CloudOptions {
    fn default() -> Self {
        Self {
            user: OPENSTACK_USER.into(),
            password: OPENSTACK_PASSWORD.into(),
            regions: vec!["RegionOne".into()],
            floating_addresses: FloatingAddresses::default(),
            quota: Quota::default(),
        }
    }
}

/// A row of addresses for floating IPs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FloatingAddresses {
    /// The first of them.
    pub first: Ipv4Addr,
    /// How many there are.
    pub count: u16,
}

impl Default for FloatingAddresses {
    /// Most of 203.0.113.0/24, which is reserved for documentation.
    fn default() -> Self {
        Self { first: Ipv4Addr::new(203, 0, 113, 2), count: 250 }
    }
}

impl FloatingAddresses {
    /// All of them, in order.
    pub(crate) fn all(self) -> impl Iterator<Item = Ipv4Addr> {
        let first = u32::from(self.first);
        (0..u32::from(self.count)).map(move |offset| Ipv4Addr::from(first.saturating_add(offset)))
    }
}

/// The quota of a project. The defaults are those of a large one, so that only a test that wants to meets them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quota {
    /// Servers.
    pub instances: u64,
    /// Virtual CPUs of all servers.
    pub cores: u64,
    /// Memory of all servers, in MiB.
    pub ram: u64,
    /// Volumes.
    pub volumes: u64,
    /// Size of all volumes, in GiB.
    pub gigabytes: u64,
    /// Security groups, the default one included.
    pub security_groups: u64,
    /// Ports of networks.
    pub ports: u64,
    /// Floating IPs.
    pub floating_ips: u64,
    /// Networks of the project.
    pub networks: u64,
    /// Routers of the project.
    pub routers: u64,
}

impl Default for Quota {
    fn default() -> Self {
        Self {
            instances: 100,
            cores: 1000,
            ram: 4 << 20,
            volumes: 200,
            gigabytes: 100_000,
            security_groups: 200,
            ports: 500,
            floating_ips: 100,
            networks: 100,
            routers: 50,
        }
    }
}

/// What the cloud can be made to fail with. Each takes the way that the real service takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CloudFailure {
    /// The scheduler finds no host for the server: it ends in ERROR with a fault, after it was accepted.
    NoHost,
    /// Cinder refuses the volume that Nova makes for the server: ERROR with a fault as well. A volume of one's own is refused with 413.
    VolumeQuota,
    /// The external network has no address left: 409.
    PoolEmpty,
}
