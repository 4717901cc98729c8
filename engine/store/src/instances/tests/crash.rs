//! What was answered survives the end of the process, whenever it comes.

use std::{
    collections::HashSet,
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    sync::Arc,
};

use uuid::Uuid;

use super::Folder;
use crate::{
    AcceptEvent, Accepted, EventStart, EventWait, Filter, History, Instance, InstanceWaits, OutboxQuery,
    OutgoingEvent, PartWrite, ReceivedEvent, Store, WaitFilter, kit,
};

/// Tells [`commit_until_the_end`] in a child process where to commit, and by how many at a time.
const URL: &str = "RONDO_STORE_CRASH_URL";
const SUBMITTERS: &str = "RONDO_STORE_CRASH_SUBMITTERS";

/// Not a test by itself: the process that is killed. It prints what was answered.
#[tokio::test]
async fn commit_until_the_end() {
    let Ok(url) = std::env::var(URL) else { return };
    let submitters: usize = std::env::var(SUBMITTERS).unwrap().parse().unwrap();
    let store = crate::open(&url).await.unwrap();
    store.put_revisions(vec![kit::revision()]).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..submitters {
        tasks.spawn(commit_on_and_on(Arc::clone(&store)));
    }
    tasks.join_all().await;
}

async fn commit_on_and_on(store: Arc<dyn Store>) {
    loop {
        let row = Instance { id: Uuid::now_v7(), ..kit::instance(0) };
        let id = row.id;
        let mut commit = kit::inserting([row]);
        let part = |key: &str| PartWrite::Put { instance: id, key: key.to_owned(), content: vec![7; 10_000] };
        commit.parts = vec![part("a"), part("b")];
        commit.history.push(History { instance: id, turn: 1, at: 1, facts: "[]".to_owned() });
        store.commit(commit).await.unwrap();
        // Written as one piece, so that a killed process leaves no half line but the last.
        std::io::stdout().write_all(format!("answered {id}\n").as_bytes()).unwrap();
    }
}

/// Not a test by itself: the process that is killed while events come in, start instances, and go out. It prints the ids of the events that
/// were accepted.
#[tokio::test]
async fn accept_until_the_end() {
    let Ok(url) = std::env::var(URL) else { return };
    let submitters: usize = std::env::var(SUBMITTERS).unwrap().parse().unwrap();
    let store = crate::open(&url).await.unwrap();
    store.put_revisions(vec![kit::revision()]).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..submitters {
        tasks.spawn(accept_on_and_on(Arc::clone(&store)));
    }
    tasks.join_all().await;
}

/// An event that starts the instance of its id.
fn starting(id: Uuid) -> AcceptEvent {
    let row = Instance { id, ..kit::instance(0) };
    let event = ReceivedEvent {
        id: id.to_string(),
        source: "desk".to_owned(),
        event_type: "ordered".to_owned(),
        content: vec![7; 10_000],
        forget_at: i64::MAX,
        ..ReceivedEvent::default()
    };
    let starts = vec![EventStart { workflow: "approval".to_owned(), row, ..EventStart::default() }];
    AcceptEvent { event, starts, ..AcceptEvent::default() }
}

async fn accept_on_and_on(store: Arc<dyn Store>) {
    loop {
        let id = Uuid::now_v7();
        let accepted = store.accept_event(starting(id)).await;
        assert_eq!(
            accepted,
            Ok(Accepted::Taken { delivered: Vec::new(), started: vec![id], waiting: Vec::new() })
        );
        std::io::stdout().write_all(format!("answered {id}\n").as_bytes()).unwrap();
        let mut commit = kit::updating(Instance { id, ..kit::instance(0) });
        commit.messages_consumed = vec![store.mailbox(id, None).await.unwrap()[0].number];
        let wait = EventWait { event_type: "approved".to_owned(), ..EventWait::default() };
        commit.waits = vec![InstanceWaits { instance: id, waits: vec![wait] }];
        commit.outbox =
            vec![OutgoingEvent { instance: id, channel: "out".to_owned(), content: vec![1], at: 1 }];
        store.commit(commit).await.unwrap();
    }
}

/// What was accepted is there after a crash: the event waits in the mailbox, or its turn has used it, sent another, and waits for the next.
async fn events_survive(folder: &Folder, answered: &HashSet<Uuid>) {
    let store = crate::open(&folder.url()).await.unwrap();
    let query = OutboxQuery { channel: "out".to_owned(), ..kit::all_to_send() };
    let sent: HashSet<Uuid> =
        store.outbox(query).await.unwrap().rows.iter().map(|row| row.instance).collect();
    assert_eq!(store.outbox_status().await.unwrap().rows, sent.len() as u64);
    let rows = store.query(crate::Query::default()).await.unwrap();
    let there: HashSet<Uuid> = rows.iter().map(|row| row.id).collect();
    assert!(there.is_superset(answered));
    for row in rows {
        let filter = WaitFilter { instance: Some(row.id), event_type: None };
        let waits = store.waits(filter, 9).await.unwrap().len();
        let has_sent = sent.contains(&row.id);
        let mail = store.mailbox(row.id, None).await.unwrap();
        assert_eq!((row.turn, mail.len(), waits), if has_sent { (2, 0, 1) } else { (1, 1, 0) });
        assert_eq!(store.accept_event(starting(row.id)).await, Ok(Accepted::Seen));
    }
    store.close().await.unwrap();
}

#[tokio::test]
async fn accepted_events_survive_being_killed() {
    for enough in [1, 500] {
        let folder = Folder::new();
        let mut child = spawn_test("accept_until_the_end", &folder, "8", "");
        let answered = answered(&mut child, enough);
        assert!(answered.len() >= enough);
        events_survive(&folder, &answered).await;
    }
}

#[cfg(feature = "failpoints")]
#[tokio::test]
async fn a_crash_around_any_transaction_of_events_leaves_them_whole() {
    for place in 1..=6 {
        for failpoint in ["commit-before", "commit-after"] {
            let folder = Folder::new();
            let failpoint = format!("{failpoint}@{place}");
            let mut child = spawn_test("accept_until_the_end", &folder, "1", &failpoint);
            let answered = answered(&mut child, usize::MAX);
            events_survive(&folder, &answered).await;
        }
    }
}

fn spawn(folder: &Folder, submitters: &str, failpoints: &str) -> Child {
    spawn_test("commit_until_the_end", folder, submitters, failpoints)
}

fn spawn_test(test: &str, folder: &Folder, submitters: &str, failpoints: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("instances::tests::crash::{test}"), "--nocapture"])
        .env(URL, folder.url())
        .env(SUBMITTERS, submitters)
        .env("RONDO_FAILPOINTS", failpoints)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The ids that a child printed. After `enough` of them it is killed.
fn answered(child: &mut Child, enough: usize) -> HashSet<Uuid> {
    let mut answered = HashSet::new();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.map_while(Result::ok) {
        let id = line.split_once("answered ").and_then(|(_, id)| Uuid::try_parse(id).ok());
        answered.extend(id);
        if answered.len() == enough {
            // SIGKILL; what is in the pipe is read on.
            child.kill().unwrap();
        }
    }
    assert!(!child.wait().unwrap().success());
    answered
}

/// How many instances there are after a crash; those that were answered are among them, and none is there by half.
async fn survivors(folder: &Folder, answered: &HashSet<Uuid>) -> u64 {
    let store = crate::open(&folder.url()).await.unwrap();
    for id in answered {
        assert!(store.instance(*id).await.unwrap().is_some(), "{id} was answered and is lost");
    }
    for row in store.query(crate::Query::default()).await.unwrap() {
        assert_eq!(store.history(row.id).await.unwrap().len(), 1, "{} is there by half", row.id);
        assert_eq!(store.parts(row.id).await.unwrap().len(), 2, "{} is there by half", row.id);
    }
    let count = store.count(Filter::all()).await.unwrap();
    store.close().await.unwrap();
    count
}

#[tokio::test]
async fn what_was_answered_survives_being_killed() {
    for enough in [1, 300, 3000] {
        let folder = Folder::new();
        let mut child = spawn(&folder, "16", "");
        let answered = answered(&mut child, enough);
        assert!(answered.len() >= enough);
        survivors(&folder, &answered).await;
    }
}

#[cfg(feature = "failpoints")]
#[tokio::test]
async fn a_crash_before_the_commit_loses_it_and_one_after_keeps_it() {
    for (failpoints, written) in [("commit-before@20", 19), ("commit-after@20", 20)] {
        let folder = Folder::new();
        let mut child = spawn(&folder, "1", failpoints);
        let answered = answered(&mut child, usize::MAX);
        assert_eq!(answered.len(), 19, "{failpoints}");
        assert_eq!(survivors(&folder, &answered).await, written, "{failpoints}");
    }
}
