//! JSON pointers (RFC 6901): the names of places in a document.
//!
//! Owns: building pointers from the root, and their text form. Promises: equal places have equal pointers; cloning one is cheap. Never: depends on
//! a document; [`crate::Source`] finds the line and column of a pointer.

use std::{borrow::Cow, fmt, sync::Arc};

use serde::Serialize;

/// A place in a document, such as `/states/3/actions/0/functionRef`. The empty pointer is the whole document.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Pointer(Arc<str>);

impl Pointer {
    /// The whole document.
    pub fn root() -> Self {
        Self(Arc::from(""))
    }

    /// The member `name` of the object at this place.
    #[must_use]
    pub fn key(&self, name: &str) -> Self {
        let mut text = String::with_capacity(self.0.len() + 1 + name.len());
        text.push_str(&self.0);
        text.push('/');
        for c in name.chars() {
            match c {
                '~' => text.push_str("~0"),
                '/' => text.push_str("~1"),
                c => text.push(c),
            }
        }
        Self(text.into())
    }

    /// The element number `index`, counted from 0, of the list at this place.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        Self(format!("{}/{index}", self.0).into())
    }

    /// The place that contains this one; `None` for the whole document.
    pub fn parent(&self) -> Option<Self> {
        self.0.rfind('/').map(|slash| Self(Arc::from(&self.0[..slash])))
    }

    /// The place with the pointer `inner` relative to this place.
    #[must_use]
    pub fn join(&self, inner: &Self) -> Self {
        Self(format!("{}{}", self.0, inner.0).into())
    }

    /// Names and numbers from the root to this place, unescaped.
    pub fn tokens(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.0.split('/').skip(1).map(|token| {
            if token.contains('~') {
                Cow::Owned(token.replace("~1", "/").replace("~0", "~"))
            } else {
                Cow::Borrowed(token)
            }
        })
    }

    /// The text form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Pointer {
    fn default() -> Self {
        Self::root()
    }
}

/// Reads the text form. A text that does not start with `/` is the name of a member at the top level.
impl From<&str> for Pointer {
    fn from(text: &str) -> Self {
        if text.is_empty() || text.starts_with('/') { Self(Arc::from(text)) } else { Self::root().key(text) }
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pointer({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Pointer;

    #[test]
    fn names_are_escaped_in_the_text_and_plain_as_tokens() {
        let at = Pointer::root().key("a/b").key("~1").index(3);
        assert_eq!(at.to_string(), "/a~1b/~01/3");
        assert_eq!(at.tokens().collect::<Vec<_>>(), ["a/b", "~1", "3"]);
        assert_eq!(at.parent(), Some(Pointer::root().key("a/b").key("~1")));
        assert_eq!(Pointer::root().parent(), None);
        assert_eq!(Pointer::from("/a~1b/~01/3"), at);
    }
}
