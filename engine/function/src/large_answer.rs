//! Tells the caller of a function that a large answer is about to be read.
//!
//! Whatever an answer may do to the process, only a large one can fill its memory. So an instance is marked as one that may end the process
//! while such an answer is read and taken up, and not while a service takes its time.

use std::{fmt, sync::Arc};

/// What is done before an answer is read that is not small. Called once or more often for a call.
#[derive(Clone, Default)]
pub struct BeforeLargeAnswer(Option<Arc<dyn Fn() + Send + Sync>>);

impl BeforeLargeAnswer {
    /// Does this.
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
