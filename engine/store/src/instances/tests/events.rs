//! Events across the end of a process, the salvage of a file, and many instances.

use rusqlite::Connection;

use super::Folder;
use crate::{
    AcceptEvent, Accepted, Commit, EventWait, Instance, InstanceWaits, OutboxQuery, OutgoingEvent,
    ReceivedEvent, Store, WaitFilter, kit, salvage,
};

fn event(id: &str, order: &str) -> AcceptEvent {
    let event = ReceivedEvent {
        id: id.to_owned(),
        source: "desk".to_owned(),
        event_type: "approved".to_owned(),
        at: 2000,
        attributes: vec![("order".to_owned(), order.to_owned())],
        content: id.as_bytes().to_vec(),
        forget_at: 9000,
        keep_until: 5000,
        ..ReceivedEvent::default()
    };
    AcceptEvent {
        event,
        consumers: vec!["approval".to_owned()],
        max_kept: 9,
        max_bytes: 1 << 40,
        ..AcceptEvent::default()
    }
}

fn wait(order: &str) -> EventWait {
    EventWait {
        event_type: "approved".to_owned(),
        correlation: vec![("order".to_owned(), Some(order.to_owned()))],
        ..EventWait::default()
    }
}

/// An insert of an instance that waits for an order.
fn waiting(number: u8, order: &str) -> Commit {
    let row = Instance { frames: b"\x01[{\"e\":[0]}]".to_vec(), ..kit::instance(number) };
    let waits = vec![InstanceWaits { instance: row.id, waits: vec![wait(order)] }];
    Commit { waits, ..kit::inserting([row]) }
}

async fn contents(store: &dyn Store, number: u8) -> Vec<String> {
    let messages = store.mailbox(kit::id(number), None).await.unwrap();
    let events = messages.into_iter().filter_map(|message| message.event);
    events.map(|event| String::from_utf8(event.content).unwrap()).collect()
}

/// Salvages a database with events of which some rows are lost.
#[tokio::test]
async fn what_is_left_of_events_goes_on_after_a_salvage() {
    let folder = Folder::new();
    let store = crate::open(&folder.url()).await.unwrap();
    store.put_revisions(vec![kit::revision()]).await.unwrap();
    for number in 1..=3 {
        store.commit(waiting(number, &number.to_string())).await.unwrap();
    }
    for (name, order) in [("a", "1"), ("b", "2"), ("c", "8"), ("d", "9")] {
        store.accept_event(event(name, order)).await.unwrap();
    }
    let outgoing = |content: &str| OutgoingEvent {
        instance: kit::id(1),
        channel: "out".to_owned(),
        content: content.as_bytes().to_vec(),
        at: 1,
    };
    let outbox = ["first", "second", "third"].map(outgoing).to_vec();
    store.commit(Commit { outbox, ..Commit::default() }).await.unwrap();
    store.outbox_failed(1, i64::MAX, "refused".to_owned()).await.unwrap();
    store.close().await.unwrap();
    let file = Connection::open(folder.file()).unwrap();
    file.execute_batch(
        "DELETE FROM event WHERE id = 'a';
         DELETE FROM event_content WHERE event IN (SELECT number FROM event WHERE id IN ('b', 'd'));
         DELETE FROM wait_shape;
         DELETE FROM kept_attribute;
         DELETE FROM event_total;
         DELETE FROM outbox WHERE number = 1;",
    )
    .unwrap();
    drop(file);

    let new = folder.path().join("new.db");
    let findings = salvage::salvage(&folder.url(), &new).unwrap();
    assert_eq!((findings.whole, findings.instances.len()), (3, 0));
    let store = crate::open(&format!("sqlite://{}", new.display())).await.unwrap();
    assert_eq!(contents(&*store, 1).await, ["a"]);
    assert_eq!(store.mailbox(kit::id(2), None).await, Ok(Vec::new()), "its content is lost");
    let kept: Vec<_> = store.kept_events(None, 9).await.unwrap().into_iter().map(|kept| kept.id).collect();
    assert_eq!(kept, ["c"]);
    assert_eq!(store.waits(WaitFilter::default(), 9).await, Ok(Vec::new()));
    let due: Vec<_> = store.due(1, None, 9).await.unwrap().into_iter().map(|(_, id)| id).collect();
    assert_eq!(due, [1, 2, 3].map(kit::id), "all say again what they wait for");
    assert_eq!(store.commit(waiting(4, "8")).await.unwrap().mail, [kit::id(4)]);
    let query = OutboxQuery { channel: "out".to_owned(), ..kit::all_to_send() };
    let rows = store.outbox(query).await.unwrap().rows;
    assert_eq!(
        rows.iter().map(|row| row.content.as_slice()).collect::<Vec<_>>(),
        [b"second".as_slice(), b"third"]
    );
    let status = store.outbox_status().await.unwrap();
    assert_eq!((status.rows, status.bytes), (2, 11));
    // Those with a row are recognised, and whatever is used up can be forgotten.
    assert_eq!(store.accept_event(event("b", "2")).await, Ok(Accepted::Seen));
    for number in [1, 4] {
        let message = store.mailbox(kit::id(number), None).await.unwrap()[0].number;
        store.commit(Commit { messages_consumed: vec![message], ..Commit::default() }).await.unwrap();
    }
    assert_eq!(store.forget_events(i64::MAX, 9).await.unwrap().removed, 4);
    store.close().await.unwrap();
    let file = Connection::open(new).unwrap();
    let left = "SELECT (SELECT count(*) FROM event) + (SELECT count(*) FROM event_content) + (SELECT sum(amount) FROM event_total)";
    assert_eq!(file.query_row(left, [], |row| row.get::<_, i64>(0)).unwrap(), 13);
}
