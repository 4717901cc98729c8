//! The memory of the process: the allocator, and the return of free memory to the system.

use std::{hint::black_box, thread, time::Duration};

/// mimalloc: the engine allocates many small values on several threads, for which it is the fastest. Its feature `override` makes the C
/// libraries (`SQLite`, librdkafka) use it too: the C library's own allocator keeps what large rows took, up to 64 MiB for each thread of the
/// database, for as long as the process runs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// After the start. The allocator keeps freed memory for one second, to reuse it.
const FIRST_PAUSE: Duration = Duration::from_millis(1200);

/// Between later calls. One thread a minute costs nothing and bounds how long memory of a past load stays.
const PAUSE: Duration = Duration::from_mins(1);

/// Returns free memory to the system: after the start, because reading the folder takes the most memory, and once a minute. The
/// allocator returns memory some seconds after a load, while the threads that had it work; what idle threads hold, it returns when any thread
/// ends, and an idle engine ends none.
pub(crate) async fn release_free_memory() {
    let mut pause = FIRST_PAUSE;
    loop {
        tokio::time::sleep(pause).await;
        let short = thread::Builder::new().spawn(|| drop(black_box(Vec::<u8>::with_capacity(64 * 1024))));
        if let Ok(short) = short {
            // A thread that only allocates cannot have panicked.
            let _ = short.join();
        }
        pause = PAUSE;
    }
}
