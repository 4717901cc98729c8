//! Notices that the files of the database are not where they were.
//!
//! A file that is deleted or replaced while it is open goes on taking what is written, and loses all of it in the end. So after
//! each transaction, and each second without one, the files at the paths are compared with those that were opened.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use tokio::sync::watch;

use super::StoreError;

/// Files that must stay where they are.
pub(super) struct FileWatch {
    files: Vec<(PathBuf, Identity)>,
    lost: watch::Sender<Option<StoreError>>,
}

/// Device and number of a file.
type Identity = (u64, u64);

impl FileWatch {
    /// Watches those of the files that exist.
    pub(super) fn new(paths: impl IntoIterator<Item = PathBuf>) -> io::Result<Self> {
        let mut files = Vec::new();
        for path in paths {
            match identity(&path) {
                Ok(identity) => files.push((path, identity)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self { files, lost: watch::Sender::new(None) })
    }

    /// Shows when the files are lost.
    pub(super) fn subscribe(&self) -> watch::Receiver<Option<StoreError>> {
        self.lost.subscribe()
    }

    /// Fails when a file is lost. It stays lost: what was written since is in no file that exists.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        if let Some(error) = &*self.lost.borrow() {
            return Err(error.clone());
        }
        let Some(path) =
            self.files.iter().find(|(path, opened)| is_gone(path, *opened)).map(|(path, _)| path)
        else {
            return Ok(());
        };
        let error = StoreError::Lost(format!(
            "`{}` was deleted or replaced while the engine ran: what it writes now would be lost, so it stops. Put the database back, or \
             delete all its files, and start again",
            path.display()
        ));
        self.lost.send_replace(Some(error.clone()));
        Err(error)
    }
}

fn identity(path: &Path) -> io::Result<Identity> {
    fs::metadata(path).map(|file| (file.dev(), file.ino()))
}

/// Whether a path names another file than the opened one, or none. An error of another kind does not prove that.
fn is_gone(path: &Path, opened: Identity) -> bool {
    match identity(path) {
        Ok(found) => found != opened,
        Err(error) => matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory),
    }
}
