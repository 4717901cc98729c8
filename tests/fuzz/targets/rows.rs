//! Looks for inputs of the target `rows`.
#![no_main]

rondo_fuzz::search!(rondo_fuzz::rows::TARGET);
