//! The state of all simulated services, behind one lock.
//!
//! Promises: with the lock comes a state in which everything that only needs time (templates that finish, automatic
//! approvals) has happened. Never: held across an await.

use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};

use crate::backstage::Backstage;
use crate::clock::Clock;
use crate::gitlab::Gitlab;
use crate::kubernetes::Cluster;
use crate::options::{Delays, Options};
use crate::service::Service;
use crate::traffic::Traffic;

/// The state that the handlers of all servers share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) urls: Urls,
    /// Locked while a request with an idempotency key is carried out, so that two at the same time have one effect.
    pub(crate) keyed: tokio::sync::Mutex<()>,
    world: Mutex<World>,
}

/// Base addresses of the services, without a slash at the end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Urls {
    pub(crate) gitlab: String,
    pub(crate) backstage: String,
    pub(crate) kubernetes: String,
}

/// The state of the three services, and how they behave.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) delays: Delays,
    pub(crate) approve_after: Option<Duration>,
    pub(crate) traffic: Traffic,
    pub(crate) gitlab: Gitlab,
    pub(crate) backstage: Backstage,
    pub(crate) cluster: Cluster,
}

impl Shared {
    pub(crate) fn new(options: Options, urls: Urls) -> Self {
        let world = Mutex::new(World::new(&options));
        Self { options, urls, keyed: tokio::sync::Mutex::default(), world }
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
        }
    }

    /// The whole state, for people and tests.
    pub(crate) fn describe(&self, urls: &Urls) -> Value {
        let now = self.clock.now();
        json!({
            "gitlab": self.gitlab.describe(&urls.gitlab),
            "backstage": self.backstage.describe(),
            "kubernetes": self.cluster.describe(now),
            "calls": self.traffic.counted(),
            "repeated": self.traffic.repeated(),
        })
    }

    fn settle(&mut self) {
        let now = self.clock.now();
        if let Some(age) = self.approve_after {
            self.gitlab.approve_undecided(age, now);
        }
        self.backstage.finish_due_tasks(now, &mut self.cluster);
    }
}
