//! Looks for inputs of the target `expressions`.
#![no_main]

rondo_fuzz::search!(rondo_fuzz::expressions::TARGET);
