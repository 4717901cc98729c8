//! Looks for inputs of the target `snapshots`.
#![no_main]

rondo_fuzz::search!(rondo_fuzz::snapshots::TARGET);
