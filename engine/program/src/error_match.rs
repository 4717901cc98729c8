//! An error definition, prepared for the comparison with failures.
//!
//! Owns: the data of the comparison. The lowering looks class names up once, so the comparison itself uses sets and texts only. The order of
//! the comparisons belongs to the machine.

use std::{ops::RangeInclusive, sync::Arc};

use crate::{FailureKind, Origin};

/// One error definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorMatch {
    /// Name of the definition.
    pub name: Arc<str>,
    /// Its code; if it has none, its name.
    pub code: Arc<str>,
    /// Failures that are the exception that the code names.
    pub class: FailureSet,
    /// Failures that are, or were caused by, the exception that the code names.
    pub cause: FailureSet,
    /// Failures with an exception or cause whose class is a subclass of the class that the code names.
    pub superclass: FailureSet,
    /// Statuses of answers that the code means: it is the exception class that an earlier version had for them.
    pub statuses: Option<RangeInclusive<u16>>,
    /// How the code is compared with the text of a failure.
    pub text: TextMatch,
}

/// How a code is compared with the text of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextMatch {
    /// It is not compared with the text, because it looks like the name of a class.
    No,
    /// It must be the whole text. A status is not searched for, because an address may contain the same digits by chance.
    Whole,
    /// It must be the whole text, or a regular expression that matches a part of it.
    Pattern,
}

/// A set of pairs of a failure's kind and its origin.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct FailureSet(u64);

impl FailureSet {
    /// Adds a pair.
    pub fn insert(&mut self, kind: FailureKind, origin: Origin) {
        self.0 |= Self::bit(kind, origin);
    }

    /// Whether the set contains a pair.
    pub fn contains(self, kind: FailureKind, origin: Origin) -> bool {
        self.0 & Self::bit(kind, origin) != 0
    }

    /// Each pair has a bit of its own: there are fewer than 64 pairs, and the set has 64 bits.
    fn bit(kind: FailureKind, origin: Origin) -> u64 {
        1 << (kind as u64 * Origin::ALL.len() as u64 + origin as u64)
    }

    /// Whether the set contains no pair.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl std::fmt::Debug for FailureSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let origins = |kind| Origin::ALL.into_iter().filter(move |origin| self.contains(kind, *origin));
        if FailureKind::ALL.into_iter().all(|kind| origins(kind).count() == Origin::ALL.len()) {
            return f.write_str("any failure");
        }
        for (index, kind) in
            FailureKind::ALL.into_iter().filter(|kind| origins(*kind).next().is_some()).enumerate()
        {
            write!(f, "{}{kind:?}", if index == 0 { "" } else { ", " })?;
            if origins(kind).count() < Origin::ALL.len() {
                write!(f, " from {:?}", origins(kind).collect::<Vec<_>>())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_contains_the_added_pair_and_no_other() {
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
