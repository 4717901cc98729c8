//! The properties that hold for every request of the process: trust, limits, addresses.
//!
//! Promises: a property that cannot be read is an error at start, never a silent default.

use rondo_definition::Properties;

use crate::address::AddressPolicy;
use crate::settings::{is_true, lookup};
use crate::transport::TransportOptions;

/// A property that holds for all calls and cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SetupError(String);

impl SetupError {
    pub(crate) fn new(message: String) -> Self {
        Self(message)
    }
}

/// Enough for every API that workflows poll; a larger answer would fill the state data.
const MAX_ANSWER_BYTES: u64 = 16 * 1024 * 1024;

pub(crate) fn transport_options(properties: &Properties) -> Result<TransportOptions, SetupError> {
    let files: Vec<String> = lookup(properties, "rondo.tls.ca-file")
        .into_iter()
        .chain(lookup(properties, "quarkus.tls.trust-store.pem.certs"))
        .collect();
    let mut authorities = Vec::new();
    for file in files.iter().flat_map(|files| files.split(',')).map(str::trim) {
        let pem = std::fs::read(file);
        authorities.push(pem.map_err(|error| SetupError(format!("certificates in `{file}`: {error}")))?);
    }
    let max_answer_bytes = match lookup(properties, "rondo.http.max-answer-bytes") {
        None => MAX_ANSWER_BYTES,
        Some(text) => text.trim().parse().map_err(|_| {
            SetupError(format!("`rondo.http.max-answer-bytes` must be a number of bytes, not `{text}`"))
        })?,
    };
    Ok(TransportOptions {
        addresses: AddressPolicy { link_local: is_true(properties, "rondo.http.allow-link-local") },
        max_answer_bytes,
        authorities,
        trust_all: is_true(properties, "quarkus.tls.trust-all"),
    })
}
