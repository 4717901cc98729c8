//! Estimates the work of searches for the regular expressions of a schema.
//!
//! A search is one call of a library, which spends no steps of the budget. So its steps are spent before it, by the length of the text. An
//! ordinary pattern goes through the text once, and each byte costs more the more positions the pattern has. A pattern with look-around or
//! back references may be tried again from each character, so the cost is the square of the length.

use std::cell::Cell;

use rondo_expression::work;
use serde_json::Value;

/// The cost of the most expensive regular expressions of one schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Patterns {
    /// Positions of the longest ordinary pattern.
    positions: usize,
    /// Whether any pattern has look-around or back references.
    pub(super) backtrack: bool,
}

/// Texts up to this many bytes do not count by their square. The size of a body bounds how many there are, and the bound on processor time
/// ends a check that takes too long all the same.
const SHORT: usize = 1024;

/// Below this many positions, searching a byte takes as long as copying one. With more of them, the cache of the regex engine is too small
/// for the combinations of positions, and each byte takes longer.
const FEW_POSITIONS: usize = 100;

thread_local! {
    static RUNNING: Cell<Patterns> = const { Cell::new(Patterns { positions: 0, backtrack: false }) };
}

impl Patterns {
    /// The patterns of a schema and all schemas within it.
    pub(super) fn of(schema: &Value) -> Self {
        match schema {
            Value::Object(members) => members.iter().fold(Self::default(), |patterns, (keyword, value)| {
                let own = match (keyword.as_str(), value) {
                    ("pattern", Value::String(pattern)) => Self::of_pattern(pattern),
                    ("patternProperties", Value::Object(members)) => members
                        .keys()
                        .map(|pattern| Self::of_pattern(pattern))
                        .fold(Self::default(), Self::or),
                    _ => Self::default(),
                };
                patterns.or(own).or(Self::of(value))
            }),
            Value::Array(items) => items.iter().map(Self::of).fold(Self::default(), Self::or),
            _ => Self::default(),
        }
    }

    fn of_pattern(pattern: &str) -> Self {
        match work::positions_of_pattern(pattern) {
            Some(positions) => Self { positions, backtrack: false },
            None => Self { positions: 0, backtrack: true },
        }
    }

    fn or(self, other: Self) -> Self {
        Self { positions: self.positions.max(other.positions), backtrack: self.backtrack || other.backtrack }
    }

    /// Runs a check with these patterns, so that [`spend_on_search`] knows their cost.
    pub(super) fn within<T>(self, check: impl FnOnce() -> T) -> T {
        RUNNING.set(self);
        check()
    }

    /// The cost of a search through a text: the number of bytes that could be copied in the same time.
    fn bytes_of_search(self, bytes: usize) -> usize {
        let by_position = bytes.saturating_mul(1 + self.positions / FEW_POSITIONS);
        let by_try = if self.backtrack && bytes > SHORT { bytes.saturating_mul(bytes) } else { 0 };
        by_position.max(by_try)
    }
}

/// Spends the steps for reading a text and searching it for the patterns of the running check.
pub(super) fn spend_on_search(text: &str) {
    work::spend_on_bytes(RUNNING.get().bytes_of_search(text.len()));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_most_work_of_all_patterns_counts() {
        for (schema, positions, backtrack) in [
            (json!({"type": "string"}), 0, false),
            (json!({"pattern": "^[a-z]+$"}), 3, false),
            (json!({"properties": {"pattern": {"pattern": "a{300}"}, "b": {"pattern": "ab"}}}), 300, false),
            (json!({"allOf": [{"patternProperties": {"^x{7}": {"pattern": "a"}}}]}), 8, false),
            (json!({"items": {"pattern": "^(?=.*[0-9])"}}), 0, true),
            (json!({"items": {"pattern": r"(a)\1"}}), 0, true),
        ] {
            assert_eq!(Patterns::of(&schema), Patterns { positions, backtrack }, "{schema}");
        }
    }

    #[test]
    fn long_texts_count_by_their_square_where_each_character_may_be_tried() {
        let of = |positions, backtrack| Patterns { positions, backtrack };
        assert_eq!(of(99, false).bytes_of_search(1000), 1000);
        assert_eq!(of(300, false).bytes_of_search(1000), 4000);
        assert_eq!(of(0, true).bytes_of_search(SHORT), SHORT);
        assert_eq!(of(0, true).bytes_of_search(10_000), 100_000_000);
        assert_eq!(of(usize::MAX, true).bytes_of_search(usize::MAX), usize::MAX);
    }
}
