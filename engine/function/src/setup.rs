//! The properties that apply to every request of the process: trust, limits, addresses.
//!
//! Promises: a property that cannot be read is an error at start, never a silent default.

use std::time::Duration;

use rondo_definition::settings::{self, Setting};
use rondo_definition::{Properties, PropertyError};

use rondo_handles::HandleBudget;
use rondo_memory::MemoryBudget;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::address::AddressPolicy;
use crate::caller::CALL_BYTES;
use crate::transport::{Transport, TransportOptions};

/// A property that applies to all calls cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SetupError {
    /// The property.
    pub key: &'static str,
    message: String,
}

impl SetupError {
    pub(crate) fn new(setting: &Setting, message: impl Into<String>) -> Self {
        Self { key: setting.name, message: message.into() }
    }
}

/// The settings of a caller.
pub(crate) struct CallerSettings {
    options: TransportOptions,
    idle: usize,
    pub(crate) max_calls: usize,
    pub(crate) queue_timeout: Duration,
    pub(crate) deadline: Duration,
}

/// One part in this many of the memory is for calls in flight, without their requests and answers.
const PART_OF_CALLS: u64 = 4;

/// How long an answer may wait for memory before it is read. A service that cannot send closes the connection after a minute or so.
const PATIENCE_FOR_ROOM: Duration = Duration::from_mins(1);

/// One part in this many of the memory is for the texts of answers; values take several times the bytes of their text.
const PART_OF_TEXTS: u64 = 4;

impl CallerSettings {
    pub(crate) fn read(properties: &Properties, memory: &MemoryBudget) -> Result<Self, SetupError> {
        let handles = HandleBudget::of_process();
        let configured = read_setting(&settings::MAX_CALLS, settings::MAX_CALLS.text(properties))?;
        let max_calls = if configured.is_some() {
            read_setting(&settings::MAX_CALLS, settings::MAX_CALLS.count(properties))?
        } else {
            let by_memory = memory.total() / PART_OF_CALLS / CALL_BYTES;
            usize::try_from(by_memory).unwrap_or(usize::MAX).clamp(1, handles.calls)
        };
        let duration = |setting: &Setting| read_setting(setting, setting.duration(properties));
        Ok(Self {
            options: transport_options(properties)?,
            idle: handles.idle,
            max_calls,
            queue_timeout: duration(&settings::QUEUE_TIMEOUT)?,
            deadline: duration(&settings::HTTP_TIMEOUT)?,
        })
    }

    /// The transport of calls. The texts of their answers share a part of the memory.
    pub(crate) fn transport(&self, memory: &MemoryBudget) -> Result<Transport, SetupError> {
        if self.options.trust_all {
            tracing::warn!("`quarkus.tls.trust-all` is on: certificates of services are not checked");
        }
        let texts = MemoryBudget::new(memory.total() / PART_OF_TEXTS);
        Transport::new(self.options.clone(), self.idle, texts, PATIENCE_FOR_ROOM)
            .map_err(|problem| SetupError::new(&settings::CA_FILE, problem))
    }
}

pub(crate) fn transport_options(properties: &Properties) -> Result<TransportOptions, SetupError> {
    let mut authorities = Vec::new();
    for setting in [&settings::CA_FILE, &settings::TRUSTED] {
        for file in read_setting(setting, setting.list(properties))? {
            let failed = |problem: &dyn std::fmt::Display| {
                SetupError::new(setting, format!("`{}`: the file `{file}` {problem}", setting.name))
            };
            let pem =
                std::fs::read(&file).map_err(|error| failed(&format_args!("cannot be read: {error}")))?;
            let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
            let certificates = certificates.map_err(|error| failed(&error))?;
            if certificates.is_empty() {
                return Err(failed(&"holds no certificate in PEM form"));
            }
            authorities.extend(certificates);
        }
    }
    let flag = |setting: &Setting| read_setting(setting, setting.flag(properties));
    Ok(TransportOptions {
        addresses: AddressPolicy { link_local: flag(&settings::ALLOW_LINK_LOCAL)? },
        max_answer_bytes: read_setting(
            &settings::MAX_ANSWER_BYTES,
            settings::MAX_ANSWER_BYTES.count(properties),
        )?,
        authorities,
        // Quarkus keeps the checks on for any value but `true`.
        trust_all: settings::TRUST_ALL.flag(properties).unwrap_or(false),
    })
}

pub(crate) fn read_setting<T>(setting: &Setting, value: Result<T, PropertyError>) -> Result<T, SetupError> {
    value.map_err(|error| SetupError::new(setting, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_calls_are_in_flight_as_there_is_memory_and_handles_for() {
        let most = |lines: &str, memory: u64| {
            let (properties, _) =
                Properties::parse("application.properties", lines, rondo_definition::Environment::new());
            CallerSettings::read(&properties, &MemoryBudget::new(memory)).map(|settings| settings.max_calls)
        };
        let handles = HandleBudget::of_process().calls;
        for (lines, memory, expected) in [
            ("", 4 << 20, 16.min(handles)),
            ("", 1 << 10, 1),
            ("", 1 << 40, handles),
            ("rondo.http.max-calls=7", 1 << 10, 7),
        ] {
            assert_eq!(most(lines, memory), Ok(expected), "`{lines}` with {memory} bytes");
        }
        assert_eq!(most("rondo.http.max-calls=0", 1 << 30).unwrap_err().key, "rondo.http.max-calls");
    }
}
