//! The promises, held by SQLite, and what is particular to it.

mod crash;
mod damaged;
mod file;
mod log_bytes;
mod plans;
mod random_commits;
mod random_filters;
mod upgrade;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use crate::Store;

/// A folder of its own for a test, removed with everything in it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("rondo-store-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("rondo.db")
    }

    fn url(&self) -> String {
        format!("sqlite://{}", self.file().display())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Left behind at worst.
        let _ = std::fs::remove_dir_all(&self.0);
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
