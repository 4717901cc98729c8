//! Either nothing that was answered is lost, or the log is found to be damaged, whichever byte changes.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use proptest::prelude::*;
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;
use uuid::Uuid;

use super::{LastCommit, check, format::HEADER_BYTES, last_commit};
use crate::{
    Database, INSTANCES, Instance, PartWrite,
    database::{damage::FileHeader, files::beside},
    kit,
    salvage::{self, Fate, Findings},
    store_in,
};

/// The files of a database whose process was killed, and what it had answered.
struct Killed {
    database: Vec<u8>,
    log: Vec<u8>,
    note: Vec<u8>,
    answered: BTreeSet<Uuid>,
}

/// Commits one instance after another, each with a part of some size, and takes the files while the database is open. `restart` has the log
/// restarted before the last commits, so that frames of an older generation stand behind them.
async fn killed(commits: u8, restart_before: Option<u8>) -> Killed {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("rondo.db");
    let database = Database::open(&format!("sqlite://{}", path.display()), &[INSTANCES]).await.unwrap();
    let store = store_in(database.clone());
    store.put_revisions(vec![kit::revision()]).await.unwrap();
    let mut answered = BTreeSet::new();
    for number in 1..=commits {
        if restart_before == Some(number) {
            database
                .on_writer(|connection| {
                    connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(()))
                })
                .await
                .unwrap();
        }
        let row: Instance = kit::instance(number);
        let id = row.id;
        let mut commit = kit::inserting([row]);
        let content = vec![number; usize::from(number % 4) * 7000];
        commit.parts = vec![PartWrite::Put { instance: id, key: "a".to_owned(), content }];
        store.commit(commit).await.unwrap();
        answered.insert(id);
    }
    let read = |ending: &str| fs::read(beside(&path, ending)).unwrap();
    let killed = Killed { database: read(""), log: read("-wal"), note: read(".last-commit"), answered };
    store.close().await.unwrap();
    killed
}

/// Files to look at, in a folder of their own.
struct Copy {
    _folder: TempDir,
    path: PathBuf,
}

impl Killed {
    fn copy(&self, log: &[u8], note: Option<&[u8]>) -> Copy {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("rondo.db");
        fs::write(&path, &self.database).unwrap();
        fs::write(beside(&path, "-wal"), log).unwrap();
        if let Some(note) = note {
            fs::write(last_commit::path_of(&path), note).unwrap();
        }
        Copy { _folder: folder, path }
    }

    fn note(&self) -> LastCommit {
        LastCommit::read(&self.copy(&[], Some(&self.note)).path).unwrap().unwrap()
    }

    fn page_size(&self) -> usize {
        usize::from(u16::from_be_bytes([self.database[16], self.database[17]]))
    }

    /// The answered instances that are lost when SQLite reads this log.
    fn lost(&self, copy: &Copy) -> BTreeSet<Uuid> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
        let connection = Connection::open_with_flags(&copy.path, flags).unwrap();
        let mut statement = connection.prepare("SELECT id FROM instance").unwrap();
        let found = statement.query_map([], |row| row.get(0)).unwrap();
        let found: BTreeSet<Uuid> = found.map(Result::unwrap).collect();
        &self.answered - &found
    }

    /// Says whether a changed log is found to be damaged. If not, nothing may be lost.
    fn is_refused(&self, log: &[u8], note: Option<&[u8]>) -> bool {
        let copy = self.copy(log, note);
        let damage = damage_of(&copy.path);
        if damage.is_none() {
            assert_eq!(self.lost(&copy), BTreeSet::new(), "lost without a word");
        }
        damage.is_some()
    }
}

fn damage_of(path: &Path) -> Option<String> {
    let page_size = FileHeader::read(path).unwrap().map(|header| header.page_size);
    check(path, page_size).unwrap().damage
}

fn flipped(log: &[u8], at: usize, mask: u8) -> Vec<u8> {
    let mut log = log.to_vec();
    log[at] ^= mask;
    log
}

#[tokio::test]
async fn a_log_that_is_as_it_was_written_is_in_order() {
    for restart_before in [None, Some(4), Some(8)] {
        let killed = killed(8, restart_before).await;
        assert!(!killed.is_refused(&killed.log, Some(&killed.note)));
        assert!(!killed.is_refused(&killed.log, None));
    }
}

#[tokio::test]
async fn whichever_byte_of_a_header_is_changed_nothing_is_lost_or_the_log_is_refused() {
    for restart_before in [None, Some(4)] {
        let killed = killed(5, restart_before).await;
        let frame = killed.page_size() + 24;
        let note = killed.note();
        for at in 0..HEADER_BYTES {
            assert!(killed.is_refused(&flipped(&killed.log, at, 1), Some(&killed.note)), "byte {at}");
        }
        for number in 0..(killed.log.len() - HEADER_BYTES) / frame {
            for at in (0..24).chain([24, 24 + 100, frame - 1]) {
                let place = HEADER_BYTES + number * frame + at;
                let is_refused = killed.is_refused(&flipped(&killed.log, place, 0x10), Some(&killed.note));
                assert_eq!(
                    is_refused,
                    number < note.frame as usize,
                    "byte {at} of frame {} of {}, restarted before {restart_before:?}",
                    number + 1,
                    note.frame
                );
            }
        }
    }
}

#[tokio::test]
async fn whichever_byte_is_changed_nothing_is_lost_or_the_log_is_refused() {
    for restart_before in [None, Some(20)] {
        let killed = killed(40, restart_before).await;
        let places = (0..killed.log.len(), 1..=u8::MAX);
        proptest!(ProptestConfig::with_cases(64), |((at, mask) in places)| {
            killed.is_refused(&flipped(&killed.log, at, mask), Some(&killed.note));
        });
    }
}

#[tokio::test]
async fn without_a_note_damage_before_the_last_transaction_is_found() {
    let killed = killed(8, None).await;
    let frame = killed.page_size() + 24;
    let frames = (killed.log.len() - HEADER_BYTES) / frame;
    let ends: Vec<_> =
        (0..frames).filter(|number| killed.log[HEADER_BYTES + number * frame + 4..][..4] != [0; 4]).collect();
    let Some(last) = ends.last() else { panic!("no transaction ends") };
    for number in 0..frames {
        let log = flipped(&killed.log, HEADER_BYTES + number * frame + 24 + 100, 1);
        let copy = killed.copy(&log, None);
        // In the last transaction, damage of all but its last frame shows, for its end goes on from it.
        assert_eq!(damage_of(&copy.path).is_some(), number < *last, "frame {number}");
    }
}

#[tokio::test]
async fn a_log_that_was_cut_off_is_refused_when_something_answered_is_missing() {
    let killed = killed(8, None).await;
    let frame = killed.page_size() + 24;
    let whole = HEADER_BYTES + killed.note().frame as usize * frame;
    assert_eq!(whole, killed.log.len());
    for length in [HEADER_BYTES + 1, HEADER_BYTES + frame, whole / 2, whole - frame, whole - 1] {
        assert!(killed.is_refused(&killed.log[..length], Some(&killed.note)), "{length} bytes");
    }
}

#[tokio::test]
async fn an_append_that_was_cut_short_is_ordinary() {
    let (before, after) = (killed(8, None).await, killed(9, None).await);
    let note = LastCommit { frame: 0, ..after.note() };
    // The same database one transaction earlier: its note, in the generation of the later log.
    let earlier = before.note().frame;
    let frame = after.page_size() + 24;
    let checksum = |number: u32| {
        let at = HEADER_BYTES + (number as usize - 1) * frame + 16;
        [0, 4].map(|word| u32::from_be_bytes(*after.log[at + word..].first_chunk().unwrap()))
    };
    let note = LastCommit { frame: earlier, checksum: checksum(earlier), ..note };
    let note = note.to_text();
    let known = Killed { answered: before.answered, ..after };
    let end = HEADER_BYTES + earlier as usize * frame;
    for length in [end, end + 1, end + 24, end + 25, end + frame, end + frame + 24, known.log.len() - 1] {
        assert!(!known.is_refused(&known.log[..length], Some(note.as_bytes())), "{length} bytes");
    }
    // A power failure: some pages of what was not synced yet are missing, and others are there.
    for missing in earlier as usize..(known.log.len() - HEADER_BYTES) / frame {
        let mut log = known.log.clone();
        log[HEADER_BYTES + missing * frame..][..frame].fill(0);
        assert!(!known.is_refused(&log, Some(note.as_bytes())), "frame {missing} is missing");
    }
}

#[tokio::test]
async fn a_log_of_another_database_is_refused() {
    let (mine, other) = (killed(8, None).await, killed(8, None).await);
    // The note names the file of the database, so these are not copies.
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("rondo.db");
    let database = Database::open(&format!("sqlite://{}", path.display()), &[INSTANCES]).await.unwrap();
    database.on_writer(|connection| connection.pragma_update(None, "user_version", 2)).await.unwrap();
    for log in [&other.log[..], &[]] {
        fs::write(beside(&path, "-wal"), log).unwrap();
        assert!(damage_of(&path).is_some());
    }
    fs::remove_file(beside(&path, "-wal")).unwrap();
    assert!(damage_of(&path).unwrap().contains("has been removed"));
    drop(database);

    // The database is missing, or has pages of another size.
    let copy = mine.copy(&mine.log, None);
    fs::write(&copy.path, []).unwrap();
    assert!(damage_of(&copy.path).unwrap().contains("missing or empty"));
    let small = TempDir::new().unwrap();
    let small = small.path().join("small.db");
    Connection::open(&small).unwrap().execute_batch("PRAGMA page_size = 1024; CREATE TABLE t (a)").unwrap();
    fs::copy(small, &copy.path).unwrap();
    assert!(damage_of(&copy.path).unwrap().contains("is of another database"));
}

#[tokio::test]
async fn a_log_that_another_program_copied_into_the_database_may_be_gone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("rondo.db");
    let killed = killed(8, None).await;
    for (ending, content) in [("", &killed.database), ("-wal", &killed.log), (".last-commit", &killed.note)] {
        fs::write(beside(&path, ending), content).unwrap();
    }
    let note = LastCommit {
        inode: std::os::unix::fs::MetadataExt::ino(&fs::metadata(&path).unwrap()),
        ..killed.note()
    };
    fs::write(last_commit::path_of(&path), note.to_text()).unwrap();
    assert_eq!(damage_of(&path), None);
    // Later than the note by the clock of the file system, whose ticks are coarse.
    let noted = fs::metadata(last_commit::path_of(&path)).unwrap().modified().unwrap();
    let program = Connection::open(&path).unwrap();
    program.execute_batch("UPDATE instance SET state = 1 WHERE number = 1").unwrap();
    program.close().unwrap();
    assert!(!beside(&path, "-wal").exists());
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_modified(noted + std::time::Duration::from_secs(1)).unwrap();
    assert_eq!(damage_of(&path), None);
    file.set_modified(noted - std::time::Duration::from_secs(1)).unwrap();
    assert!(damage_of(&path).is_some());
}

/// What `salvage` makes of a copy: its findings, and the ids in the new database.
fn salvaged(copy: &Copy) -> (Findings, BTreeSet<Uuid>) {
    let new = copy.path.with_file_name("new.db");
    let findings = salvage::salvage(&format!("sqlite://{}", copy.path.display()), &new).unwrap();
    let connection = Connection::open(&new).unwrap();
    let mut statement = connection.prepare("SELECT id FROM instance").unwrap();
    let found = statement.query_map([], |row| row.get(0)).unwrap();
    let found = found.map(Result::unwrap).collect();
    let check: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    (findings, found)
}

#[tokio::test]
async fn salvage_loses_nothing_to_one_damaged_byte() {
    // Frames of an older generation stand behind the last transaction.
    let killed = killed(4, Some(3)).await;
    let frame = killed.page_size() + 24;
    let frames = killed.note().frame as usize;
    let of_header = (0..HEADER_BYTES).map(|at| (at, 0x40));
    let of_frames = (0..frames)
        .flat_map(|number| [0, 5, 9, 14, 17, 22, 3000].map(|at| (HEADER_BYTES + number * frame + at, 0x08)));
    for (at, mask) in of_header.chain(of_frames) {
        let copy = killed.copy(&flipped(&killed.log, at, mask), Some(&killed.note));
        let (findings, found) = salvaged(&copy);
        assert_eq!(found, killed.answered, "byte {at}: {findings:?}");
        assert!(!findings.problems.is_empty(), "byte {at}");
    }
}

#[tokio::test]
async fn salvage_names_what_a_destroyed_end_of_the_log_held() {
    let killed = killed(8, None).await;
    let frame = killed.page_size() + 24;
    let mut log = killed.log.clone();
    // The frames of the last transaction but its end: what they held is nowhere else.
    let end = killed.note().frame as usize - 1;
    let ends = |number: usize| killed.log[HEADER_BYTES + number * frame + 4..][..4] != [0; 4];
    let begin = (0..end).rev().find(|number| ends(*number)).unwrap() + 1;
    for number in begin..end {
        log[HEADER_BYTES + number * frame + 24..][..4096].fill(0);
    }
    let copy = killed.copy(&log, Some(&killed.note));
    let (findings, found) = salvaged(&copy);
    assert!(found.len() >= killed.answered.len() - 1 && found.is_subset(&killed.answered), "{found:?}");
    let lost: Vec<_> = findings.instances.iter().filter(|found| found.fate == Fate::Lost).collect();
    assert_eq!(lost.len(), killed.answered.len() - found.len(), "{findings:?}");
    assert_eq!(
        findings.whole + findings.instances.len() as u64,
        killed.answered.len() as u64,
        "{findings:?}"
    );
}
