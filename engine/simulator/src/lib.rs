//! Stand-ins for what self-service workflows talk to, for the demo and for tests: GitLab, Backstage, Kubernetes with
//! `KubeVirt`, OpenStack, a mail service, a shop's order service, a provisioner behind NATS, and the hosts of servers.
//!
//! Owns: an HTTP server for each service, which speaks the real paths, status codes and bodies as far as such workflows
//! use them, and a control plane below `/_sim/` on each. Promises: what one service does is visible in the other (a
//! finished namespace template has created the namespace in the cluster, a host answers when its server runs);
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
mod failure;
mod gitlab;
mod hosts;
mod inside;
mod kubernetes;
mod mail;
mod nats;
mod openstack;
mod options;
mod orders;
mod provisioner;
mod remembered;
mod service;
mod traffic;
mod world;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use failure::Failure;
pub use gitlab::{Decision, Issue, Note, UnknownIssue};
pub use hosts::HostPorts;
pub use mail::Mail;
pub use openstack::{
    CloudFailure, CloudOptions, FloatingAddresses, OPENSTACK_PASSWORD, OPENSTACK_USER, Quota,
};
pub use options::{
    BACKSTAGE_TOKEN, Delays, GITLAB_TOKEN, KUBERNETES_TOKEN, NAMESPACE_TEMPLATE, Options, PROJECT,
    UnknownDelay,
};
pub use orders::{Order, OrderState, ReceivedEvent, WEBHOOK_SECRET};
pub use provisioner::{Behaviour, Job, JobState, ProvisionerOptions};
pub use service::Service;
pub use traffic::Call;

use hosts::Hosts;
use world::{Shared, Urls};

/// The running servers. They stop with [`Simulator::stop`], or when this is dropped.
#[derive(Debug)]
pub struct Simulator {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    servers: Vec<JoinHandle<()>>,
    host_ports: Option<HostPorts>,
}

/// The simulator cannot start: an address is in use or not allowed.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A service cannot listen.
    #[error("cannot listen on {address} for the simulated {service}: {source}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What wanted it: a service, `host` or `NATS server`.
        service: String,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// The provisioner has no broker.
    #[error("the simulated provisioner cannot take messages from `{url}`: {reason}")]
    Broker {
        /// Address of the broker.
        url: String,
        /// What the client says.
        reason: String,
    },
}

impl Simulator {
    /// Binds one listener a service and serves until stopped. All accept connections when this returns.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let mut listeners = Vec::new();
        let mut urls = Urls::default();
        for (offset, service) in (0..).zip(Service::ALL) {
            let mut address = options.listen;
            if address.port() != 0 {
                address.set_port(address.port().saturating_add(offset));
            }
            let failed = |source| StartError::Listen { address, service: service.to_string(), source };
            let listener = TcpListener::bind(address).await.map_err(failed)?;
            let bound = listener.local_addr().map_err(failed)?;
            urls.set(service, format!("http://{bound}"));
            listeners.push((service, listener));
        }

        let hosts = match options.hosts {
            None => None,
            Some(ports) => {
                let failed =
                    |(address, source)| StartError::Listen { address, service: "host".to_owned(), source };
                Some(Hosts::bind(options.cloud.floating_addresses, ports).await.map_err(failed)?)
            }
        };
        let host_ports = hosts.as_ref().map(|hosts| hosts.ports);
        let shared = Arc::new(Shared::new(options, urls));
        let (stop, stopped) = watch::channel(false);
        if let Some(hosts) = hosts {
            hosts.serve(&shared, &stopped);
        }
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
        Ok(Self { shared, stop, servers, host_ports })
    }

    /// Starts the provisioner, and a broker for it unless the options name one. Answers the broker's address.
    pub async fn start_provisioner(&self, options: ProvisionerOptions) -> Result<String, StartError> {
        let url = match &options.nats_url {
            Some(url) => url.clone(),
            None => self.start_broker().await?,
        };
        let failed = |reason: String| StartError::Broker { url: url.clone(), reason };
        let nats = async_nats::connect(&url).await.map_err(|error| failed(error.to_string()))?;
        let run =
            provisioner::run(Arc::clone(&self.shared), options, nats, http_client(), self.stop.subscribe());
        run.await.map_err(|error| failed(error.to_string()))?;
        Ok(url)
    }

    /// Starts a broker that speaks the NATS protocol, on a free port of loopback. Answers its address.
    pub async fn start_broker(&self) -> Result<String, StartError> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let failed = |source| StartError::Listen { address, service: "NATS server".to_owned(), source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let url = format!("nats://{}", listener.local_addr().map_err(failed)?);
        tokio::spawn(nats::Broker::serve(listener, self.stop.subscribe()));
        Ok(url)
    }

    /// Lets the order service announce orders as CloudEvents to this address.
    pub fn announce_orders_to(&self, platform_url: String) {
        let mut stopped = self.stop.subscribe();
        let run = orders::run(Arc::clone(&self.shared), http_client(), platform_url);
        tokio::spawn(async move {
            tokio::select! {
                () = run => {}
                // A dropped sender means stop as well.
                _ = stopped.wait_for(|stop| *stop) => {}
            }
        });
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

    /// Base URL of the simulated OpenStack, without a slash at its end; Keystone is at `/v3` below it.
    pub fn openstack_url(&self) -> String {
        self.shared.urls.openstack.clone()
    }

    /// Base URL of the mail service, without a slash at its end; its mailbox is at `/`.
    pub fn mail_url(&self) -> String {
        self.shared.urls.mail.clone()
    }

    /// Base URL of the order service, without a slash at its end; its webhook is `/hooks/provisioning` below it.
    pub fn orders_url(&self) -> String {
        self.shared.urls.orders.clone()
    }

    /// The ports on which hosts answer; nothing if there are no hosts.
    pub fn host_ports(&self) -> Option<HostPorts> {
        self.host_ports
    }

    /// Base URL of the control plane, without a slash at its end; the approver's page is `/_sim/` below it.
    ///
    /// Each of the servers has the same control plane; this is the one of GitLab.
    pub fn control_url(&self) -> String {
        self.gitlab_url()
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
        Service::Openstack => openstack::router(),
        Service::Mail => mail::router(),
        Service::Orders => orders::router(),
    };
    let watched = axum::middleware::from_fn_with_state((shared.clone(), service), traffic::handle);
    Router::new()
        .merge(api.layer(watched))
        .merge(control::router())
        // Links in results point to pages of the real products; here they point to the only page.
        .fallback(match service {
            Service::Openstack => axum::routing::any(openstack::unknown),
            Service::Mail => axum::routing::any(control::go_to_mailbox),
            _ => axum::routing::any(control::go_to_page),
        })
        .with_state(shared.clone())
}

/// The client with which services of the simulator call the platform.
fn http_client() -> reqwest::Client {
    // The client panics where no cryptography is installed. Somebody else may have installed it, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // What is simulated is on this machine, and the proxies of the environment are not.
    reqwest::Client::builder().no_proxy().build().unwrap_or_default()
}
