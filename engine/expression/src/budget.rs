//! Bounds of an evaluation: steps, time, stack, and the size of what it makes.
//!
//! Expressions come from definitions, data from anywhere, and together they can ask for anything: an endless loop, a
//! recursion without end, a text that doubles forty times. An evaluation that exceeds a bound unwinds out of the interpreter; jq's
//! `try` cannot catch it. The bounds are thread-local while an evaluation runs, because the interpreter makes values through
//! traits that have no room for them.

use std::{
    any::Any,
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    time::{Duration, Instant},
};

use crate::value::{Size, Val};

/// Bounds of one evaluation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// Steps of the interpreter.
    pub steps: u64,
    /// Time on the clock.
    pub time: Duration,
    /// Values that an array or object may hold, itself and nested ones included.
    pub nodes: usize,
    /// Levels of arrays and objects.
    pub depth: usize,
    /// Bytes of the JSON of a value.
    pub bytes: usize,
    /// Bytes of a text.
    pub text: usize,
    /// Bytes of stack, of which a worker must have more than this.
    pub stack: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            steps: 10_000_000,
            time: Duration::from_millis(100),
            nodes: 2_000_000,
            depth: Val::DEEPEST,
            bytes: 32 * 1024 * 1024,
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
    /// Too much time.
    #[error("it takes longer than {} ms", .0.as_millis())]
    Time(Duration),
    /// Too deep a recursion.
    #[error("it recurses too deeply")]
    Stack,
    /// Too many filters that a function passed to itself.
    #[error("a function passes filters to itself more than {0} times: pass values, as `def f($x)` does")]
    Calls(u32),
    /// Too large a value.
    #[error("it makes a value of more than {0} elements")]
    Nodes(usize),
    /// Too deep a value.
    #[error("it makes a value nested more than {0} levels deep")]
    Depth(usize),
    /// Too large a value, counted in bytes.
    #[error("it makes a value of more than {0} bytes")]
    Bytes(usize),
    /// Too long a text.
    #[error("it makes a text of more than {0} bytes")]
    Text(usize),
}

#[derive(Clone, Copy)]
struct Running {
    steps_left: u64,
    steps: u64,
    deadline: Instant,
    time: Duration,
    /// Address below which the stack must not grow.
    stack_floor: usize,
    calls_left: u32,
    nodes: usize,
    depth: usize,
    bytes: usize,
    text: usize,
}

thread_local! {
    static RUNNING: Cell<Option<Running>> = const { Cell::new(None) };
    static TAKEN: Cell<u64> = const { Cell::new(0) };
}

/// Steps of all evaluations so far on this thread: the difference says what some of them cost.
pub fn steps_taken() -> u64 {
    TAKEN.get()
}

/// How often functions may pass filters to themselves: each such call makes a chain longer, whose end is freed recursively.
const CALLS: u32 = 5000;

/// How many steps pass between two looks at the clock.
const CLOCK_EVERY: u64 = 1024;

/// Runs an evaluation within a budget. Panics that are none of ours go on.
pub(crate) fn within<T>(budget: &Budget, evaluation: impl FnOnce() -> T) -> Result<T, Exceeded> {
    #[allow(
        clippy::disallowed_methods,
        reason = "the bound is one of real time, and nothing else depends on it"
    )]
    let now = Instant::now();
    let here = stack_position();
    let running = Running {
        steps_left: budget.steps,
        steps: budget.steps,
        deadline: now + budget.time,
        time: budget.time,
        stack_floor: here.saturating_sub(budget.stack),
        calls_left: CALLS,
        nodes: budget.nodes,
        depth: budget.depth,
        bytes: budget.bytes,
        text: budget.text,
    };
    // An evaluation within another (there is none today) keeps the outer one's bounds.
    let outer = RUNNING.replace(Some(running));
    let result = catch_unwind(AssertUnwindSafe(evaluation));
    let left = RUNNING.replace(outer).map_or(0, |ended| ended.steps_left);
    TAKEN.set(TAKEN.get().wrapping_add(budget.steps.saturating_sub(left)));
    result.map_err(|payload: Box<dyn Any + Send>| match payload.downcast::<Exceeded>() {
        Ok(exceeded) => *exceeded,
        Err(other) => resume_unwind(other),
    })
}

/// Counts one step of the interpreter.
pub(crate) fn step() {
    let Some(mut running) = RUNNING.get() else { return };
    if running.steps_left == 0 {
        stop(Exceeded::Steps(running.steps));
    }
    running.steps_left -= 1;
    if stack_position() < running.stack_floor {
        stop(Exceeded::Stack);
    }
    if running.steps_left.is_multiple_of(CLOCK_EVERY) {
        check_clock(&running);
    }
    RUNNING.set(Some(running));
}

/// Counts a function's passing filters to itself.
pub(crate) fn call() {
    let Some(mut running) = RUNNING.get() else { return };
    if running.calls_left == 0 {
        stop(Exceeded::Calls(CALLS));
    }
    running.calls_left -= 1;
    RUNNING.set(Some(running));
}

#[allow(clippy::disallowed_methods, reason = "the bound is one of real time, and nothing else depends on it")]
fn check_clock(running: &Running) {
    if Instant::now() > running.deadline {
        stop(Exceeded::Time(running.time));
    }
}

/// Looks at the clock, where one step can be a long one.
pub(crate) fn check_time() {
    if let Some(running) = RUNNING.get() {
        check_clock(&running);
    }
}

/// Bounds the size of an array or object that is about to be made.
pub(crate) fn check_value(size: Size) {
    let Some(running) = RUNNING.get() else { return };
    if size.nodes > running.nodes {
        stop(Exceeded::Nodes(running.nodes));
    }
    if size.depth > running.depth {
        stop(Exceeded::Depth(running.depth));
    }
    if size.bytes > running.bytes {
        stop(Exceeded::Bytes(running.bytes));
    }
    // Making large values costs time without a step of the interpreter.
    if size.nodes >= 4096 {
        check_clock(&running);
    }
}

/// Bounds the length of a text that is about to be made.
pub(crate) fn check_text(bytes: usize) {
    // Short texts are the rule; they need no look at the bounds.
    if bytes < 64 * 1024 {
        return;
    }
    let Some(running) = RUNNING.get() else { return };
    if bytes > running.text {
        stop(Exceeded::Text(running.text));
    }
    check_clock(&running);
}

/// Unwinds out of the interpreter. `resume_unwind` does not call the panic hook, so nothing is printed.
fn stop(exceeded: Exceeded) -> ! {
    resume_unwind(Box::new(exceeded))
}

/// Roughly where the stack is: the address of a local variable. The stack grows downwards on all platforms that are served.
#[inline(never)]
fn stack_position() -> usize {
    let here = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&here)).addr()
}
