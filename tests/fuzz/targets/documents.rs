//! Looks for inputs of the target `documents`.
#![no_main]

rondo_fuzz::search!(rondo_fuzz::documents::TARGET);
