//! How much a turn writes: bytes of the write-ahead log, which do not depend on the machine.

use std::{fs, sync::Arc};

use super::Folder;
use crate::{Change, Commit, Database, INSTANCES, Instance, PartWrite, Store, Update, Write, kit, store_in};

/// An instance whose turns are written one after another.
struct Loop {
    folder: Folder,
    store: Arc<dyn Store>,
    row: Instance,
}

impl Loop {
    async fn start(data: usize) -> Self {
        let folder = Folder::new();
        let database = Database::open(&folder.url(), &[INSTANCES]).await.unwrap();
        // So that the log only grows.
        database.on_writer(|file| file.pragma_update(None, "wal_autocheckpoint", 0)).await.unwrap();
        let store = store_in(database);
        store.put_revisions(vec![kit::revision()]).await.unwrap();
        let row =
            Instance { data: format!(r#""{}""#, "x".repeat(data)), frames: vec![1; 48], ..kit::instance(1) };
        store.commit(kit::inserting([row.clone()])).await.unwrap();
        Self { folder, store, row }
    }

    /// Bytes that some turns write, each with other frames and a part of 1 KB.
    async fn turns(&mut self, count: u64) -> u64 {
        let before = self.log();
        for _ in 0..count {
            let turn = self.row.turn + 1;
            // The length changes too, so that the row moves.
            let frames = vec![2; 48 + usize::try_from(turn % 5).unwrap()];
            let update = Update {
                turn,
                frames,
                data: Change::Keep,
                input: Change::Keep,
                ..Update::of_row(self.row.clone(), turn - 1)
            };
            let key = format!("loop/7/{turn}");
            let parts = vec![PartWrite::Put { instance: self.row.id, key, content: vec![3; 1024] }];
            let writes = vec![Write::Update(update)];
            self.store.commit(Commit { writes, parts, ..Commit::default() }).await.unwrap();
            self.row.turn = turn;
        }
        self.log() - before
    }

    fn log(&self) -> u64 {
        fs::metadata(self.folder.path().join("rondo.db-wal")).unwrap().len()
    }
}

#[tokio::test]
async fn a_turn_writes_what_it_changes_however_large_the_instance_is() {
    let mut small = Loop::start(10).await;
    let of_small = small.turns(300).await;
    let mut large = Loop::start(200_000).await;
    let of_large = large.turns(300).await;
    println!("300 turns write {of_small} bytes with small data and {of_large} bytes with large data");
    assert!(of_large < of_small * 11 / 10, "{of_large} bytes with large data, {of_small} with small");

    // The next turns cost as much as the first ones, though there are more and more parts.
    let later = large.turns(700).await;
    println!("700 turns after those write {later} bytes");
    assert!(later / 7 < of_large / 3 * 12 / 10, "{later} bytes for 700 turns after {of_large} for 300");
    // Three pages of 8 KiB for a turn: of the instance, of the part, and of its key. A little more when a page is full.
    assert!(of_large + later < 1000 * 4 * 8192, "{} bytes for 1000 turns", of_large + later);
    assert_eq!(large.store.parts(large.row.id).await.unwrap().len(), 1000);
}
