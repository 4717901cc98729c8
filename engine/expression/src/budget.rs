//! Bounds of an evaluation: the work it does, its stack, the size of what it makes, and the memory that it holds (`memory.rs`).
//!
//! Expressions come from definitions, data from anywhere, and together they can ask for anything: an endless loop, a recursion without
//! end, a text that doubles forty times. So an evaluation has a number of steps. The interpreter spends one for each filter that it
//! runs; a function that works on much spends as many as that work takes the time of, before it does it. The clock on the wall decides
//! nothing: a process that is stopped, or waits for a processor, has done nothing wrong. Only the processor time of the thread is a
//! second bound, for work that no step is spent on.
//!
//! An evaluation that exceeds a bound unwinds out of the interpreter; jq's `try` cannot catch it. The bounds are thread-local while an
//! evaluation runs, because the interpreter makes values through traits that have no parameter for them.

mod limits;
pub(crate) mod memory;

use std::{
    any::Any,
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

pub use self::limits::{Budget, Exceeded};
use crate::value::Size;

/// Bounds that are looked at seldom.
#[derive(Clone, Copy)]
struct Bounds {
    steps: u64,
    /// Steps that are left behind those until the next look.
    later: u64,
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
    /// Steps until the processor time is looked at next.
    static UNTIL_LOOK: Cell<u64> = const { Cell::new(u64::MAX) };
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

/// So many elements are made or copied in the time of a step, with the work of the allocator.
const NEW_ELEMENTS_OF_A_STEP: u64 = 4;

/// So many members are moved or compared in the time of a step; the name of each is hashed.
const MEMBERS_OF_A_STEP: u64 = 8;

/// So many bytes of text are made, copied or searched in the time of a step.
const BYTES_OF_A_STEP: u64 = 64;

/// Runs an evaluation within a budget. Panics that are none of ours go on.
pub(crate) fn within<T>(budget: &Budget, evaluation: impl FnOnce() -> T) -> Result<T, Exceeded> {
    let until_look = budget.steps.min(LOOK_EVERY);
    let bounds = Bounds {
        steps: budget.steps,
        later: budget.steps - until_look,
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
        UNTIL_LOOK.replace(until_look),
        STACK_FLOOR.replace(stack_position().saturating_sub(budget.stack)),
        memory::begin(budget.memory),
    );
    let result = catch_unwind(AssertUnwindSafe(evaluation));
    let left = UNTIL_LOOK.get() + BOUNDS.get().map_or(0, |bounds| bounds.later);
    TAKEN.set(TAKEN.get().wrapping_add(budget.steps - left));
    BOUNDS.set(outer.0);
    UNTIL_LOOK.set(outer.1);
    STACK_FLOOR.set(outer.2);
    memory::end(outer.3);
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
    match UNTIL_LOOK.get().checked_sub(steps) {
        Some(left) => UNTIL_LOOK.set(left),
        None => look(steps),
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

/// Spends what making or copying so many members of an object takes: with its name and its hash a member takes the time of four elements.
pub(crate) fn spend_on_new_members(members: usize) {
    spend(members as u64);
}

/// Spends what making, copying or searching so many bytes of text takes.
pub fn spend_on_bytes(bytes: usize) {
    spend(bytes as u64 / BYTES_OF_A_STEP);
}

/// Looks whether so many values can be made, of so many bytes of memory each, before the first one is.
pub(crate) fn look_at(values: usize, bytes_of_each: usize) {
    let Some(Bounds { largest, .. }) = BOUNDS.get() else { return };
    if values > largest.nodes {
        stop(Exceeded::Nodes(largest.nodes));
    }
    memory::check(values.saturating_mul(bytes_of_each));
}

/// Spends steps that are more than those until the next look.
#[cold]
fn look(steps: u64) {
    let Some(mut bounds) = BOUNDS.get() else { return UNTIL_LOOK.set(u64::MAX) };
    let left = (UNTIL_LOOK.get() + bounds.later).checked_sub(steps);
    let until_look = left.unwrap_or_default().min(LOOK_EVERY);
    UNTIL_LOOK.set(until_look);
    bounds.later = left.unwrap_or_default() - until_look;
    let now = processor_time();
    let began = *bounds.began.get_or_insert(now);
    BOUNDS.set(Some(bounds));
    if left.is_none() {
        stop(Exceeded::Steps(bounds.steps));
    }
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

/// Longest path that an expression follows: some ten times what the depth of a value and slices of it need, and short enough to be freed on
/// any stack.
const PATH: usize = 1000;

/// Bounds the length of a path that goes further.
pub(crate) fn check_path(steps: usize) {
    spend_on_elements(steps);
    if steps > PATH {
        stop(Exceeded::Path(PATH));
    }
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
    // Short texts are the rule; they need no look at the bounds. Tests have bounds of some kilobytes.
    if bytes < 4 * 1024 {
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
#[inline]
fn stack_position() -> usize {
    let here = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&here)).addr()
}
