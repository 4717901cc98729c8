//! Texts in shared memory.

use std::{
    borrow::Borrow,
    fmt::{self, Debug, Display},
    ops::Deref,
    sync::Arc,
};

use super::memory::of_text;
use crate::budget::memory;

/// A text; cloning it costs a few nanoseconds. The last of its clones gives its memory back to the evaluation that drops it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Arc<str>);

impl Drop for Text {
    fn drop(&mut self) {
        // Two threads that drop the last two clones at once both see two. What is not given back then counts for one evaluation only.
        if Arc::strong_count(&self.0) == 1 {
            memory::give_back(of_text(self.0.len()));
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        memory::take(of_text(text.len()));
        Self(text.into())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<&String> for Text {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

/// Copies it: what else holds it would never give its memory back.
impl From<Arc<str>> for Text {
    fn from(text: Arc<str>) -> Self {
        Self::from(&*text)
    }
}

impl From<std::borrow::Cow<'_, str>> for Text {
    fn from(text: std::borrow::Cow<'_, str>) -> Self {
        Self::from(&*text)
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Display for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&**self, formatter)
    }
}

impl Debug for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        Debug::fmt(&**self, formatter)
    }
}
