//! What every demo stands on: an engine with its desk, on an embedded database in a folder of its own.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use rondo_definition::Environment;
use rondo_runtime::{Engine, OpenError, Options, Surroundings};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::{desk, folder::Report};

/// A place where an engine can be opened: its address is known, its folder is there.
pub(super) struct Place {
    listener: TcpListener,
    /// Address of the engine.
    pub(super) url: String,
    /// Removed with everything in it at the end.
    pub(super) scratch: TempDir,
}

/// A running engine.
pub(super) struct Stage {
    engine: Engine,
    serving: JoinHandle<()>,
    stop: watch::Sender<bool>,
    _scratch: TempDir,
}

impl Place {
    /// Listens at an address, or at any other one if another process has that.
    pub(super) async fn find(address: SocketAddr) -> Result<Self, String> {
        let listener = match TcpListener::bind(address).await {
            Ok(listener) => listener,
            Err(_) => TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?,
        };
        let url = format!("http://{}", listener.local_addr().map_err(|error| error.to_string())?);
        let made = tempfile::Builder::new().prefix("rondo-demo-").tempdir();
        let scratch = made.map_err(|error| format!("no temporary folder can be made: {error}"))?;
        Ok(Self { listener, url, scratch })
    }

    /// Where the files of the demo are.
    pub(super) fn folder(&self) -> &Path {
        self.scratch.path()
    }

    /// Opens the engine on a folder of workflows, and the desk if the properties switch it on.
    pub(super) async fn open(
        self,
        workflows: PathBuf,
        environment: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Result<Stage, String> {
        let variables = environment.into_iter().map(|(name, value)| (name.to_owned(), value));
        let options = Options {
            workflows: workflows.clone(),
            store: format!("sqlite://{}", self.folder().join("rondo.db").display()),
            environment: desk::with_defaults(variables.collect::<Environment>(), &self.url),
            service_url: self.url.clone(),
        };
        let surroundings = Surroundings { neighbours: Some(desk::neighbours), ..Surroundings::default() };
        let engine = match Engine::open_in(options, surroundings).await {
            Ok(engine) => engine,
            Err(OpenError::Definitions { diagnostics, sources, files, projects }) => {
                Report { diagnostics: &diagnostics, sources: &sources, files, projects: &projects }.print();
                return Err(format!("the workflows in {} cannot be served", workflows.display()));
            }
            Err(error) => return Err(error.to_string()),
        };
        let desk = desk::open(&engine)?;
        let beside = desk.map(rondo_provisioning::routes).unwrap_or_default();
        let stop = watch::Sender::new(false);
        let mut stopped = stop.subscribe();
        let until = async move {
            // A dropped sender means stop as well.
            let _ = stopped.wait_for(|stop| *stop).await;
        };
        let serve = rondo_api::serve_beside(engine.clone(), beside, self.listener, until);
        let serving = tokio::spawn(async move {
            if let Err(error) = serve.await {
                tracing::error!(%error, "the engine is not served any more");
            }
        });
        Ok(Stage { engine, serving, stop, _scratch: self.scratch })
    }
}

impl Stage {
    /// Stops the engine, and removes its files.
    pub(super) async fn close(self) {
        self.stop.send_replace(true);
        let _ = self.serving.await;
        self.engine.stop(Duration::from_secs(1)).await;
    }
}
