//! The bounds of an evaluation, their defaults, and the error of each.

use std::time::Duration;

use crate::value::Val;

/// Bounds of one evaluation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// Steps: one for each filter that the interpreter runs, and more for functions that work on much.
    pub steps: u64,
    /// Time for which the thread may have a processor; only a net below the steps.
    pub processor_time: Duration,
    /// Values that an array or object may hold, itself and nested ones included.
    pub nodes: usize,
    /// Levels of arrays and objects.
    pub depth: usize,
    /// Bytes of the JSON of a value.
    pub bytes: usize,
    /// Bytes of memory that a value may take, and that all values together may take which an evaluation has made and still holds.
    pub memory: usize,
    /// Bytes of a text.
    pub text: usize,
    /// Bytes of stack, of which a worker must have more than this.
    pub stack: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            // 0.5 s of a processor of 2024. Expressions of published workflows take 10 to 10,000 steps.
            steps: 10_000_000,
            processor_time: Duration::from_secs(2),
            nodes: 2_000_000,
            depth: Val::DEEPEST,
            bytes: 32 * 1024 * 1024,
            memory: 128 * 1024 * 1024,
            text: 16 * 1024 * 1024,
            stack: 1024 * 1024,
        }
    }
}

/// The bound that an evaluation exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Exceeded {
    /// Too many steps.
    #[error("it takes more than {0} steps: does it loop?")]
    Steps(u64),
    /// Too much time on the processor.
    #[error("it takes more than {} ms of computing", .0.as_millis())]
    ProcessorTime(Duration),
    /// Too deep a recursion.
    #[error("it recurses too deeply")]
    Stack,
    /// Too many filters that a function passed to itself.
    #[error("a function passes filters to itself more than {0} times: pass values, as `def f($x)` does")]
    Calls(u32),
    /// Too long a path.
    #[error("it follows a path of more than {0} steps")]
    Path(usize),
    /// Too large a value.
    #[error("it makes a value of more than {0} elements")]
    Nodes(usize),
    /// Too deep a value.
    #[error("it makes a value nested more than {0} levels deep")]
    Depth(usize),
    /// Too large a value, counted in bytes.
    #[error("it makes a value of more than {0} bytes")]
    Bytes(usize),
    /// Too much memory.
    #[error("its values take more than {0} bytes of memory")]
    Memory(usize),
    /// Too long a text.
    #[error("it makes a text of more than {0} bytes")]
    Text(usize),
}
