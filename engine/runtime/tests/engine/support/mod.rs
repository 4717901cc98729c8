//! An engine on a manual clock, a database in memory that fails on demand, and a service that answers on demand.
//!
//! Nothing here sleeps: a test waits for a commit, for a call, or for a task to sleep on the clock.

mod service;
mod store;

use std::{fs, sync::Arc, time::Duration};

use rondo_definition::Environment;
use rondo_runtime::{Clock, Engine, InstanceView, Options, Refusal, Start, Surroundings, WaitView};
use rondo_store::{State, Store};
use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) use service::{Call, Service};
pub(crate) use store::{Read, Trouble, WatchedStore};

/// The moment at which the clock of a test stands: 2026-11-29 12:00 UTC.
pub(crate) const NOON: i64 = 1_795_953_600_000;

/// An engine under test.
pub(crate) struct Lab {
    pub(crate) engine: Engine,
    pub(crate) clock: Clock,
    pub(crate) store: Arc<WatchedStore>,
    pub(crate) service: Service,
    folder: Arc<TempDir>,
}

impl Lab {
    /// Serves these workflows. `SERVICE` in a text becomes the address of the service.
    pub(crate) async fn open(workflows: &[&str]) -> Self {
        Self::open_with(workflows, "").await
    }

    /// Serves these workflows with these properties, in which `SERVICE` is the address of the service too.
    pub(crate) async fn open_with(workflows: &[&str], properties: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let service = Service::start().await;
        let folder = TempDir::new().unwrap();
        for (number, text) in workflows.iter().enumerate() {
            let text = text.replace("SERVICE", &service.url);
            fs::write(folder.path().join(format!("{number}.sw.yaml")), text).unwrap();
        }
        let properties = properties.replace("SERVICE", &service.url);
        fs::write(folder.path().join("application.properties"), properties).unwrap();
        let store = WatchedStore::new(rondo_store::open("sqlite::memory:").await.unwrap());
        Self::serve(Arc::new(folder), Clock::manual(NOON), store, service).await
    }

    /// Ends the process at once, and starts another one on the committed data.
    pub(crate) async fn crash(self) -> Self {
        let inner = self.store.cut_off();
        self.engine.stop(Duration::ZERO).await;
        Self::serve(self.folder, self.clock, WatchedStore::new(inner), self.service).await
    }

    /// Ends the process at once, and starts another one on the committed data with other properties.
    pub(crate) async fn crash_into(self, properties: &str) -> Self {
        let properties = properties.replace("SERVICE", &self.service.url);
        fs::write(self.folder.path().join("application.properties"), properties).unwrap();
        self.crash().await
    }

    /// Starts another process on `store`.
    pub(crate) async fn open_on(self, store: Arc<WatchedStore>) -> Self {
        Self::serve(self.folder, self.clock, store, self.service).await
    }

    /// Starts another process that serves the same workflows on the same database.
    pub(crate) async fn beside(&self) -> Self {
        let store = WatchedStore::new(self.store.inner());
        Self::serve(Arc::clone(&self.folder), self.clock.clone(), store, Service::start().await).await
    }

    async fn serve(folder: Arc<TempDir>, clock: Clock, store: Arc<WatchedStore>, service: Service) -> Self {
        let options = Options {
            workflows: folder.path().to_owned(),
            store: "sqlite::memory:".into(),
            service_url: "http://engine".into(),
            environment: Environment::from_iter([("RONDO_SECRET_KEY".to_owned(), "07".repeat(32))]),
        };
        let surroundings = Surroundings {
            clock: clock.clone(),
            store: Some(Arc::clone(&store) as Arc<dyn Store>),
            computes_here: true,
            ..Surroundings::default()
        };
        let engine = Engine::open_in(options, surroundings).await.unwrap();
        Self { engine, clock, store, service, folder }
    }

    /// Starts an instance, and returns when nothing of it is in flight.
    pub(crate) async fn start(&self, workflow: &str, data: Value) -> InstanceView {
        self.engine.start(workflow, Start { data: data.into(), ..Start::default() }).await.unwrap()
    }

    /// Starts an instance in the background.
    pub(crate) fn start_aside(
        &self,
        workflow: &str,
        data: Value,
    ) -> tokio::task::JoinHandle<Result<InstanceView, Refusal>> {
        let (engine, workflow) = (self.engine.clone(), workflow.to_owned());
        tokio::spawn(
            async move { engine.start(&workflow, Start { data: data.into(), ..Start::default() }).await },
        )
    }

    /// Waits until the row of an instance has a state.
    pub(crate) async fn until(&self, id: Uuid, state: State) -> InstanceView {
        let mut commits = self.store.commits();
        loop {
            let view = self.engine.instance(id).await.unwrap().unwrap();
            if view.state == state {
                return view;
            }
            commits.changed().await.unwrap();
        }
    }

    /// Waits until no instance is in memory. No commit tells when an instance leaves it, so this looks again whenever other tasks have run.
    pub(crate) async fn until_idle(&self) {
        while self.engine.active_instances() > 0 {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until only so many instances are in memory.
    pub(crate) async fn until_idle_but(&self, count: usize) {
        while self.engine.active_instances() > count {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until an instance has a wait that `wanted` accepts.
    pub(crate) async fn until_waits(&self, id: Uuid, wanted: impl Fn(&WaitView) -> bool) {
        let mut commits = self.store.commits();
        while !self.engine.waits(id).await.unwrap().iter().any(&wanted) {
            commits.changed().await.unwrap();
        }
    }
}

/// Data as JSON.
pub(crate) fn json(view: &InstanceView) -> Value {
    view.data.clone().into()
}

/// A workflow that calls the service once.
pub(crate) const CALLER: &str = r"
id: caller
version: '1.0'
specVersion: '0.8'
start: Call
functions:
  - name: ask
    type: custom
    operation: rest:get:SERVICE/ask/{key}
states:
  - name: Call
    type: operation
    actions:
      - functionRef:
          refName: ask
          arguments: {key: .key}
    end: true
";

/// A workflow that sleeps for an hour.
pub(crate) const SLEEPER: &str = r"
id: sleeper
version: '1.0'
specVersion: '0.8'
start: Rest
states:
  - name: Rest
    type: sleep
    duration: PT1H
    transition: Wake
  - name: Wake
    type: inject
    data: {woken: true}
    end: true
";
