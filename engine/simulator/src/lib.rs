//! Stand-ins for GitLab, Backstage and Kubernetes with `KubeVirt`, for the demo and for tests.
//!
//! Owns: three HTTP servers that speak the real paths, status codes and bodies of these products, as far as approval
//! and provisioning workflows use them, and a control plane below `/_sim/` on each of the three. Promises: what one
//! service does is visible in the other (a finished namespace template has created the namespace in the cluster);
//! progress depends on the simulator's clock only, which a test can advance; no request is answered from anything but
//! what earlier requests did. Never: persists anything, checks who may do what beyond one token a service, or is a
//! specification of the real products.
//!
//! ```
//! # async fn example() -> Result<(), rondo_simulator::StartError> {
//! use rondo_simulator::{Options, Simulator};
//!
//! let simulator = Simulator::start(Options::default()).await?;
//! println!("approve requests at {}/_sim/", simulator.control_url());
//! simulator.stop().await;
//! # Ok(())
//! # }
//! ```

mod backstage;
mod clock;
mod control;
mod gitlab;
mod kubernetes;
mod options;
mod remembered;
mod service;
mod traffic;
mod world;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use gitlab::{Decision, Issue, Note, UnknownIssue};
pub use options::{
    BACKSTAGE_TOKEN, Delays, GITLAB_TOKEN, KUBERNETES_TOKEN, NAMESPACE_TEMPLATE, Options, PROJECT,
    UnknownDelay,
};
pub use service::Service;
pub use traffic::{Call, Failure};

use world::{Shared, Urls};

/// The running servers. They stop with [`Simulator::stop`], or when this is dropped.
#[derive(Debug)]
pub struct Simulator {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    servers: Vec<JoinHandle<()>>,
}

/// The simulator cannot start: an address is in use or not allowed.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} for the simulated {service}: {source}")]
pub struct StartError {
    /// The address that was asked for.
    pub address: SocketAddr,
    /// The service that wanted it.
    pub service: Service,
    /// Error of the operating system.
    pub source: std::io::Error,
}

impl Simulator {
    /// Binds one listener a service and serves until stopped. All three accept connections when this returns.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let mut listeners = Vec::new();
        let mut urls = Urls::default();
        for (offset, service) in (0..).zip(Service::ALL) {
            let mut address = options.listen;
            if address.port() != 0 {
                address.set_port(address.port().saturating_add(offset));
            }
            let failed = |source| StartError { address, service, source };
            let listener = TcpListener::bind(address).await.map_err(failed)?;
            let bound = listener.local_addr().map_err(failed)?;
            urls.set(service, format!("http://{bound}"));
            listeners.push((service, listener));
        }

        let shared = Arc::new(Shared::new(options, urls));
        let (stop, stopped) = watch::channel(false);
        let servers = listeners
            .into_iter()
            .map(|(service, listener)| {
                let router = router(service, &shared);
                let mut stopped = stopped.clone();
                tokio::spawn(async move {
                    let until = async move {
                        // An error means that the sender is gone, which is a reason to stop as well.
                        let _ = stopped.wait_for(|stop| *stop).await;
                    };
                    if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(until).await {
                        tracing::warn!(%service, %error, "the simulated service stopped");
                    }
                })
            })
            .collect();
        Ok(Self { shared, stop, servers })
    }

    /// Base URL of the simulated GitLab, without a slash at its end.
    pub fn gitlab_url(&self) -> String {
        self.shared.urls.gitlab.clone()
    }

    /// Base URL of the simulated Backstage, without a slash at its end.
    pub fn backstage_url(&self) -> String {
        self.shared.urls.backstage.clone()
    }

    /// Base URL of the simulated Kubernetes API server, without a slash at its end.
    pub fn kubernetes_url(&self) -> String {
        self.shared.urls.kubernetes.clone()
    }

    /// Base URL of the control plane, without a slash at its end; the approver's page is `/_sim/` below it.
    ///
    /// Each of the three servers has the same control plane; this is the one of GitLab.
    pub fn control_url(&self) -> String {
        self.gitlab_url()
    }

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
        self.shared.world().traffic.fail(failure);
    }

    /// Changes how long things take from now on.
    pub fn set_delays(&self, delays: Delays) {
        self.shared.world().delays = delays;
    }

    /// Moves the simulator's clock forward, so that what takes time (templates, virtual machines, automatic
    /// approvals) is that much further. The latency of answers is real time and not affected.
    pub fn advance(&self, by: Duration) {
        self.shared.world().clock.advance(by);
    }

    /// Stops all servers after the requests that are being answered.
    pub async fn stop(self) {
        // Sending fails when the servers have ended already.
        let _ = self.stop.send(true);
        for server in self.servers {
            if let Err(error) = server.await {
                tracing::warn!(%error, "a simulated service ended abnormally");
            }
        }
    }
}

fn router(service: Service, shared: &Arc<Shared>) -> Router {
    let api = match service {
        Service::Gitlab => gitlab::router(),
        Service::Backstage => backstage::router(),
        Service::Kubernetes => kubernetes::router(),
    };
    let watched = axum::middleware::from_fn_with_state((shared.clone(), service), traffic::handle);
    Router::new()
        .merge(api.layer(watched))
        .merge(control::router())
        // Links in results point to pages of the real products; here they point to the only page.
        .fallback(control::go_to_page)
        .with_state(shared.clone())
}
