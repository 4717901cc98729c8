//! Looks for inputs of the target `openapi`.
#![no_main]

rondo_fuzz::search!(rondo_fuzz::openapi::TARGET);
