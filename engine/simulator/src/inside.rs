//! What tests and demos read and change from within the process, without HTTP.

use std::time::Duration;

use serde_json::Value;

use crate::Simulator;
use crate::failure::Failure;
use crate::gitlab::{Decision, Issue, UnknownIssue};
use crate::mail::Mail;
use crate::openstack::CloudFailure;
use crate::options::Delays;
use crate::orders::{Order, ReceivedEvent};
use crate::provisioner::{Behaviour, Job};
use crate::traffic::Call;

impl Simulator {
    /// All issues of all projects, oldest first.
    pub fn issues(&self) -> Vec<Issue> {
        self.shared.world().gitlab.issues().cloned().collect()
    }

    /// Names of the namespaces that were created, in alphabetical order, without those a cluster starts with.
    pub fn namespaces(&self) -> Vec<String> {
        self.shared.world().cluster.created_namespaces()
    }

    /// The latest calls that the services received, oldest first; the control plane is not among them.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.world().traffic.calls().iter().cloned().collect()
    }

    /// How many requests were held without an answer; see [`Failure::hangs`].
    pub fn held(&self) -> usize {
        self.shared.world().traffic.held()
    }

    /// The mails in the mailbox, oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        self.shared.world().mailbox.mails().iter().cloned().collect()
    }

    /// The orders, oldest first.
    pub fn orders(&self) -> Vec<Order> {
        self.shared.world().orders.orders().to_vec()
    }

    /// The latest events that the order service's webhook received, oldest first.
    pub fn received_events(&self) -> Vec<ReceivedEvent> {
        self.shared.world().orders.events().iter().cloned().collect()
    }

    /// The jobs of the provisioner, oldest first.
    pub fn provisioner_jobs(&self) -> Vec<Job> {
        self.shared.world().provisioner.jobs.clone()
    }

    /// Decides what becomes of the messages that the provisioner takes from now on.
    pub fn set_provisioner_behaviour(&self, behaviour: Behaviour) {
        self.shared.world().provisioner.behaviour = behaviour;
    }

    /// Makes the simulated cloud fail in its own way, the next `times` times.
    pub fn fail_cloud(&self, failure: CloudFailure, times: u32) {
        self.shared.world().cloud.fail(failure, times);
    }

    /// All that exists, as `GET /_sim/state` shows it.
    pub fn state(&self) -> Value {
        self.shared.world().describe(&self.shared.urls)
    }

    /// Decides an open or closed issue as its approver would: by setting the label `approved` or `denied`.
    pub fn decide(&self, project: u64, iid: u64, decision: Decision) -> Result<(), UnknownIssue> {
        let mut world = self.shared.world();
        let now = world.clock.now();
        world.gitlab.decide(project, iid, decision, now)
    }

    /// From now on, approves each undecided issue once it is this old.
    pub fn approve_all_automatically(&self, after: Duration) {
        self.shared.world().approve_after = Some(after);
    }

    /// Makes coming requests fail; see [`Failure`].
    pub fn fail(&self, failure: Failure) {
        self.shared.world().traffic.failures.add(failure);
    }

    /// Changes how long things take from now on.
    pub fn set_delays(&self, delays: Delays) {
        self.shared.world().delays = delays;
    }

    /// Moves the simulator's clock forward, so that what takes time (templates, virtual machines, automatic
    /// approvals) is that much further. The latency of answers is real time and not affected.
    pub fn advance(&self, by: Duration) {
        self.shared.world().clock.advance(by);
        self.shared.changed.notify_waiters();
    }
}
