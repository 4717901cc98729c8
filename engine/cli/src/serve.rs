//! `rondo serve`: runs the engine on a folder until a signal stops it.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use rondo_definition::{Properties, settings};
use rondo_runtime::{Engine, OpenError, Options, Surroundings};
use tokio::net::TcpListener;

use crate::{
    desk,
    folder::{self, Report},
    logging, memory, signals,
};

/// How long the engine waits for calls in flight when it stops; the next start repeats those that have not ended.
const GRACE: Duration = Duration::from_secs(5);

/// How long the engine waits for open requests when it stops.
const REQUESTS_GRACE: Duration = Duration::from_secs(3);

/// Serve a folder of workflows.
#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    /// The folder: every `*.sw.yaml`, `*.sw.yml` and `*.sw.json` below it is served, and every custom resource (`kind: SonataFlow`).
    #[arg(long, default_value = "workflows", env = "RONDO_WORKFLOWS")]
    workflows: PathBuf,
    /// The database.
    #[arg(long, default_value = "sqlite://.rondo/rondo.db", env = "RONDO_STORE", hide_env_values = true)]
    store: String,
    /// Address to listen at.
    #[arg(long, default_value = "127.0.0.1:8080", env = "RONDO_LISTEN")]
    listen: SocketAddr,
    /// How the log is written.
    #[arg(long, value_enum, default_value = "text", env = "RONDO_LOG_FORMAT")]
    log_format: logging::Format,
}

impl Serve {
    pub(crate) async fn run(self) -> Result<ExitCode, String> {
        logging::start(self.log_format, "info");
        let handles = rondo_handles::raise_limit();
        tracing::info!(
            limit = handles.limit,
            connections = handles.connections,
            calls = handles.calls,
            idle_calls = handles.idle,
            "open files and sockets are divided among clients and calls"
        );
        let listener = TcpListener::bind(self.listen)
            .await
            .map_err(|error| format!("cannot listen at {}: {error}", self.listen))?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let service_url = format!("http://{}", reachable(address));
        let options = Options {
            workflows: self.workflows.clone(),
            store: self.store,
            environment: desk::with_defaults(folder::environment(), &service_url),
            service_url,
        };
        let surroundings = Surroundings { neighbours: Some(desk::neighbours), ..Surroundings::default() };
        let engine = match Engine::open_in(options, surroundings).await {
            Ok(engine) => engine,
            Err(OpenError::Definitions { diagnostics, sources, files, projects }) => {
                let report =
                    Report { diagnostics: &diagnostics, sources: &sources, files, projects: &projects };
                report.print();
                return Err(format!("the workflows in {} cannot be served", self.workflows.display()));
            }
            Err(error) => return Err(error.to_string()),
        };
        let desk = desk::open(&engine)?;
        let beside = desk.map(rondo_provisioning::routes).unwrap_or_default();
        let workflows = engine.workflows().len();
        if is_open_to_others(address, engine.properties()) {
            tracing::warn!(
                %address,
                "everybody who reaches this address can start and end workflows: `rondo.auth.token` asks for a token"
            );
        }
        tracing::info!(%address, workflows, folder = %self.workflows.display(), "ready");
        tokio::spawn(memory::release_free_memory());
        let stopping = tokio::sync::watch::Sender::new(false);
        let (mut stop, mut overdue) = (stopping.subscribe(), stopping.subscribe());
        tokio::spawn(async move {
            signals::stop().await;
            stopping.send_replace(true);
        });
        let stopped = async move {
            // A dropped sender means stop as well.
            let _ = stop.wait_for(|stop| *stop).await;
        };
        // The end does not wait for requests that wait for a slow service or never arrive completely.
        let overdue = async move {
            let _ = overdue.wait_for(|stop| *stop).await;
            tokio::time::sleep(REQUESTS_GRACE).await;
        };
        tokio::select! {
            served = rondo_api::serve_beside(engine.clone(), beside, listener, stopped) => served.map_err(|error| error.to_string())?,
            problem = engine.lost() => {
                engine.stop(Duration::ZERO).await;
                return Err(problem);
            }
            () = overdue => tracing::info!("requests that are still open are cut off"),
        }
        engine.stop(GRACE).await;
        tracing::info!("stopped");
        Ok(ExitCode::SUCCESS)
    }
}

/// Whether other machines may reach the engine without a token.
fn is_open_to_others(address: SocketAddr, properties: &Properties) -> bool {
    let has_tokens = settings::AUTH_TOKEN.tokens(properties).is_ok_and(|tokens| !tokens.is_empty());
    !address.ip().to_canonical().is_loopback() && !has_tokens
}

/// The address in links; clients cannot connect to the unspecified address `0.0.0.0`, so the loopback address replaces it.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            Ipv4Addr::LOCALHOST.into()
        } else {
            Ipv6Addr::LOCALHOST.into()
        });
    }
    address
}

#[cfg(test)]
mod tests {
    use rondo_definition::Environment;

    use super::*;

    #[test]
    fn links_lead_to_an_address_that_can_be_reached() {
        for (address, expected) in [
            ("0.0.0.0:8080", "127.0.0.1:8080"),
            ("[::]:80", "[::1]:80"),
            ("192.168.0.7:8080", "192.168.0.7:8080"),
        ] {
            assert_eq!(reachable(address.parse().unwrap()).to_string(), expected);
        }
    }

    #[test]
    fn an_engine_that_others_reach_without_a_token_is_warned_about() {
        for (address, token, expected) in [
            ("0.0.0.0:8080", None, true),
            ("[::]:8080", None, true),
            ("192.168.0.7:8080", None, true),
            ("0.0.0.0:8080", Some("t"), false),
            ("127.0.0.1:8080", None, false),
            ("127.0.0.2:8080", None, false),
            ("[::1]:8080", None, false),
            ("[::ffff:127.0.0.1]:8080", None, false),
        ] {
            let token = token.map(|token| ("RONDO_AUTH_TOKEN".to_owned(), token.to_owned()));
            let properties = Properties::parse("", "", Environment::from_iter(token)).0;
            assert_eq!(is_open_to_others(address.parse().unwrap(), &properties), expected, "{address}");
        }
    }
}
