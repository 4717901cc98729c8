//! How much work the regular expressions of a schema can be.
//!
//! A search is one call of a library, and spends no step while it lasts. So its work is spent before, by the length of the text: an engine
//! that goes through the text once, for each position of the pattern; one that tries again from each character (look-around and back
//! references), by the square of it.

use std::cell::Cell;

use rondo_expression::work;
use serde_json::Value;

/// The regular expressions of one schema, as the one that is the most work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Patterns {
    /// Positions of the longest one that a text is gone through once for.
    positions: usize,
    /// Whether one has look-around or back references.
    pub(super) backtrack: bool,
}

/// Texts of so many bytes are not counted by their square: together they have as many bytes as a body may have, and the bound on processor
/// time ends what is left.
const SHORT: usize = 1024;

/// A byte of the text takes as long as a byte that is copied, while a pattern has fewer positions. Beyond, the engine's memory is too small
/// to remember the combinations that it meets.
const FEW_POSITIONS: usize = 100;

thread_local! {
    static RUNNING: Cell<Patterns> = const { Cell::new(Patterns { positions: 0, backtrack: false }) };
}

impl Patterns {
    /// Those of a schema and all schemas within.
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

    /// Runs a check in which texts are searched for these.
    pub(super) fn within<T>(self, check: impl FnOnce() -> T) -> T {
        RUNNING.set(self);
        check()
    }

    /// Bytes that are copied in the time of a search of so many.
    fn bytes_of_search(self, bytes: usize) -> usize {
        let by_position = bytes.saturating_mul(1 + self.positions / FEW_POSITIONS);
        let by_try = if self.backtrack && bytes > SHORT { bytes.saturating_mul(bytes) } else { 0 };
        by_position.max(by_try)
    }
}

/// Spends what looking at a text takes, with a search of it for a pattern of the schema.
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
