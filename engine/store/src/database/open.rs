//! Opens the file: the lock, the settings, the connections.
//!
//! Promises: one process at a time; a file that is not ours to change is left untouched. Nothing is scanned, so that opening takes the
//! same time however many rows there are.

use std::{
    fs::{File, TryLockError},
    io::{Seek, Write},
    path::{Path, PathBuf},
    thread::JoinHandle,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};

use super::{
    Component, OpenError, damage,
    file_watch::FileWatch,
    files::{beside, keep_private, private_file},
    location::Location,
    log::LastCommitWriter,
    migrations,
    readers::Readers,
};

/// How long to wait for another program that holds the file for a moment, such as a backup.
const BUSY: Duration = Duration::from_secs(5);

/// Statements that a connection keeps compiled: the writer has about 60 of its own, and filters differ in their shape.
const STATEMENTS: usize = 128;

/// Threads for short reads, and for lists. Two, so that one long read does not stop the others.
const SHORT_READERS: usize = 2;
const LIST_READERS: usize = 2;

/// A sleeping instance with 1 KiB of data costs 1.4 KB in pages of 8 KiB or 16 KiB, and 1.6 KB in those of 4 KiB, of which its row leaves
/// more empty. Larger pages cost more to write, for a commit writes whole ones.
pub(crate) const PAGE_SIZE: i64 = 8192;

/// Pages in the write-ahead log before it is copied into the file: 16 MiB. A larger log would save some copying, but it is read after a
/// crash, which delays the start.
const CHECKPOINT_PAGES: i64 = 16 * 1024 * 1024 / PAGE_SIZE;

/// Memory for pages of the writer, in KiB: the inner pages of all indexes of some million instances.
const WRITER_CACHE: i64 = 65_536;

/// What is appended to the name of a database for the files that belong to it. SQLite gives those that it makes the mode of the database.
const FILES: [&str; 6] = ["", "-wal", "-shm", ".lock", ".last-commit", ".turns"];

/// What an open database consists of.
pub(super) struct Opened {
    pub(super) connection: Connection,
    /// For short reads, and for lists; `None` in memory, which only one connection sees.
    pub(super) readers: Option<(Readers, Readers)>,
    pub(super) threads: Vec<JoinHandle<()>>,
    /// Given up when dropped.
    pub(super) locks: Vec<File>,
    pub(super) file_watch: FileWatch,
    /// `None` in memory.
    pub(super) last_commit: Option<LastCommitWriter>,
}

pub(super) fn open(location: &Location, components: &[Component]) -> Result<Opened, OpenError> {
    let path = location.path();
    let failed =
        |source: Box<dyn std::error::Error + Send + Sync>| OpenError::File { path: path.to_owned(), source };
    match location {
        Location::Memory => {
            let connection = Connection::open_in_memory().map_err(|error| failed(error.into()))?;
            connection.set_prepared_statement_cache_capacity(STATEMENTS);
            migrations::migrate(&connection, path, components)?;
            Ok(Opened {
                connection,
                readers: None,
                threads: Vec::new(),
                locks: Vec::new(),
                file_watch: FileWatch::new([]).map_err(|error| failed(error.into()))?,
                last_commit: None,
            })
        }
        Location::File(path) => {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder).map_err(|error| failed(error.into()))?;
            }
            let locks = locks(path)?;
            let real = real_path(path);
            for ending in FILES {
                keep_private(&beside(&real, ending));
            }
            damage::check_files(&real)?;
            let connection = Connection::open(path).map_err(|error| failed(error.into()))?;
            connection.busy_timeout(BUSY).map_err(|error| failed(error.into()))?;
            migrations::check(&connection, path, components)?;
            settings(&connection).map_err(|error| failed(error.into()))?;
            migrations::migrate(&connection, path, components)?;
            damage::check_tables(&connection, path)?;
            let mut threads = Vec::new();
            let mut readers = |name, count| {
                let connections = (0..count).map(|_| reader(path)).collect::<Result<Vec<_>, _>>();
                let connections = connections.map_err(|error| failed(error.into()))?;
                Readers::spawn(name, connections, &mut threads).map_err(|error| failed(error.into()))
            };
            let readers =
                Some((readers("store-short", SHORT_READERS)?, readers("store-list", LIST_READERS)?));
            let file_watch = FileWatch::new(files(path)).map_err(|error| failed(error.into()))?;
            let last_commit = LastCommitWriter::open(&real).map_err(|error| failed(error.into()))?;
            Ok(Opened { connection, readers, threads, locks, file_watch, last_commit: Some(last_commit) })
        }
    }
}

/// Where a database is when its path is a symbolic link: SQLite keeps the log there.
pub(crate) fn real_path(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// The files that are lost when something else is at their paths.
fn files(path: &Path) -> Vec<PathBuf> {
    let real = real_path(path);
    let mut files = vec![beside(&real, "-wal"), real];
    if !LOCKS_ITSELF {
        files.push(beside(path, ".lock"));
    }
    files
}

/// Whether a lock on the whole database file does not get in the way of SQLite's own. On Linux the two kinds do not see each other.
const LOCKS_ITSELF: bool = cfg!(target_os = "linux");

/// Takes the locks that keep a second process away. SQLite's own must let other connections of this process in, and a backup.
///
/// The lock on a file of its own also says which process holds it. It is lost when somebody deletes that file; the lock on the database
/// itself stays.
fn locks(path: &Path) -> Result<Vec<File>, OpenError> {
    let failed = |error: std::io::Error| OpenError::File { path: path.to_owned(), source: error.into() };
    let mut locks = vec![lock(path)?];
    // SQLite would make it readable for everybody, and gives its other files the mode of this one.
    let file = private_file().open(path).map_err(failed)?;
    if LOCKS_ITSELF {
        match file.try_lock() {
            Ok(()) => locks.push(file),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::InUse { path: path.to_owned(), process: None });
            }
        }
    }
    Ok(locks)
}

fn lock(path: &Path) -> Result<File, OpenError> {
    let failed = |error: std::io::Error| OpenError::File { path: path.to_owned(), source: error.into() };
    let mut file = private_file().open(beside(path, ".lock")).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::Error(error)) => return Err(failed(error)),
        Err(TryLockError::WouldBlock) => {
            return Err(OpenError::InUse { path: path.to_owned(), process: lock_holder(path) });
        }
    }
    file.set_len(0).map_err(failed)?;
    file.rewind().map_err(failed)?;
    writeln!(file, "{}", std::process::id()).map_err(failed)?;
    Ok(file)
}

/// Id of the process that holds the lock of a database, if it can be read.
pub(crate) fn lock_holder(path: &Path) -> Option<u32> {
    std::fs::read_to_string(beside(path, ".lock")).ok()?.trim().parse().ok()
}

fn settings(connection: &Connection) -> rusqlite::Result<()> {
    // Takes effect in a new file only, and only before the first page is written.
    connection.pragma_update(None, "page_size", PAGE_SIZE)?;
    // Readers and the writer do not wait for each other, and a commit is one append.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // In WAL mode only FULL syncs the log at each commit; NORMAL would lose answered commits when the power fails.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    // A log that grew while a long list was read is cut to its usual size again.
    connection.pragma_update(None, "journal_size_limit", CHECKPOINT_PAGES * PAGE_SIZE)?;
    // Negative: KiB instead of pages.
    connection.pragma_update(None, "cache_size", -WRITER_CACHE)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

fn reader(path: &Path) -> rusqlite::Result<Connection> {
    // Each connection stays with one thread, so SQLite need not lock it.
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}
