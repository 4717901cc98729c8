//! What an error definition is compared with.
//!
//! Owns: the data of the comparison, prepared by the lowering so that a comparison looks at sets and texts only. The rule, that is the
//! order in which they are asked, belongs to the machine.

use std::sync::Arc;

use crate::{FailureKind, Origin};

/// One error definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorMatch {
    /// Name of the definition.
    pub name: Arc<str>,
    /// Its code; without one its name.
    pub code: Arc<str>,
    /// Failures that are the exception which the code names.
    pub class: FailureSet,
    /// Failures that are, or were caused by, the exception which the code names.
    pub cause: FailureSet,
    /// Failures whose exceptions are below the one which the code names.
    pub superclass: FailureSet,
    /// How the code is compared with the text of a failure.
    pub text: TextMatch,
}

/// How a code is compared with the text of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextMatch {
    /// Not at all: it looks like the name of a class.
    No,
    /// It is the whole text. A status is no pattern, because it may stand in an address by chance.
    Whole,
    /// It is the whole text, or a regular expression that is found in it.
    Pattern,
}

/// A set of kinds of failures, each from a certain origin.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct FailureSet(u64);

impl FailureSet {
    /// Puts a kind from an origin into the set.
    pub fn insert(&mut self, kind: FailureKind, origin: Origin) {
        self.0 |= Self::bit(kind, origin);
    }

    /// Whether a kind from an origin is in the set.
    pub fn contains(self, kind: FailureKind, origin: Origin) -> bool {
        self.0 & Self::bit(kind, origin) != 0
    }

    /// There are fewer than 64 pairs, so each has a bit of its own.
    fn bit(kind: FailureKind, origin: Origin) -> u64 {
        1 << (kind as u64 * Origin::ALL.len() as u64 + origin as u64)
    }
}

impl FailureSet {
    /// Whether nothing is in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl std::fmt::Debug for FailureSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let from = |kind| Origin::ALL.into_iter().filter(move |origin| self.contains(kind, *origin));
        if FailureKind::ALL.into_iter().all(|kind| from(kind).count() == Origin::ALL.len()) {
            return f.write_str("any failure");
        }
        for (place, kind) in
            FailureKind::ALL.into_iter().filter(|kind| from(*kind).next().is_some()).enumerate()
        {
            write!(f, "{}{kind:?}", if place == 0 { "" } else { ", " })?;
            if from(kind).count() < Origin::ALL.len() {
                write!(f, " from {:?}", from(kind).collect::<Vec<_>>())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_into_it_and_nothing_else() {
        for kind in FailureKind::ALL {
            for origin in Origin::ALL {
                let mut set = FailureSet::default();
                set.insert(kind, origin);
                let pairs = FailureKind::ALL.into_iter().flat_map(|k| Origin::ALL.map(|o| (k, o)));
                let held: Vec<_> = pairs.filter(|(k, o)| set.contains(*k, *o)).collect();
                assert_eq!(held, [(kind, origin)]);
            }
        }
    }
}
