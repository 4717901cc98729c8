//! The process's memory: which allocator it is, and that it gives back what is free.

use std::{hint::black_box, thread, time::Duration};

/// mimalloc: the engine allocates many small values on several threads, for which it is the fastest.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The allocator keeps what was freed for a second, lest it is needed again at once.
const FIRST: Duration = Duration::from_millis(1200);

/// How often it is reminded later, after whatever load there was.
const LATER: Duration = Duration::from_mins(1);

/// Gives memory back to the system that is free: after the start, whose reading of the folder takes most of it, and from time to
/// time. The allocator looks for such memory when a thread ends, and an idle engine ends none.
pub(crate) async fn give_back() {
    let mut pause = FIRST;
    loop {
        tokio::time::sleep(pause).await;
        let short = thread::Builder::new().spawn(|| drop(black_box(Vec::<u8>::with_capacity(64 * 1024))));
        if let Ok(short) = short {
            // A thread that only allocates cannot have panicked.
            let _ = short.join();
        }
        pause = LATER;
    }
}
