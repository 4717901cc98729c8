//! The living engine: runs turns, timers, calls, recovery and limits.
