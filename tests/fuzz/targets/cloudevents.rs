//! Looks for inputs of the target `cloudevents`.
#![no_main]

rondo_fuzz::search!(rondo_fuzz::cloudevents::TARGET);
