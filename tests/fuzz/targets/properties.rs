//! Looks for inputs of the target `properties`.
#![no_main]

rondo_fuzz::search!(rondo_fuzz::properties::TARGET);
