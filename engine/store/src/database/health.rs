//! Whether the disk takes what is written, and gives what was.
//!
//! Promises: the log says when writing begins to fail and when it works again, and repeats it now and then in between, but not for each
//! transaction: there may be thousands a second.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use tokio::sync::watch;

use super::StoreError;

/// How long the log does not repeat that writing fails.
const QUIET: Duration = Duration::from_mins(1);

/// What became of the last transaction.
pub(super) struct Health {
    now: watch::Sender<Result<(), StoreError>>,
    logged_at: Option<Instant>,
    /// Whether the last line in the log is that writing fails.
    is_logged: bool,
    corruption: Corruption,
}

/// Whether a page of the file could not be read. It stays so until the engine starts again, for SQLite may have given some other answer
/// than an error for the page before. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Corruption(Arc<OnceLock<StoreError>>);

impl Corruption {
    pub(super) fn get(&self) -> Result<(), StoreError> {
        self.0.get().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// Remembers the first page that could not be read, and logs it.
    pub(super) fn set(&self, error: &StoreError) {
        if self.0.set(error.clone()).is_ok() {
            tracing::error!(%error, "what is on damaged pages cannot be read, and the rest is served");
        }
    }
}

impl Health {
    pub(super) fn new() -> Self {
        Self {
            now: watch::Sender::new(Ok(())),
            logged_at: None,
            is_logged: false,
            corruption: Corruption::default(),
        }
    }

    /// Where readers say that a page could not be read.
    pub(super) fn corruption(&self) -> Corruption {
        self.corruption.clone()
    }

    /// Shows why the last transaction failed, if it did.
    pub(super) fn subscribe(&self) -> watch::Receiver<Result<(), StoreError>> {
        self.now.subscribe()
    }

    pub(super) fn is_good(&self) -> bool {
        self.now.borrow().is_ok()
    }

    /// Nothing can be written. Returns whether that was logged.
    pub(super) fn set_bad(&mut self, error: &StoreError) -> bool {
        if matches!(error, StoreError::Corrupt(_)) {
            self.corruption.set(error);
        }
        self.now.send_modify(|now| *now = Err(error.clone()));
        if self.logged_at.is_some_and(|at| at.elapsed() < QUIET) {
            return false;
        }
        tracing::error!(
            %error,
            "the database does not take what is written: starts are refused, and what happened is tried again until it can be kept"
        );
        self.logged_at = Some(Instant::now());
        self.is_logged = true;
        true
    }

    /// Something was written. Returns whether that was logged.
    pub(super) fn set_good(&mut self) -> bool {
        if !self.is_good() {
            self.now.send_modify(|now| *now = Ok(()));
        }
        let is_news = std::mem::take(&mut self.is_logged);
        if is_news {
            tracing::info!("the database takes what is written again");
        }
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_says_when_writing_begins_and_ends_to_fail_and_not_between() {
        let mut health = Health::new();
        assert!(!health.set_good() && health.is_good());
        assert!(health.set_bad(&StoreError::Full) && !health.is_good());
        assert!(!health.set_bad(&StoreError::Full) && !health.is_good());
        assert!(health.set_good() && health.is_good());
        assert!(!health.set_good());
        // A disk that is full again and again does not fill what is left of it with lines.
        assert!(!health.set_bad(&StoreError::Full) && !health.is_good());
        assert!(!health.set_good() && health.is_good());
    }
}
