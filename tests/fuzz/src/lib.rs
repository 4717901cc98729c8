//! What clients, services, authors of definitions and disks can send, as functions of bytes.
//!
//! Owns: one [`Target`] for each way in: bytes go in, the engine's own code reads them, and an assertion fails where a promise does not hold.
//! The programs in `targets/` look for such bytes, led by the coverage of the code (`run` builds and starts them); the test `fuzzed` of the
//! end-to-end tests plays the inputs that once were found, and the seeds. Promises: a target is a pure function, so an input that
//! fails once fails always. Never: opens a connection or writes a file.
//!
//! An input that has several parts has the byte `0xff` between them, which no text in UTF-8 has.

pub mod bodies;
pub mod cloudevents;
pub mod documents;
pub mod expressions;
mod instances;
pub mod openapi;
pub mod properties;
pub mod rows;
pub mod schemas;
mod seeds;
pub mod snapshots;

use std::path::{Path, PathBuf};

/// One way in.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, as of its program, its dictionary and its folder of regressions.
    pub name: &'static str,
    /// Reads the bytes; panics where a promise does not hold.
    pub play: fn(&[u8]),
    /// Inputs to begin with, made of files of the repository, whose folder is given.
    pub seeds: fn(&Path) -> Vec<Vec<u8>>,
}

/// All of them.
pub const TARGETS: [Target; 9] = [
    bodies::TARGET,
    cloudevents::TARGET,
    documents::TARGET,
    expressions::TARGET,
    openapi::TARGET,
    properties::TARGET,
    rows::TARGET,
    schemas::TARGET,
    snapshots::TARGET,
];

/// What stands between the parts of an input.
pub(crate) const SEPARATOR: u8 = 0xff;

/// The folder of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("/")).to_owned()
}

/// The parts of an input; those that it does not have are empty, and the last one is all that is left.
pub(crate) fn parts<const COUNT: usize>(input: &[u8]) -> [&[u8]; COUNT] {
    let mut parts = input.splitn(COUNT, |byte| *byte == SEPARATOR);
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

/// An input of these parts.
pub(crate) fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.join(&SEPARATOR)
}

/// The program that looks for inputs of a target. With `RONDO_FUZZ_SEEDS` it only writes the seeds into the folder that this names.
#[macro_export]
macro_rules! search {
    ($target:expr) => {
        libfuzzer_sys::fuzz_target!(init: $crate::write_seeds(&$target), |input: &[u8]| ($target.play)(input));
    };
}

/// Writes the seeds of a target into the folder that `RONDO_FUZZ_SEEDS` names, and ends the process; nothing where it names none.
pub fn write_seeds(target: &Target) {
    let Some(folder) = std::env::var_os("RONDO_FUZZ_SEEDS").map(PathBuf::from) else { return };
    for (number, seed) in (target.seeds)(&repository()).into_iter().enumerate() {
        if let Err(error) = std::fs::write(folder.join(format!("seed-{number:05}")), seed) {
            eprintln!("the seeds of `{}` cannot be written to {}: {error}", target.name, folder.display());
            std::process::exit(1);
        }
    }
    std::process::exit(0);
}
