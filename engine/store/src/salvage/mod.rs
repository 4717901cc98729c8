//! Reads what can be read of a damaged database, tells what is lost, and writes the rest into a new one.
//!
//! ```text
//!  file + log ──▶ image (a copy with the frames of the log) ──▶ rows, one by one ──▶ new database
//!                                                                   └──▶ which instances are lost, or not whole
//! ```
//!
//! Promises: the damaged files are only read; a row that can be read is not lost because of others; nothing that was lost goes unnamed, as
//! far as an index, the history, or a gap in the numbers of rows shows that it was there. Never: runs while an engine uses the database;
//! interprets what a row means.

mod events;
mod image;
mod instances;
mod tables;

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use rusqlite::Connection;
use uuid::Uuid;

use crate::{
    State,
    database::{Location, OpenError, lock_holder, private_file, real_path},
};

/// What is damaged in a database, and what can be read.
#[derive(Debug, Default)]
pub struct Findings {
    /// What is wrong with the files, a sentence each. Empty when nothing is.
    pub problems: Vec<String>,
    /// Tables in which rows cannot be read, or cannot be written into a new database: name, rows that can, rows that cannot as far as
    /// they are known.
    pub tables: Vec<TableFindings>,
    /// Instances that can be read as they were stored.
    pub whole: u64,
    /// Those that are lost or not whole.
    pub instances: Vec<InstanceFindings>,
}

/// How much of a table can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableFindings {
    /// Its name.
    pub name: String,
    /// Rows that can be read.
    pub readable: u64,
    /// Rows that cannot, as far as they are known.
    pub unreadable: u64,
}

/// An instance that is lost or not whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceFindings {
    /// Number of its row.
    pub row: i64,
    /// Its id, if any index or row tells it.
    pub id: Option<Uuid>,
    /// Id of its workflow, if it is known.
    pub workflow: Option<String>,
    /// The last state that is known.
    pub state: Option<State>,
    /// What became of it.
    pub fate: Fate,
}

/// What became of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Its row cannot be read.
    Lost,
    /// Its row is older than its history.
    SetBack {
        /// The turn of the row.
        turn: u64,
        /// The last turn of the history.
        of: u64,
    },
    /// Its row can be read, and holds what the engine never writes.
    Damaged(String),
}

impl Findings {
    /// Whether nothing is wrong.
    pub fn is_good(&self) -> bool {
        self.problems.is_empty() && self.tables.is_empty() && self.instances.is_empty()
    }
}

/// Why a database cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum SalvageError {
    /// The URL names no file, or the file is in use.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is no such file.
    #[error("there is no database at `{}`", .0.display())]
    Missing(PathBuf),
    /// The file for the new database is there already.
    #[error("`{}` is there already: name a file that does not exist yet", .0.display())]
    Exists(PathBuf),
    /// The list of tables is damaged, so that nothing can be found.
    #[error("the list of tables cannot be read ({0}), so no row can be found: only a backup helps")]
    Schema(rusqlite::Error),
    /// A file cannot be read or written.
    #[error("`{}`: {source}", .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The new database cannot be written.
    #[error("the new database cannot be written: {0}")]
    Write(rusqlite::Error),
}

/// Looks at a database without changing anything.
pub fn examine(url: &str) -> Result<Findings, SalvageError> {
    let (path, _lock) = locked(url)?;
    let scratch = std::env::temp_dir().join(format!("rondo-doctor-{}.db", std::process::id()));
    let image = image::make(&path, &scratch)?;
    let findings = tables::read(&image, None);
    image.remove();
    findings
}

/// Writes what can be read of a database into a new one, which must not exist. On failure the new file is removed.
pub fn salvage(url: &str, new: &Path) -> Result<Findings, SalvageError> {
    let (path, _lock) = locked(url)?;
    let failed = |source| SalvageError::File { path: new.to_owned(), source };
    let mut options = private_file();
    options.create_new(true);
    match options.open(new) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(SalvageError::Exists(new.to_owned()));
        }
        Err(error) => return Err(failed(error)),
    }
    let mut scratch = new.as_os_str().to_owned();
    scratch.push(".image");
    let salvaged = image::make(&path, Path::new(&scratch)).and_then(|image| {
        let salvaged = Connection::open(new)
            .map_err(SalvageError::Write)
            .and_then(|target| tables::read(&image, Some(target)));
        image.remove();
        salvaged
    });
    let synced = salvaged.and_then(|findings| {
        File::open(new).and_then(|file| file.sync_all()).map_err(failed)?;
        Ok(findings)
    });
    if synced.is_err() {
        // What is half written is of no use.
        let _ = fs::remove_file(new);
    }
    synced
}

/// The file of a database, and a lock that keeps engines away.
fn locked(url: &str) -> Result<(PathBuf, File), SalvageError> {
    let Location::File(path) = Location::parse(url)? else {
        return Err(SalvageError::Missing(PathBuf::from(":memory:")));
    };
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(SalvageError::Missing(path)),
        Err(source) => return Err(SalvageError::File { path, source }),
    };
    match file.try_lock() {
        Ok(()) => Ok((real_path(&path), file)),
        Err(TryLockError::WouldBlock) => {
            let process = lock_holder(&path);
            Err(OpenError::InUse { path, process }.into())
        }
        Err(TryLockError::Error(source)) => Err(SalvageError::File { path, source }),
    }
}
