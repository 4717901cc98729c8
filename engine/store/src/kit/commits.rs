//! Promises of writing.

use std::sync::Arc;

use super::{id, insert, inserting, instance, line, revision, updating};
use crate::{Commit, CommitError, Instance, Message, State, Store, StoreError, Update, Write};

/// Every column comes back, empty ones too.
pub async fn a_row_is_read_as_it_was_written(store: &Arc<dyn Store>) {
    let full = Instance {
        state: State::Error,
        business_key: Some("order 7".to_owned()),
        reference_id: Some(String::new()),
        parent: Some(id(1)),
        root: Some(id(1)),
        root_workflow: Some("family".to_owned()),
        ended_at: Some(-1),
        wake_at: Some(i64::MAX),
        busy: true,
        turn: 7,
        data: r#"{"text":"ä \u0000 😀"}"#.to_owned(),
        input: Some("{}".to_owned()),
        extra: Some(r#"{"initiatorEntity":"user:default/x"}"#.to_owned()),
        frames: vec![0, 1, 255],
        sealed: Some(Vec::new()),
        error: Some(r#"{"message":"no"}"#.to_owned()),
        ..instance(2)
    };
    insert(store, [full.clone(), instance(1)]).await;
    assert_eq!(store.instance(id(2)).await, Ok(Some(full.clone())));
    assert_eq!(store.instance(id(1)).await, Ok(Some(instance(1))));
    assert_eq!(store.instance(id(3)).await, Ok(None));
    let several = store.instances(vec![id(2), id(3), id(1)]).await;
    assert_eq!(several, Ok(vec![full, instance(1)]));
}

/// The fence of an update.
pub async fn an_update_needs_the_turn_it_was_computed_from(store: &Arc<dyn Store>) {
    insert(store, [instance(1)]).await;
    store.commit(updating(instance(1))).await.unwrap();
    let late = store.commit(updating(instance(1))).await;
    assert_eq!(late, Err(CommitError::Fenced { instance: id(1), expected: Some(1), found: Some(2) }));
    let unknown = store.commit(updating(instance(2))).await;
    assert_eq!(unknown, Err(CommitError::Fenced { instance: id(2), expected: Some(1), found: None }));
}

/// The fence of an insert.
pub async fn an_insert_needs_an_id_that_is_free(store: &Arc<dyn Store>) {
    insert(store, [instance(1)]).await;
    let again = store.commit(inserting([instance(1)])).await;
    assert_eq!(again, Err(CommitError::Fenced { instance: id(1), expected: None, found: Some(1) }));
}

/// All or nothing, whatever else the commit would have written.
pub async fn a_refused_commit_writes_nothing(store: &Arc<dyn Store>) {
    insert(store, [instance(1), instance(2)]).await;
    let message = Message { to: id(1), payload: b"first".to_vec() };
    store.commit(Commit { messages: vec![message.clone()], ..Commit::default() }).await.unwrap();
    let mailbox = store.mailbox(id(1), None).await.unwrap();

    let mut commit = inserting([instance(3)]);
    commit.writes.extend(updating(instance(1)).writes);
    commit.writes.extend(updating(Instance { turn: 5, ..instance(2) }).writes);
    commit.history = vec![line(1, 2, "[]")];
    commit.messages = vec![message];
    commit.messages_consumed = mailbox.iter().map(|message| message.number).collect();
    let refused = store.commit(commit).await;
    assert_eq!(refused, Err(CommitError::Fenced { instance: id(2), expected: Some(5), found: Some(1) }));

    assert_eq!(store.instance(id(3)).await, Ok(None));
    assert_eq!(store.instance(id(1)).await, Ok(Some(instance(1))));
    assert_eq!(store.history(id(1)).await, Ok(Vec::new()));
    assert_eq!(store.mailbox(id(1), None).await, Ok(mailbox));
}

/// A refused commit does not touch those that are written with it.
pub async fn commits_at_the_same_time_fail_each_by_itself(store: &Arc<dyn Store>) {
    insert(store, [instance(0)]).await;
    let commits = (1..=200_u8).map(|number| match number % 3 {
        // Its own row would be fine; the fence of the other refuses both.
        0 => {
            let mut commit = inserting([instance(number)]);
            commit.writes.extend(updating(Instance { turn: 9, ..instance(0) }).writes);
            commit
        }
        _ => inserting([instance(number)]),
    });
    let answers: Vec<_> = commits.map(|commit| store.commit(commit)).collect();
    for (number, answer) in (1..).zip(answers) {
        let refused = answer.await.is_err();
        assert_eq!(refused, number % 3 == 0, "commit {number}");
        assert_eq!(store.instance(id(number)).await.unwrap().is_none(), refused, "instance {number}");
    }
}

/// A commit that breaks a rule of the database fails, and no other does.
pub async fn a_commit_that_cannot_be_written_fails_alone(store: &Arc<dyn Store>) {
    insert(store, [instance(0)]).await;
    let answers: Vec<_> = (1..=20)
        .map(|number| {
            let mut commit = inserting([instance(number)]);
            let lines = if number % 7 == 0 { 2 } else { 1 };
            commit.history = vec![line(number, 1, "[]"); lines];
            store.commit(commit)
        })
        .collect();
    for (number, answer) in (1..).zip(answers) {
        let answer = answer.await;
        assert_eq!(
            matches!(answer, Err(CommitError::Store(_))),
            number % 7 == 0,
            "commit {number}: {answer:?}"
        );
        assert_eq!(store.instance(id(number)).await.unwrap().is_some(), answer.is_ok(), "instance {number}");
    }
}

/// An update changes the columns that may change, and no others.
pub async fn what_is_fixed_by_the_insert_stays(store: &Arc<dyn Store>) {
    insert(store, [Instance { business_key: Some("a".to_owned()), ..instance(1) }]).await;
    let changed = Instance {
        state: State::Completed,
        ended_at: Some(9),
        updated_at: 9,
        wake_at: Some(9),
        busy: true,
        turn: 2,
        data: "{}".to_owned(),
        input: Some("{}".to_owned()),
        frames: vec![9],
        sealed: Some(vec![9]),
        error: Some("{}".to_owned()),
        business_key: Some("a".to_owned()),
        ..instance(1)
    };
    let instance = Instance {
        revision: "other".to_owned(),
        business_key: None,
        reference_id: Some("b".to_owned()),
        parent: Some(id(7)),
        root: Some(id(7)),
        root_workflow: Some("c".to_owned()),
        started_at: 0,
        extra: Some("{}".to_owned()),
        ..changed.clone()
    };
    let writes = vec![Write::Update(Update::of_row(instance, 1))];
    store.commit(Commit { writes, ..Commit::default() }).await.unwrap();
    assert_eq!(store.instance(id(1)).await, Ok(Some(changed)));
}

/// No instance without its definition.
pub async fn an_instance_needs_a_stored_revision(store: &Arc<dyn Store>) {
    let refused = store.commit(inserting([instance(1)])).await;
    assert_eq!(refused, Err(CommitError::UnknownRevision { instance: id(1), revision: revision().digest }));
    assert_eq!(store.instance(id(1)).await, Ok(None));
}

/// After closing, every question gets the same answer.
pub async fn a_closed_store_says_so(store: &Arc<dyn Store>) {
    insert(store, [instance(1)]).await;
    assert_eq!(store.close().await, Ok(()));
    assert_eq!(store.instance(id(1)).await, Err(StoreError::Closed));
    assert_eq!(store.mailboxes().await, Err(StoreError::Closed));
    assert_eq!(store.commit(updating(instance(1))).await, Err(CommitError::Store(StoreError::Closed)));
    assert_eq!(store.put_revisions(Vec::new()).await, Err(StoreError::Closed));
    assert_eq!(store.close().await, Err(StoreError::Closed));
}
