//! Notifies the caller of a function before a large answer is read.
//!
//! Only a large answer can fill the memory of the process. So the instance is marked as one that may end the process while such an answer is read
//! and processed, and not while it merely waits for a service.

use std::{fmt, sync::Arc};

/// A callback that runs before a large answer is read, once or several times for a call.
#[derive(Clone, Default)]
pub struct BeforeLargeAnswer(Option<Arc<dyn Fn() + Send + Sync>>);

impl BeforeLargeAnswer {
    /// Runs `notice`.
    pub fn new(notice: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(notice)))
    }

    pub(crate) fn notify(&self) {
        if let Some(notice) = &self.0 {
            notice();
        }
    }
}

impl fmt::Debug for BeforeLargeAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BeforeLargeAnswer")
    }
}
