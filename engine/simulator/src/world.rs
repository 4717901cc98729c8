//! The state of all simulated services, behind one lock.
//!
//! Promises: with the lock comes a state in which everything that only needs time (templates that finish, automatic
//! approvals) has happened. Never: held across an await.

use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::backstage::Backstage;
use crate::clock::Clock;
use crate::gitlab::Gitlab;
use crate::kubernetes::Cluster;
use crate::mail::Mailbox;
use crate::openstack::Cloud;
use crate::options::{Delays, Options};
use crate::orders::Orders;
use crate::provisioner::{Job, Provisioner};
use crate::service::Service;
use crate::traffic::Traffic;

/// The state that the handlers of all servers share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) urls: Urls,
    /// Locked while a request with an idempotency key is carried out, so that two at the same time have one effect.
    pub(crate) keyed: tokio::sync::Mutex<()>,
    /// An order, a job or the clock has changed, so that something may be due that the simulator does by itself.
    pub(crate) changed: Notify,
    world: Mutex<World>,
}

/// Base addresses of the services, without a slash at the end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Urls {
    pub(crate) gitlab: String,
    pub(crate) backstage: String,
    pub(crate) kubernetes: String,
    pub(crate) openstack: String,
    pub(crate) mail: String,
    pub(crate) orders: String,
}

/// The state of the services, and how they behave.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) delays: Delays,
    pub(crate) approve_after: Option<Duration>,
    pub(crate) traffic: Traffic,
    pub(crate) gitlab: Gitlab,
    pub(crate) backstage: Backstage,
    pub(crate) cluster: Cluster,
    pub(crate) cloud: Cloud,
    pub(crate) mailbox: Mailbox,
    pub(crate) orders: Orders,
    pub(crate) provisioner: Provisioner,
}

impl Shared {
    pub(crate) fn new(options: Options, urls: Urls) -> Self {
        let world = Mutex::new(World::new(&options));
        Self { options, urls, keyed: tokio::sync::Mutex::default(), changed: Notify::new(), world }
    }

    /// The state at the present moment.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock();
        world.settle();
        world
    }

    /// Sets everything back to the start.
    pub(crate) fn reset(&self) {
        *self.world() = World::new(&self.options);
    }
}

impl Urls {
    pub(crate) fn set(&mut self, service: Service, url: String) {
        match service {
            Service::Gitlab => self.gitlab = url,
            Service::Backstage => self.backstage = url,
            Service::Kubernetes => self.kubernetes = url,
            Service::Openstack => self.openstack = url,
            Service::Mail => self.mail = url,
            Service::Orders => self.orders = url,
        }
    }
}

impl World {
    fn new(options: &Options) -> Self {
        let clock = Clock::default();
        Self {
            clock,
            delays: options.delays,
            approve_after: options.approve_after,
            traffic: Traffic::default(),
            gitlab: Gitlab::new(&options.projects),
            backstage: Backstage::default(),
            cluster: Cluster::new(clock.now()),
            cloud: Cloud::new(&options.cloud),
            mailbox: Mailbox::default(),
            orders: Orders::default(),
            provisioner: Provisioner::default(),
        }
    }

    /// The whole state, for people and tests.
    pub(crate) fn describe(&self, urls: &Urls) -> Value {
        let now = self.clock.now();
        json!({
            "gitlab": self.gitlab.describe(&urls.gitlab),
            "backstage": self.backstage.describe(),
            "kubernetes": self.cluster.describe(now),
            "openstack": self.cloud.describe(),
            "mails": self.mailbox.mails().len(),
            "orders": self.orders.orders(),
            "provisioner": self.provisioner.jobs,
            "calls": self.traffic.counted(),
            "repeated": self.traffic.repeated(),
            "held": self.traffic.held(),
        })
    }

    /// The jobs of the provisioner, and the cluster in which they have their effect.
    pub(crate) fn provisioner_and_cluster(&mut self) -> (&mut Vec<Job>, &mut Cluster) {
        (&mut self.provisioner.jobs, &mut self.cluster)
    }

    fn settle(&mut self) {
        let now = self.clock.now();
        if let Some(age) = self.approve_after {
            self.gitlab.approve_undecided(age, now);
        }
        self.backstage.finish_due_tasks(now, &mut self.cluster);
        self.cluster.settle(now);
        self.cloud.settle(now);
    }
}
