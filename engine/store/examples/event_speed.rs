//! Events a second that find their one instance among many that wait, and time of an event that nobody wants.
//!
//! `cargo run --release -p rondo-store --example event_speed -- [FOLDER]`; the folder decides which disk is measured, and is the one for
//! temporary files if left out.
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::{error::Error, path::PathBuf, sync::Arc, time::Instant};

use rondo_store::{
    AcceptEvent, Accepted, Commit, EventWait, Instance, InstanceWaits, ReceivedEvent, Revision, Store, Write,
};
use uuid::Uuid;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const WAITING: usize = 100_000;

#[tokio::main]
async fn main() -> Result<()> {
    let folder = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = folder.join(format!("rondo-event-speed-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let store = rondo_store::open(&format!("sqlite://{}/events.db", folder.display())).await?;
    let measured = measure(&store).await;
    store.close().await?;
    std::fs::remove_dir_all(&folder)?;
    measured
}

async fn measure(store: &Arc<dyn Store>) -> Result<()> {
    let (digest, workflow) = ("r".to_owned(), "approval".to_owned());
    store.put_revisions(vec![Revision { digest, workflow, ..Revision::default() }]).await?;
    let answers: Vec<_> = (0..WAITING).map(|number| store.commit(waiting(number))).collect();
    for answer in answers {
        answer.await?;
    }
    for (submitters, count) in [(1, 1_000), (64, 20_000)] {
        let started = Instant::now();
        for first in (0..count).step_by(submitters) {
            // Numbers far apart, so that neighbours do not share their pages.
            let numbers = (first..count.min(first + submitters)).map(|number| number * 7919 % WAITING);
            let events =
                numbers.map(|number| store.accept_event(event(number, &format!("{submitters}-{number}"))));
            for answer in events.collect::<Vec<_>>() {
                let accepted = answer.await?;
                assert!(matches!(&accepted, Accepted::Taken { delivered, .. } if delivered.len() == 1));
            }
        }
        let each = started.elapsed() / u32::try_from(count)?;
        println!("{each:>9.1?} for each event, {submitters} at a time, among {WAITING} waiting instances");
    }
    let started = Instant::now();
    for number in 0..1_000 {
        let mut unwanted = event(number, "unwanted");
        "unknown".clone_into(&mut unwanted.event.event_type);
        store.accept_event(unwanted).await?;
    }
    println!("{:>9.1?} for each event that nobody wants", started.elapsed() / 1_000);
    Ok(())
}

/// An insert of an instance that waits for its order.
fn waiting(number: usize) -> Commit {
    let id = Uuid::now_v7();
    let row =
        Instance { id, revision: "r".to_owned(), turn: 1, data: "{}".to_owned(), ..Instance::default() };
    let wait = EventWait {
        event: "Approved".to_owned(),
        event_type: "approved".to_owned(),
        correlation: vec![("order".to_owned(), Some(number.to_string()))],
        ..EventWait::default()
    };
    let waits = vec![InstanceWaits { instance: id, waits: vec![wait] }];
    Commit { writes: vec![Write::Insert(row)], waits, ..Commit::default() }
}

fn event(number: usize, id: &str) -> AcceptEvent {
    let event = ReceivedEvent {
        id: id.to_owned(),
        source: "desk".to_owned(),
        event_type: "approved".to_owned(),
        attributes: vec![("order".to_owned(), number.to_string())],
        content: vec![b'x'; 500],
        ..ReceivedEvent::default()
    };
    AcceptEvent { event, max_kept: 100, max_bytes: 1 << 40, ..AcceptEvent::default() }
}
