//! An instance whose computation ended the process again and again is not computed again unless somebody asks.

use std::{fs, sync::Arc, time::Duration};

use crate::support::WatchedStore;
use rondo_definition::Environment;
use rondo_runtime::{Clock, Engine, Options, Start, Surroundings};
use rondo_store::{State, Store};

#[tokio::test]
async fn a_suspect_is_stopped_and_goes_on_when_it_is_asked_to() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("sleeper.sw.yaml"), crate::support::SLEEPER).unwrap();
    let database = folder.path().join("data").join("rondo.db");
    let options = Options {
        workflows: folder.path().to_owned(),
        store: format!("sqlite://{}", database.display()),
        service_url: "http://engine".into(),
        environment: Environment::new(),
    };
    let store = WatchedStore::new(rondo_store::open(&options.store).await.unwrap());
    let clock = Clock::manual(crate::support::NOON);
    let surroundings = || Surroundings {
        clock: clock.clone(),
        store: Some(Arc::clone(&store) as Arc<dyn Store>),
        computes_here: true,
    };
    let engine = Engine::open_in(options.clone(), surroundings()).await.unwrap();
    let id = engine.start("sleeper", Start::default()).await.unwrap().id;
    engine.stop(Duration::ZERO).await;
    drop(engine);
    // As three ends of the process leave it.
    fs::write(format!("{}.turns", database.display()), format!("suspect {id} 2\nworking {id}\n")).unwrap();
    let engine = Engine::open_in(options, surroundings()).await.unwrap();
    let mut commits = store.commits();
    clock.advance(Duration::from_hours(1));
    let stopped = loop {
        let view = engine.instance(id).await.unwrap().unwrap();
        if view.state == State::Error {
            break view;
        }
        commits.changed().await.unwrap();
    };
    let message = stopped.failure.unwrap().message;
    assert!(message.contains("the process ended 3 times"), "{message}");
    assert_eq!(engine.retrigger(id).await.unwrap().state, State::Completed);
}
