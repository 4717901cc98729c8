//! What the database answers.

use std::pin::Pin;

use rusqlite::{ErrorCode, ffi};
use rustix::process::{Resource, getrlimit};
use uuid::Uuid;

/// What a database will answer. The work is under way when the method returns; dropping the answer does not take it back.
pub type Answer<T, E = StoreError> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// Why a store does not do what it is asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It was closed.
    #[error("the database is closed")]
    Closed,
    /// There is no room left on the disk, or a file is as large as the process may make it. The store goes on when there is.
    #[error(
        "there is no room for the database: its disk is full, or its file is as large as the process may make one"
    )]
    Full,
    /// Its file is not where it was: what was written now would be lost, so nothing is. The text says which file.
    #[error("{0}")]
    Lost(String),
    /// The row of one instance, or one of its parts, holds what the store never writes. Other instances are not affected. A backup, or
    /// an edit of the row by hand, helps.
    #[error("instance {instance} is damaged in the database: {problem}")]
    Damaged {
        /// Which instance.
        instance: Uuid,
        /// What is wrong with the row.
        problem: String,
    },
    /// A page of the file is not what was written. What is on other pages can still be read.
    #[error(
        "the database file is damaged ({0}): stop the engine and put a backup back, or write what can be read into a new database with \
         `rondo doctor --salvage`"
    )]
    Corrupt(String),
    /// A query found more bytes than it may.
    #[error("the rows are larger than {0} bytes")]
    TooLarge(u64),
    /// Anything else that the database says.
    #[error("the database says: {0}")]
    Database(String),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::SystemIoFailure) if is_at_size_limit(&error) => Self::Full,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt(error.to_string()),
            _ => Self::Database(error.to_string()),
        }
    }
}

/// Whether a file could not grow because the process may not make a larger one (`ulimit -f`). SQLite calls that an error of the disk.
fn is_at_size_limit(error: &rusqlite::Error) -> bool {
    let is_write = matches!(
        error.sqlite_error().map(|error| error.extended_code),
        Some(ffi::SQLITE_IOERR_WRITE | ffi::SQLITE_IOERR_SHMSIZE | ffi::SQLITE_IOERR_TRUNCATE)
    );
    is_write && getrlimit(Resource::Fsize).current.is_some()
}

/// Whether a sync of the log or of the file failed, so that nobody knows what of it is on the disk.
pub(super) fn is_failed_sync(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error().map(|error| error.extended_code),
        Some(ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC)
    )
}

/// Whether the reason for an error lies in the one row that was read.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::Error;
    matches!(
        error,
        Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::InvalidColumnType(..)
            | Error::Utf8Error(..)
    )
}

/// Whether SQLite met a page that is not what was written.
pub(crate) fn is_corrupt(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Whether the reason for an error of a statement lies in the file or its disk, so that other work fails too.
pub(super) fn is_database_failure(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::OutOfMemory
                | ErrorCode::InternalMalfunction
        )
    )
}
