//! Tests of the protection from crash loops: an instance that was worked on at several ends of the process is worked on again only if a client
//! asks for it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use crate::support::{Service, WatchedStore};
use rondo_definition::Environment;
use rondo_runtime::{Clock, Engine, InstanceView, Options, Start, Surroundings};
use rondo_store::{State, Store};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
};
use uuid::Uuid;

/// A folder and a database on which engines run one after the other.
struct Processes {
    folder: TempDir,
    store: Arc<WatchedStore>,
    clock: Clock,
}

impl Processes {
    async fn new(workflow: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("flow.sw.yaml"), workflow).unwrap();
        let store = WatchedStore::new(rondo_store::open(&address(folder.path())).await.unwrap());
        Self { folder, store, clock: Clock::manual(crate::support::NOON) }
    }

    async fn begin(&self) -> Engine {
        let options = Options {
            workflows: self.folder.path().to_owned(),
            store: address(self.folder.path()),
            service_url: "http://engine".into(),
            environment: Environment::new(),
        };
        let surroundings = Surroundings {
            clock: self.clock.clone(),
            store: Some(Arc::clone(&self.store) as Arc<dyn Store>),
            computes_here: true,
            ..Surroundings::default()
        };
        Engine::open_in(options, surroundings).await.unwrap()
    }

    /// The file that names the instances that are being worked on.
    fn turns(&self) -> PathBuf {
        self.folder.path().join("rondo.db.turns")
    }

    async fn until_stopped(&self, engine: &Engine, id: Uuid) -> InstanceView {
        let mut commits = self.store.commits();
        loop {
            let view = engine.instance(id).await.unwrap().unwrap();
            if view.state == State::Error {
                return view;
            }
            commits.changed().await.unwrap();
        }
    }
}

fn address(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("rondo.db").display())
}

#[tokio::test]
async fn a_suspect_is_stopped_and_goes_on_when_it_is_asked_to() {
    let processes = Processes::new(crate::support::SLEEPER).await;
    let engine = processes.begin().await;
    let id = engine.start("sleeper", Start::default()).await.unwrap().id;
    engine.stop(Duration::ZERO).await;
    drop(engine);
    // The content of the file after three ends of the process.
    fs::write(processes.turns(), format!("suspect {id} 2\nworking {id}\n")).unwrap();
    let engine = processes.begin().await;
    processes.clock.advance(Duration::from_hours(1));
    let stopped = processes.until_stopped(&engine, id).await;
    let message = stopped.failure.unwrap().message;
    assert!(message.contains("the process ended 3 times"), "{message}");
    assert_eq!(engine.retrigger(id).await.unwrap().state, State::Completed);
}

/// A service that begins an answer of 200 KB to each request and never ends it. The receiver gets a message for each request.
async fn endless_service() -> (String, mpsc::UnboundedReceiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await.unwrap();
            let head =
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 200000\r\n\r\n\"";
            stream.write_all(head.as_bytes()).await.unwrap();
            open.push(stream);
            let _ = sender.send(());
        }
    });
    (url, receiver)
}

#[tokio::test]
async fn a_call_whose_answer_ends_the_process_is_not_made_for_ever() {
    let (url, mut calls) = endless_service().await;
    let processes = Processes::new(&crate::support::CALLER.replace("SERVICE", &url)).await;
    let engine = processes.begin().await;
    let starting = {
        let engine = engine.clone();
        let data = serde_json::json!({"key": "k"}).into();
        tokio::spawn(async move { engine.start("caller", Start { data, ..Start::default() }).await })
    };
    let mut engine = Some(engine);
    for end in 1..=3 {
        calls.recv().await.unwrap();
        // The answer has begun. The engine marks the instance before it reads on.
        let text = loop {
            let text = fs::read_to_string(processes.turns()).unwrap();
            if text.contains("working ") {
                break text;
            }
            tokio::task::yield_now().await;
        };
        let id = text.lines().find_map(|line| line.strip_prefix("working ")).unwrap().trim().to_owned();
        assert!(end == 1 || text.contains(&format!("suspect {id} {}", end - 1)), "{text}");
        engine.take().unwrap().stop(Duration::ZERO).await;
        // Restores the file, as if the process had ended instead of stopping.
        fs::write(processes.turns(), text).unwrap();
        engine = Some(processes.begin().await);
    }
    let engine = engine.unwrap();
    starting.abort();
    let text = fs::read_to_string(processes.turns()).unwrap();
    let id: Uuid = text.split_whitespace().nth(1).unwrap().parse().unwrap();
    let stopped = processes.until_stopped(&engine, id).await;
    assert!(stopped.failure.unwrap().message.contains("the answer of a service"));
    assert!(calls.try_recv().is_err(), "it was not made a fourth time");
}

#[tokio::test]
async fn a_call_that_waits_for_its_answer_is_made_again_however_often_the_process_ends() {
    let service = Service::start().await;
    let processes = Processes::new(&crate::support::CALLER.replace("SERVICE", &service.url)).await;
    let mut engine = Some(processes.begin().await);
    let starting = {
        let engine = engine.clone().unwrap();
        let data = serde_json::json!({"key": "k"}).into();
        tokio::spawn(async move { engine.start("caller", Start { data, ..Start::default() }).await })
    };
    for _ in 1..=5 {
        let call = service.call().await;
        let text = fs::read_to_string(processes.turns()).unwrap();
        assert!(!text.contains("working"), "{text}");
        engine.take().unwrap().stop(Duration::ZERO).await;
        drop(call);
        fs::write(processes.turns(), text).unwrap();
        engine = Some(processes.begin().await);
    }
    starting.abort();
}
