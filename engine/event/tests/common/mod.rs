//! What the tests of this crate share.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test uses a part of it; a test that cannot go on fails"
)]

use rondo_definition::{Environment, Properties};
use rondo_event::{Channels, EventError, Received, Room, read_http};
use rondo_expression::ReadLimits;

/// Reads a request with these headers.
pub(crate) fn read(headers: &[(&str, &str)], body: &str) -> Result<Received, EventError> {
    let headers = headers.iter().map(|(name, value)| (*name, value.as_bytes()));
    let mut grant = |_| true;
    read_http(headers, body.as_bytes(), &mut Room::new(ReadLimits::default(), &mut grant))
}

/// The channels of a properties file, and the problems, each on one line with its help.
pub(crate) fn channels(file: &str, variables: &[(&str, &str)]) -> (Channels, String) {
    let (channels, problems) = Channels::read(&properties(file, variables));
    let lines = problems.iter().map(|problem| match &problem.help {
        Some(help) => format!("{problem} ({help})"),
        None => problem.to_string(),
    });
    (channels, lines.collect::<Vec<_>>().join("\n"))
}

/// A properties file with environment variables.
pub(crate) fn properties(file: &str, variables: &[(&str, &str)]) -> Properties {
    let env: Environment =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let (properties, problems) = Properties::parse("application.properties", file, env);
    assert!(problems.is_empty(), "{problems:?}");
    properties
}
