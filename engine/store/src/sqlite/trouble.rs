//! Whether the disk takes what is written.
//!
//! Promises: it is told when writing begins to fail and when it works again, and now and then in between, but not for each commit: there
//! may be thousands a second.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::StoreError;

/// How long what is already known is not told again.
const SILENCE: Duration = Duration::from_mins(1);

/// What became of the last transaction.
pub(super) struct Trouble {
    now: watch::Sender<Option<StoreError>>,
    told_at: Option<Instant>,
    /// Whether the log's last word is that writing fails.
    is_told: bool,
}

impl Trouble {
    pub(super) fn new() -> Self {
        Self { now: watch::Sender::new(None), told_at: None, is_told: false }
    }

    /// Shows why the last transaction failed, if it did.
    pub(super) fn subscribe(&self) -> watch::Receiver<Option<StoreError>> {
        self.now.subscribe()
    }

    pub(super) fn is_there(&self) -> bool {
        self.now.borrow().is_some()
    }

    /// Nothing can be written. Gives whether that was put into the log.
    pub(super) fn begins(&mut self, error: &StoreError) -> bool {
        self.now.send_replace(Some(error.clone()));
        if self.told_at.is_some_and(|at| at.elapsed() < SILENCE) {
            return false;
        }
        tracing::error!(
            %error,
            "the database does not take what is written: starts are refused, and what happened is tried again until it can be kept"
        );
        self.told_at = Some(Instant::now());
        self.is_told = true;
        true
    }

    /// Something was written.
    pub(super) fn ends(&mut self) -> bool {
        if self.is_there() {
            self.now.send_replace(None);
        }
        let is_news = std::mem::take(&mut self.is_told);
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
    fn trouble_is_told_when_it_begins_and_ends_and_not_between() {
        let mut trouble = Trouble::new();
        assert!(!trouble.ends() && !trouble.is_there());
        assert!(trouble.begins(&StoreError::Full) && trouble.is_there());
        assert!(!trouble.begins(&StoreError::Full) && trouble.is_there());
        assert!(trouble.ends() && !trouble.is_there());
        assert!(!trouble.ends());
        // A disk that is full again and again does not fill what is left of it with lines.
        assert!(!trouble.begins(&StoreError::Full) && trouble.is_there());
        assert!(!trouble.ends() && !trouble.is_there());
    }
}
