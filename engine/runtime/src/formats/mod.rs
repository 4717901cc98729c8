//! The formats of the columns whose content the store does not read.
//!
//! | module | column | says its version by |
//! | --- | --- | --- |
//! | `error` | `instance.error` | `"v"` |
//! | `history` | `history.facts` | `"v"` |
//! | `input` | `instance.input` | `"v"` |
//! | `mailbox` | `mailbox.payload` | its first byte |
//! | `request` | `instance.sealed`, inside of the encryption | the first byte of the encryption |
//!
//! The rules: everything that is written says its version. What says none was written before there were versions, and is version 1 for
//! ever. Every version that was ever written is read for ever; the tests hold literal texts of each. A version that this build does not
//! know, and what is damaged, is a [`FormatError`]: it is logged with the instance, stays where it is, and is never taken for something else.

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
        /// What it is.
        what: &'static str,
        /// Its version.
        found: u64,
        /// The newest version that this build reads.
        known: u8,
    },
    /// It is no JSON of the expected form.
    #[error("{what} is damaged: {problem}")]
    Damaged {
        /// What it is.
        what: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// It cannot be written as JSON.
    #[error("{what} cannot be written: {problem}")]
    Unwritable {
        /// What it is.
        what: &'static str,
        /// Why.
        problem: String,
    },
    /// The machine cannot write where the instance stands.
    #[error(transparent)]
    Snapshot(#[from] rondo_machine::EncodeError),
    /// It cannot be encrypted or decrypted.
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
