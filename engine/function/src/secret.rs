//! Values that may be used but not shown, and the mask that keeps them out of everything people read.
//!
//! Promises: `Debug` and `Display` of a [`Secret`] print `***`; [`Mask::apply`] replaces every occurrence of a masked
//! text, also in percent-encoded form. Never: writes a secret anywhere itself.

use std::fmt;

use crate::encoding::percent_encode;

/// A text that is sent, but never printed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the wire only.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The secrets that one call uses.
#[derive(Clone, Default)]
pub(crate) struct Mask {
    texts: Vec<String>,
}

/// A shorter text is not looked for: replacing every `a` would destroy the message and still tell the secret.
const SHORTEST_MASKED: usize = 3;

impl Mask {
    /// Hides a text from now on. Of a header value such as `Bearer abc` the credential itself is hidden too.
    pub(crate) fn hide(&mut self, text: &str) {
        for part in [text, text.split_once(' ').map_or("", |(_, credential)| credential.trim())] {
            if part.chars().count() >= SHORTEST_MASKED && !self.texts.iter().any(|known| known == part) {
                self.texts.push(part.to_owned());
                let encoded = percent_encode(part, false);
                if encoded != part {
                    self.texts.push(encoded);
                }
            }
        }
        // Longest first, so that no rest of a long secret is left behind by a short one inside it.
        self.texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    }

    /// The text with `***` in the place of each secret.
    pub(crate) fn apply(&self, text: &str) -> String {
        self.texts.iter().fold(text.to_owned(), |masked, secret| {
            if masked.contains(secret.as_str()) { masked.replace(secret.as_str(), "***") } else { masked }
        })
    }
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mask({})", self.texts.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_print() {
        assert_eq!(format!("{:?} {}", Secret::new("abc"), Secret::new("abc")), "*** ***");
    }

    #[test]
    fn a_mask_hides_credentials_in_every_form() {
        let mut mask = Mask::default();
        mask.hide("Bearer p@ss/word");
        mask.hide("p@ss");
        mask.hide("x");
        assert_eq!(
            mask.apply("Bearer p@ss/word, p@ss/word, p%40ss%2Fword, p@ss, x"),
            "***, ***, ***, ***, x"
        );
    }
}
