//! The formats of those columns that the store does not interpret.
//!
//! | module | column | its version is in |
//! | --- | --- | --- |
//! | `error` | `instance.error` | `"v"` |
//! | `history` | `history.facts` | `"v"` |
//! | `input` | `instance.input` | `"v"` |
//! | `mailbox` | `mailbox.payload` | its first byte |
//! | `request` | `instance.sealed`, inside of the encryption | the first byte of the encryption |
//!
//! The rules: each stored text names its version. A text without a version was written before there were versions, and is version 1. Every
//! version that was ever written stays readable; the tests hold literal texts of each. An unknown version, or a damaged text, is a
//! [`FormatError`]: the engine logs it with the instance, leaves the text as it is, and never guesses its content.

use crate::encryption::EncryptionError;

pub(crate) mod error;
pub(crate) mod history;
pub(crate) mod input;
pub(crate) mod mailbox;
pub(crate) mod request;

/// Why something stored cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FormatError {
    /// A newer build wrote it.
    #[error("{what} has format {found}, and this build reads up to {known}: a newer build wrote it")]
    Newer {
        /// Name of the stored text.
        what: &'static str,
        /// Its version.
        found: u64,
        /// The newest version that this build reads.
        known: u8,
    },
    /// It is no JSON of the expected form.
    #[error("{what} is damaged: {problem}")]
    Damaged {
        /// Name of the stored text.
        what: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// It cannot be written as JSON.
    #[error("{what} cannot be written: {problem}")]
    Unwritable {
        /// Name of the text.
        what: &'static str,
        /// Why it cannot be written.
        problem: String,
    },
    /// The machine cannot encode the snapshot.
    #[error(transparent)]
    Snapshot(#[from] rondo_machine::EncodeError),
    /// The parts of the start request cannot be encrypted or decrypted.
    #[error("what is kept of the start request: {0}")]
    Encryption(#[from] EncryptionError),
}

impl FormatError {
    pub(crate) fn damaged(what: &'static str, problem: impl std::fmt::Display) -> Self {
        Self::Damaged { what, problem: problem.to_string() }
    }

    fn unwritable(what: &'static str) -> impl Fn(serde_json::Error) -> Self {
        move |error| Self::Unwritable { what, problem: error.to_string() }
    }

    /// Refuses a version that is newer than the newest known one.
    fn check_version(what: &'static str, found: u64, known: u8) -> Result<(), Self> {
        if found > u64::from(known) { Err(Self::Newer { what, found, known }) } else { Ok(()) }
    }
}
