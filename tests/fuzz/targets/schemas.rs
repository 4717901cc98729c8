//! Looks for inputs of the target `schemas`.
#![no_main]

rondo_fuzz::search!(rondo_fuzz::schemas::TARGET);
