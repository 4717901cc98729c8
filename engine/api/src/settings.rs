//! The properties of the HTTP interface.

use std::time::Duration;

use rondo_definition::{Properties, PropertyError, settings};

use crate::auth::Token;

/// Settings of the HTTP interface.
#[derive(Clone)]
pub struct Settings {
    /// Most bytes of a body; more is answered 413. Property `rondo.http.max-body-bytes`.
    pub max_body_bytes: usize,
    /// Most instances in a REST list. Property `kogito.process.instances.limit`.
    pub max_listed: usize,
    /// Bearer tokens, one of which every request but those to health must carry; empty: no request needs a token. Property
    /// `rondo.auth.token`, comma separated, each `TOKEN` or `NAME:TOKEN`.
    pub tokens: Vec<Token>,
    /// Further hosts under which the engine is reached. Property `rondo.http.allowed-hosts`.
    pub allowed_hosts: Vec<String>,
    /// Longest time for the head of a request. Property `rondo.http.head-timeout`, milliseconds.
    pub head_timeout: Duration,
    /// Longest time between two pieces of a body; a longer one is answered 408. Property `rondo.http.body-timeout`, milliseconds.
    pub body_timeout: Duration,
    /// Bytes a second that a client must send of a body or take of an answer. Property `rondo.http.min-rate`.
    pub min_rate: u64,
    /// How long a client may take for the next piece of an answer. Property `rondo.http.write-timeout`, milliseconds.
    pub write_timeout: Duration,
    /// How long a connection may be idle while no request is being answered. Property `rondo.http.idle-timeout`, milliseconds.
    pub idle_timeout: Duration,
    /// Most connections at once; others wait. Property `rondo.http.max-connections`.
    pub max_connections: usize,
    /// Longest time for the answer to a `GraphQL` query. Property `rondo.graphql.timeout`, milliseconds.
    pub graphql_timeout: Duration,
    /// Most bytes of a `GraphQL` answer, counted with what is read for it. Property `rondo.graphql.max-answer-bytes`.
    pub max_graphql_bytes: u64,
}

impl Settings {
    /// Reads the settings. A property that is set but cannot be read is an error: if a broken list of tokens counted as absent, everybody would
    /// be admitted.
    pub fn read(properties: &Properties) -> Result<Self, PropertyError> {
        Ok(Self {
            max_body_bytes: settings::MAX_BODY_BYTES.count(properties)?,
            max_listed: settings::MAX_LISTED.count(properties)?,
            tokens: settings::AUTH_TOKEN.tokens(properties)?.iter().map(|text| Token::parse(text)).collect(),
            allowed_hosts: settings::ALLOWED_HOSTS.list(properties)?,
            head_timeout: settings::HEAD_TIMEOUT.duration(properties)?,
            min_rate: settings::MIN_RATE.count(properties)?,
            write_timeout: settings::WRITE_TIMEOUT.duration(properties)?,
            body_timeout: settings::BODY_TIMEOUT.duration(properties)?,
            idle_timeout: settings::IDLE_TIMEOUT.duration(properties)?,
            max_connections: settings::MAX_CONNECTIONS.count(properties)?,
            graphql_timeout: settings::GRAPHQL_TIMEOUT.duration(properties)?,
            max_graphql_bytes: settings::GRAPHQL_MAX_BYTES.count(properties)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Settings, PropertyError> {
        Settings::read(
            &Properties::parse("application.properties", text, rondo_definition::Environment::new()).0,
        )
    }

    #[test]
    fn properties_change_the_defaults() {
        let settings = read("rondo.http.max-body-bytes=10\nrondo.auth.token= a , b,\n").unwrap();
        assert_eq!((settings.max_body_bytes, settings.max_listed), (10, 1000));
        let secrets: Vec<_> = settings.tokens.iter().map(|token| token.secret.as_str()).collect();
        assert_eq!(secrets, ["a", "b"]);
        assert!(read("").unwrap().tokens.is_empty());
    }

    #[test]
    fn a_token_that_cannot_be_expanded_is_an_error() {
        for line in ["rondo.auth.token=${NOT_SET}", "rondo.auth.token=", "rondo.auth.token= , ,"] {
            assert!(read(line).is_err(), "{line}");
        }
        assert!(read("rondo.http.max-body-bytes=many").is_err());
        assert!(read("rondo.http.max-connections=0").is_err());
        assert!(read("rondo.http.idle-timeout=-1").is_err());
    }
}
