//! The promises, held by SQLite, and what is particular to it.

mod crash;
mod damaged;
mod event_rules;
mod events;
mod file;
mod log_bytes;
mod plans;
mod random_commits;
mod random_damage;
mod random_events;
mod random_filters;
mod random_places;
mod upgrade;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use tempfile::TempDir;

use crate::Store;

/// A folder of its own for a test, removed with everything in it.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn file(&self) -> PathBuf {
        self.path().join("rondo.db")
    }

    fn url(&self) -> String {
        format!("sqlite://{}", self.file().display())
    }
}

async fn in_a_file() -> (Folder, Arc<dyn Store>) {
    let folder = Folder::new();
    let store = crate::open(&folder.url()).await.unwrap();
    (folder, store)
}

async fn in_memory() -> ((), Arc<dyn Store>) {
    ((), crate::open("sqlite::memory:").await.unwrap())
}

mod kit_in_a_file {
    crate::store_kit!(super::in_a_file);
}

mod kit_in_memory {
    crate::store_kit!(super::in_memory);
}
