//! The file: who may open it, what survives, how large it is.

use std::fs;

use rusqlite::Connection;

use super::{Folder, in_a_file};
use crate::{CommitError, Database, INSTANCES, Instance, OpenError, StoreError, kit, store_in};

#[tokio::test]
async fn what_was_committed_is_there_after_opening_again() {
    let (folder, store) = in_a_file().await;
    kit::insert(&store, [kit::instance(1)]).await;
    store.close().await.unwrap();
    let log = fs::metadata(folder.path().join("rondo.db-wal")).map_or(0, |log| log.len());
    assert_eq!(log, 0, "closing copies the log into the file");

    let store = crate::open(&folder.url()).await.unwrap();
    assert_eq!(store.instance(kit::id(1)).await, Ok(Some(kit::instance(1))));
    assert!(store.revision(kit::REVISION).await.unwrap().is_some());
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_second_one_is_kept_away_until_the_first_has_closed() {
    let (folder, store) = in_a_file().await;
    let Err(OpenError::InUse { process, .. }) = crate::open(&folder.url()).await else {
        panic!("opened twice")
    };
    assert_eq!(process, Some(std::process::id()));
    store.close().await.unwrap();
    crate::open(&folder.url()).await.unwrap().close().await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_but_the_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, store) = in_a_file().await;
    kit::insert(&store, [kit::instance(1)]).await;
    let files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap()).collect();
    assert!(files.iter().any(|file| file.file_name() == "rondo.db-wal"));
    for file in files {
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?} has mode {mode:o}", file.file_name());
    }
    store.close().await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn files_that_others_could_read_are_closed_to_them() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, store) = in_a_file().await;
    kit::insert(&store, [kit::instance(1)]).await;
    let copy = Folder::new();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let to = copy.path().join(entry.file_name());
        fs::copy(entry.path(), &to).unwrap();
        fs::set_permissions(to, fs::Permissions::from_mode(0o644)).unwrap();
    }
    store.close().await.unwrap();
    let store = crate::open(&copy.url()).await.unwrap();
    assert_eq!(store.instance(kit::id(1)).await, Ok(Some(kit::instance(1))));
    let files: Vec<_> = fs::read_dir(copy.path()).unwrap().map(Result::unwrap).collect();
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?} has mode {mode:o}", file.file_name());
    }
    store.close().await.unwrap();
}

#[tokio::test]
async fn the_folder_of_the_file_is_made() {
    let folder = Folder::new();
    let store = crate::open(&format!("sqlite://{}/a/b/rondo.db", folder.path().display())).await.unwrap();
    store.close().await.unwrap();
    assert!(folder.path().join("a/b/rondo.db").is_file());
}

#[tokio::test]
async fn files_of_others_are_refused_and_left_as_they_are() {
    let folder = Folder::new();
    let file = folder.file();
    let cases: [(&str, fn(&Connection) -> rusqlite::Result<()>); 3] = [
        (
            "database `FILE` was written by a newer version (its schema of `migration` is number 999, this version \
             knows up to 2): use that version again, or a backup",
            |file| file.execute_batch("PRAGMA application_id = 0x526f6e64; PRAGMA user_version = 999"),
        ),
        ("`FILE` is the database of another program", |file| {
            file.execute_batch("CREATE TABLE bookmark (url TEXT)")
        }),
        ("`FILE` is the database of another program", |file| file.execute_batch("PRAGMA user_version = 3")),
    ];
    for (refusal, make) in cases {
        make(&Connection::open(&file).unwrap()).unwrap();
        let before = fs::read(&file).unwrap();
        let error = crate::open(&folder.url()).await.unwrap_err().to_string();
        assert_eq!(error.replace(&file.display().to_string(), "FILE"), refusal);
        assert_eq!(fs::read(&file).unwrap(), before, "{refusal}");
        fs::remove_file(&file).unwrap();
    }
    fs::write(&file, "not a database, but long enough to be looked at as if it were one").unwrap();
    let error = crate::open(&folder.url()).await.unwrap_err().to_string();
    assert!(error.ends_with("cannot be opened: file is not a database"), "{error}");
}

#[tokio::test]
async fn a_full_disk_is_answered_and_the_store_goes_on_when_there_is_room() {
    let folder = Folder::new();
    let database = Database::open(&folder.url(), &[INSTANCES]).await.unwrap();
    let store = store_in(database.clone());
    store.put_revisions(vec![kit::revision()]).await.unwrap();
    database.on_writer(|file| file.query_row("PRAGMA max_page_count = 1", [], |_| Ok(()))).await.unwrap();
    let large = Instance { data: format!(r#""{}""#, "x".repeat(1_000_000)), ..kit::instance(1) };
    // Both are gathered into one transaction, and are answered the same.
    let (go_on, waits) = std::sync::mpsc::channel::<()>();
    let paused = database.on_writer(move |_| Ok(waits.recv()));
    let answers: Vec<_> = [large.clone(), kit::instance(2)]
        .into_iter()
        .map(|row| store.commit(kit::inserting([row])))
        .collect();
    drop(go_on);
    paused.await.unwrap().unwrap_err();
    let mut answered = Vec::new();
    for answer in answers {
        answered.push(answer.await);
    }
    assert_eq!(answered, [(); 2].map(|()| Err(CommitError::Store(StoreError::Full))));
    assert_eq!(store.health(), Err(StoreError::Full));
    assert_eq!(store.instance(kit::id(1)).await, Ok(None));

    database
        .on_writer(|file| file.query_row("PRAGMA max_page_count = 1000000", [], |_| Ok(())))
        .await
        .unwrap();
    store.commit(kit::inserting([large.clone()])).await.unwrap();
    assert_eq!(store.health(), Ok(()));
    assert_eq!(store.instance(kit::id(1)).await, Ok(Some(large)));
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_disk_with_room_again_is_noticed_although_nobody_commits() {
    let folder = Folder::new();
    let database = Database::open(&folder.url(), &[INSTANCES]).await.unwrap();
    let store = store_in(database.clone());
    store.put_revisions(vec![kit::revision()]).await.unwrap();
    database.on_writer(|file| file.query_row("PRAGMA max_page_count = 1", [], |_| Ok(()))).await.unwrap();
    let large = Instance { data: format!(r#""{}""#, "x".repeat(1_000_000)), ..kit::instance(1) };
    store.commit(kit::inserting([large])).await.unwrap_err();
    assert_eq!(store.health(), Err(StoreError::Full));
    // What is tried needs no more pages.
    database.recovered().await;
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_sleeping_instance_costs_little_more_than_its_data() {
    const COUNT: u64 = 4000;
    let (folder, store) = in_a_file().await;
    store.put_revisions(vec![kit::revision()]).await.unwrap();
    let commits = (0..COUNT).map(|number| {
        let id = uuid::Uuid::now_v7();
        let sleeping = Instance {
            id,
            wake_at: Some(1_764_000_000_000),
            started_at: 1_764_000_000_000,
            updated_at: 1_764_000_000_000,
            data: format!(r#"{{"n":"{number:01016}"}}"#),
            frames: vec![0; 48],
            ..kit::instance(0)
        };
        let mut commit = kit::inserting([sleeping]);
        let facts = r#"[{"f":"started"},{"f":"entered","v":1,"state":"Wait","kind":"sleep"}]"#.to_owned();
        commit.history.push(crate::History { instance: id, turn: 1, at: 1_764_000_000_000, facts });
        store.commit(commit)
    });
    for answer in commits.collect::<Vec<_>>() {
        answer.await.unwrap();
    }
    store.close().await.unwrap();
    let bytes = fs::metadata(folder.file()).unwrap().len() / COUNT;
    assert!((1024..1600).contains(&bytes), "{bytes} bytes for 1024 bytes of data");
}

#[tokio::test]
async fn a_file_that_is_deleted_or_replaced_is_noticed_and_nothing_is_answered_as_written() {
    let cases: [fn(&Folder); 4] = [
        |folder| fs::remove_file(folder.file()).unwrap(),
        |folder| fs::rename(folder.file(), folder.path().join("elsewhere")).unwrap(),
        |folder| {
            fs::write(folder.path().join("new"), "")
                .and_then(|()| fs::rename(folder.path().join("new"), folder.file()))
                .unwrap();
        },
        |folder| fs::remove_file(folder.path().join("rondo.db-wal")).unwrap(),
    ];
    for (number, lose) in (1..).zip(cases) {
        let (folder, store) = in_a_file().await;
        kit::insert(&store, [kit::instance(1)]).await;
        lose(&folder);
        if number % 2 == 0 {
            // Nobody writes.
            assert!(matches!(store.lost().await, StoreError::Lost(_)));
        }
        let refused = store.commit(kit::inserting([kit::instance(2)])).await;
        let Err(CommitError::Store(StoreError::Lost(problem))) = refused else {
            panic!("{number}: {refused:?}")
        };
        assert!(problem.contains("was deleted or replaced"), "{problem}");
        assert!(matches!(store.lost().await, StoreError::Lost(_)));
        let _ = store.close().await;
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn deleting_the_lock_file_lets_no_second_one_in() {
    let (folder, store) = in_a_file().await;
    fs::remove_file(folder.path().join("rondo.db.lock")).unwrap();
    assert!(matches!(crate::open(&folder.url()).await, Err(OpenError::InUse { .. })));
    store.close().await.unwrap();
    crate::open(&folder.url()).await.unwrap().close().await.unwrap();
}
