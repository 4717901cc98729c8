//! Bounds of an evaluation: the work it does, its stack, and the size of what it makes.
//!
//! Expressions come from definitions, data from anywhere, and together they can ask for anything: an endless loop, a recursion without
//! end, a text that doubles forty times. So an evaluation has a number of steps. The interpreter spends one for each filter that it
//! runs; a function that works on much spends as many as that work takes the time of, before it does it. The clock on the wall decides
//! nothing: a process that is stopped, or waits for a processor, has done nothing wrong. Only the processor time of the thread is a
//! second bound, for work that no step is spent on.
//!
//! An evaluation that exceeds a bound unwinds out of the interpreter; jq's `try` cannot catch it. The bounds are thread-local while an
//! evaluation runs, because the interpreter makes values through traits that have no parameter for them.

use std::{
    any::Any,
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

use crate::value::{Size, Val};

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

/// Bounds that are looked at seldom.
#[derive(Clone, Copy)]
struct Bounds {
    steps: u64,
    processor_time: Duration,
    /// The processor time of the thread when it was first looked at.
    began: Option<Duration>,
    calls_left: u32,
    largest: Size,
    text: usize,
}

thread_local! {
    /// `None` while no evaluation runs.
    static BOUNDS: Cell<Option<Bounds>> = const { Cell::new(None) };
    static STEPS_LEFT: Cell<u64> = const { Cell::new(u64::MAX) };
    /// With so many steps left the processor time is looked at next.
    static NEXT_LOOK: Cell<u64> = const { Cell::new(0) };
    /// Address below which the stack must not grow.
    static STACK_FLOOR: Cell<usize> = const { Cell::new(0) };
    static TAKEN: Cell<u64> = const { Cell::new(0) };
}

/// Steps of all evaluations so far on this thread: the difference says what some of them cost.
pub fn steps_taken() -> u64 {
    TAKEN.get()
}

/// How often functions may pass filters to themselves: each such call makes a chain longer, whose end is freed recursively.
const CALLS: u32 = 5000;

/// How many steps pass between two looks at the processor time. A look is a system call of some 300 ns, and 4096 steps take 100 µs and
/// more. Most expressions take fewer, and never look.
const LOOK_EVERY: u64 = 4096;

/// So many elements are moved or compared in the time of a step: a step takes some 50 ns, an element 3 to 5 ns.
const ELEMENTS_OF_A_STEP: u64 = 16;

/// So many elements are made or copied for a step, whatever the time: with 24 bytes each, it bounds the memory that an evaluation can
/// fill with arrays to 1 GB.
const NEW_ELEMENTS_OF_A_STEP: u64 = 4;

/// So many members are moved or compared in the time of a step; the name of each is hashed.
const MEMBERS_OF_A_STEP: u64 = 8;

/// So many bytes of text are made, copied or searched for a step. It bounds the memory that an evaluation can fill with texts.
const BYTES_OF_A_STEP: u64 = 64;

/// Runs an evaluation within a budget. Panics that are none of ours go on.
pub(crate) fn within<T>(budget: &Budget, evaluation: impl FnOnce() -> T) -> Result<T, Exceeded> {
    let bounds = Bounds {
        steps: budget.steps,
        processor_time: budget.processor_time,
        began: None,
        calls_left: CALLS,
        largest: Size {
            nodes: budget.nodes,
            depth: budget.depth,
            bytes: budget.bytes,
            memory: budget.memory,
        },
        text: budget.text,
    };
    // An evaluation within another (there is none today) has bounds of its own, and the outer one's hold again behind it.
    let outer = (
        BOUNDS.replace(Some(bounds)),
        STEPS_LEFT.replace(budget.steps),
        NEXT_LOOK.replace(budget.steps.saturating_sub(LOOK_EVERY)),
        STACK_FLOOR.replace(stack_position().saturating_sub(budget.stack)),
    );
    let result = catch_unwind(AssertUnwindSafe(evaluation));
    TAKEN.set(TAKEN.get().wrapping_add(budget.steps.saturating_sub(STEPS_LEFT.get())));
    BOUNDS.set(outer.0);
    STEPS_LEFT.set(outer.1);
    NEXT_LOOK.set(outer.2);
    STACK_FLOOR.set(outer.3);
    result.map_err(|payload: Box<dyn Any + Send>| match payload.downcast::<Exceeded>() {
        Ok(exceeded) => *exceeded,
        Err(other) => resume_unwind(other),
    })
}

impl Budget {
    /// Runs something else than an expression within these bounds: it spends its steps by [`crate::work`], and may make values.
    ///
    /// # Errors
    /// The bound that it exceeded. What it had done by then is dropped.
    pub fn bound<T>(&self, work: impl FnOnce() -> T) -> Result<T, Exceeded> {
        within(self, work)
    }
}

/// Counts one step of the interpreter.
pub fn step() {
    spend(1);
    if stack_position() < STACK_FLOOR.get() {
        stop(Exceeded::Stack);
    }
}

/// Spends steps, before the work that they stand for is done.
pub(crate) fn spend(steps: u64) {
    match STEPS_LEFT.get().checked_sub(steps) {
        Some(left) if left >= NEXT_LOOK.get() => STEPS_LEFT.set(left),
        left => look(left),
    }
}

/// Spends what moving or comparing so many elements of an array takes.
pub fn spend_on_elements(elements: usize) {
    spend(elements as u64 / ELEMENTS_OF_A_STEP);
}

/// Spends what making or copying so many elements of an array takes.
pub(crate) fn spend_on_new_elements(elements: usize) {
    spend(elements as u64 / NEW_ELEMENTS_OF_A_STEP);
}

/// Spends what moving or comparing so many members of an object takes.
pub(crate) fn spend_on_members(members: usize) {
    spend(members as u64 / MEMBERS_OF_A_STEP);
}

/// Spends what making or copying so many members of an object takes: with its name and its hash a member takes the memory of four
/// elements.
pub(crate) fn spend_on_new_members(members: usize) {
    spend(members as u64);
}

/// Spends what making, copying or searching so many bytes of text takes.
pub fn spend_on_bytes(bytes: usize) {
    spend(bytes as u64 / BYTES_OF_A_STEP);
}

/// Looks at the bounds of the work. `None`: there are not as many steps left as are asked for.
#[cold]
fn look(left: Option<u64>) {
    STEPS_LEFT.set(left.unwrap_or_default());
    let Some(mut bounds) = BOUNDS.get() else { return STEPS_LEFT.set(u64::MAX) };
    let Some(left) = left else { stop(Exceeded::Steps(bounds.steps)) };
    NEXT_LOOK.set(left.saturating_sub(LOOK_EVERY));
    let now = processor_time();
    let began = *bounds.began.get_or_insert(now);
    BOUNDS.set(Some(bounds));
    if now.saturating_sub(began) > bounds.processor_time {
        stop(Exceeded::ProcessorTime(bounds.processor_time));
    }
}

/// For how long this thread has had a processor. It does not pass while the thread waits for one, or the process is stopped.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// Counts a function's passing filters to itself.
pub(crate) fn call() {
    let Some(mut bounds) = BOUNDS.get() else { return };
    if bounds.calls_left == 0 {
        stop(Exceeded::Calls(CALLS));
    }
    bounds.calls_left -= 1;
    BOUNDS.set(Some(bounds));
}

/// Bounds the size of an array or object that is about to be made.
pub(crate) fn check_value(size: Size) {
    let Some(Bounds { largest, .. }) = BOUNDS.get() else { return };
    if size.nodes > largest.nodes {
        stop(Exceeded::Nodes(largest.nodes));
    }
    if size.depth > largest.depth {
        stop(Exceeded::Depth(largest.depth));
    }
    if size.bytes > largest.bytes {
        stop(Exceeded::Bytes(largest.bytes));
    }
    if size.memory > largest.memory {
        stop(Exceeded::Memory(largest.memory));
    }
}

/// Bounds the length of a text that is about to be made.
pub(crate) fn check_text(bytes: usize) {
    // Short texts are the rule; they need no look at the bounds.
    if bytes < 64 * 1024 {
        return;
    }
    if let Some(Bounds { text, .. }) = BOUNDS.get()
        && bytes > text
    {
        stop(Exceeded::Text(text));
    }
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
