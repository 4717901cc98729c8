//! Looks for inputs of the target `bodies`.
#![no_main]

rondo_fuzz::search!(rondo_fuzz::bodies::TARGET);
