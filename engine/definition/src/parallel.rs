//! Runs independent work on all processors, such as reading the files of a folder.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use parking_lot::Mutex;

/// The stack of a thread in bytes, four times the default: readers recurse as deep as documents are nested, up to 200 levels.
const STACK_BYTES: usize = 8 * 1024 * 1024;

/// Applies `work` to each item on several threads and returns the results in the order of the items.
///
/// If the operating system refuses to start threads, the thread of the caller does all the work.
pub fn in_parallel<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let items: Vec<_> = items.into_iter().map(|item| Mutex::new((Some(item), None))).collect();
    let next = AtomicUsize::new(0);
    let worker = || {
        while let Some(slot) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            let item = slot.lock().0.take();
            let result = item.map(&work);
            slot.lock().1 = result;
        }
    };
    let processors = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 1..processors.min(items.len()) {
            let _ = thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, worker);
        }
        worker();
    });
    items.into_iter().filter_map(|slot| slot.into_inner().1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_have_the_order_of_the_items() {
        let squares = in_parallel((0..1000).collect(), |number: u64| number * number);
        assert_eq!(squares, (0..1000).map(|number| number * number).collect::<Vec<_>>());
        assert!(in_parallel(Vec::<u8>::new(), |item| item).is_empty());
    }
}
