//! Commits a second, with concurrency groups too, bytes of a sleeping instance, and the time to open a database of them, or an empty one in
//! memory.
//!
//! `cargo run --release -p rondo-store --example commit_speed -- [FOLDER]`; the folder decides which disk is measured, and is the one
//! for temporary files if left out.
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::{
    error::Error,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use rondo_store::{
    Commit, ConcurrencyGroup, Condition, Direction, Field, Filter, History, Instance, PlaceRequest, Query,
    Revision, State, Store, Update, Write,
};
use uuid::Uuid;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const SLEEPING: usize = 100_000;

/// Instances that are started at once and then ended.
const STARTED: usize = 10_000;

/// Keys of these instances, if they are in a concurrency group.
const KEYS: usize = 50;

#[tokio::main]
async fn main() -> Result<()> {
    let folder = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = folder.join(format!("rondo-commit-speed-{}", std::process::id()));
    let measured = measure(&folder).await;
    std::fs::remove_dir_all(&folder)?;
    measured
}

async fn measure(folder: &Path) -> Result<()> {
    for (submitters, commits, history) in
        [(1, 10_000, false), (64, 200_000, false), (1, 10_000, true), (64, 200_000, true)]
    {
        let store = open(folder, &format!("{submitters}-{history}")).await?;
        let started = Instant::now();
        insert(&store, submitters, commits, history).await?;
        let rate = rate(commits, started.elapsed());
        let rows = if history { "instance and history" } else { "instance" };
        println!("{rate:>9.0} commits/s of {rows}, {submitters} submitters");
        store.close().await?;
    }

    for is_grouped in [false, true] {
        let store = open(folder, &format!("grouped-{is_grouped}")).await?;
        let started = Instant::now();
        start_and_end(&store, is_grouped).await?;
        let rate = rate(STARTED, started.elapsed());
        let how =
            if is_grouped { "all at once, 50 keys, 5 of each at once" } else { "all at once, in no group" };
        println!("{rate:>9.0} starts and ends/s of {STARTED} instances, {how}");
        store.close().await?;
    }

    let store = open(folder, "sleeping").await?;
    let ids = insert(&store, 64, SLEEPING, true).await?;
    store.close().await?;
    drop(store);
    let bytes = std::fs::metadata(folder.join("sleeping.db"))?.len();
    println!(
        "{:>9} bytes on disk for each of {SLEEPING} sleeping instances",
        bytes / u64::try_from(SLEEPING)?
    );

    let started = Instant::now();
    let store = rondo_store::open(&url(folder, "sleeping")).await?;
    println!("{:>9.1?} to open them", started.elapsed());
    let started = Instant::now();
    let due = store.due(i64::MAX, None, 4096).await?;
    println!("{:>9.1?} to read {} that are due", started.elapsed(), due.len());
    let started = Instant::now();
    for (_, id) in &due {
        store.instance(*id).await?;
    }
    println!("{:>9.0} reads/s of one instance, one after another", rate(due.len(), started.elapsed()));
    let order = vec![(Field::StartedAt, Direction::Descending)];
    let started = Instant::now();
    store.query(Query { order, limit: Some(21), ..Query::default() }).await?;
    println!("{:>9.1?} for the 21 that started last", started.elapsed());
    let path = ["workflowdata", "number"].map(str::to_owned).to_vec();
    let filter = Filter::Json { path, condition: Condition::Equal("0000077".into()) };
    let started = Instant::now();
    let count = store.count(filter).await?;
    println!("{:>9.1?} to find {count} by its data, among all", started.elapsed());
    let started = Instant::now();
    update(&store, 64, &ids).await?;
    println!(
        "{:>9.0} commits/s of the next turn and history, 64 submitters",
        rate(ids.len(), started.elapsed())
    );
    store.close().await?;

    let started = Instant::now();
    for _ in 0..100 {
        rondo_store::open("sqlite::memory:").await?.close().await?;
    }
    println!("{:>9.1?} to open a database in memory and to close it", started.elapsed() / 100);
    Ok(())
}

async fn open(folder: &Path, name: &str) -> Result<Arc<dyn Store>> {
    let store = rondo_store::open(&url(folder, name)).await?;
    let revision = Revision { digest: "f".repeat(64), workflow: "sleeper".to_owned(), ..Revision::default() };
    store.put_revisions(vec![revision]).await?;
    Ok(store)
}

fn url(folder: &Path, name: &str) -> String {
    format!("sqlite://{}/{name}.db", folder.display())
}

/// Inserts sleeping instances with 1 KiB of data. Each submitter waits for its commit before it makes the next.
///
/// Gives their ids.
async fn insert(
    store: &Arc<dyn Store>,
    submitters: usize,
    commits: usize,
    history: bool,
) -> Result<Vec<Uuid>> {
    let mut tasks = Vec::new();
    for submitter in 0..submitters {
        let store = Arc::clone(store);
        tasks.push(tokio::spawn(async move {
            let mut ids = Vec::new();
            for number in (submitter..commits).step_by(submitters) {
                let (instance, line) = sleeping(number);
                ids.push(instance.id);
                let history = if history { vec![line] } else { Vec::new() };
                store
                    .commit(Commit { writes: vec![Write::Insert(instance)], history, ..Commit::default() })
                    .await?;
            }
            Ok::<_, rondo_store::CommitError>(ids)
        }));
    }
    let mut ids = Vec::new();
    for task in tasks {
        ids.extend(task.await??);
    }
    Ok(ids)
}

/// Starts instances, of a concurrency group or of none, and ends each as soon as it runs; 64 at once.
async fn start_and_end(store: &Arc<dyn Store>, is_grouped: bool) -> Result<()> {
    let group = "tenants".to_owned();
    store.put_concurrency_groups(vec![ConcurrencyGroup { name: group.clone(), limit: 5 }]).await?;
    let mut running = Vec::new();
    for first in (0..STARTED).step_by(64) {
        let starts = (first..STARTED.min(first + 64)).map(|number| {
            let (row, _) = sleeping(number);
            let place =
                PlaceRequest { instance: row.id, group: group.clone(), key: (number % KEYS).to_string() };
            let places = if is_grouped { vec![place] } else { Vec::new() };
            running.push((row.id, row.turn));
            store.commit(Commit { writes: vec![Write::Insert(row)], places, ..Commit::default() })
        });
        let starts: Vec<_> = starts.collect();
        for start in starts {
            let waiting = start.await?.waiting;
            if let Some(place) = running.iter().rposition(|(id, _)| waiting.contains(id)) {
                running.swap_remove(place);
            }
        }
    }
    let mut ended = 0;
    while !running.is_empty() {
        let batch = running.split_off(running.len().saturating_sub(64));
        let ends: Vec<_> = batch
            .into_iter()
            .map(|(id, turn)| {
                let row = Instance {
                    id,
                    turn: turn + 1,
                    ended_at: Some(1),
                    state: State::Completed,
                    ..sleeping(0).0
                };
                let writes = vec![Write::Update(Update::of_row(row, turn))];
                store.commit(Commit { writes, ..Commit::default() })
            })
            .collect();
        ended += ends.len();
        for end in ends {
            running.extend(end.await?.admitted.into_iter().map(|id| (id, 2)));
        }
    }
    assert_eq!(ended, STARTED, "each has run");
    Ok(())
}

/// Takes instances to their next turn, with other data of the same size.
async fn update(store: &Arc<dyn Store>, submitters: usize, ids: &[Uuid]) -> Result<()> {
    let mut tasks = Vec::new();
    for own in ids.chunks(ids.len().div_ceil(submitters)) {
        let (store, own) = (Arc::clone(store), own.to_vec());
        tasks.push(tokio::spawn(async move {
            for (number, id) in own.into_iter().enumerate() {
                let (instance, line) = sleeping(number);
                let write = Write::Update(Update::of_row(Instance { id, turn: 2, ..instance }, 1));
                let history = vec![History { instance: id, turn: 2, ..line }];
                store.commit(Commit { writes: vec![write], history, ..Commit::default() }).await?;
            }
            Ok::<_, rondo_store::CommitError>(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    Ok(())
}

fn sleeping(number: usize) -> (Instance, History) {
    let at = 1_764_000_000_000 + i64::try_from(number).unwrap_or_default();
    let id = Uuid::now_v7();
    let instance = Instance {
        id,
        revision: "f".repeat(64),
        started_at: at,
        updated_at: at,
        wake_at: Some(at + 86_400_000),
        turn: 1,
        data: format!(r#"{{"number":"{number:07}","text":"{}"}}"#, "x".repeat(996)),
        frames: vec![7; 48],
        ..Instance::default()
    };
    let facts = r#"[{"f":"started"},{"f":"entered","v":1,"state":"WaitForApproval","kind":"sleep"},{"f":"timer","v":1}]"#;
    let line = History { instance: id, turn: 1, at, facts: facts.to_owned() };
    (instance, line)
}

#[allow(clippy::cast_precision_loss, reason = "for people")]
fn rate(count: usize, taken: Duration) -> f64 {
    count as f64 / taken.as_secs_f64()
}
