//! What of the configuration concerns HTTP.

use std::time::Duration;

use rondo_definition::{Properties, PropertyError};

/// Most bytes that the body of a request may have, unless `rondo.http.max-body-bytes` says otherwise. Workflow data are
/// documents, not files; the bound keeps a single request from filling the memory.
const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;

/// Most instances in the answer to `GET /{workflow}`, as in `SonataFlow`.
const MAX_LISTED: usize = 1000;

/// Longest time for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest time between two pieces of a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a connection may be still between two requests. Proxies keep theirs for 60 s or 75 s and must be the first to close them:
/// a request that meets a closing connection fails.
const IDLE_TIMEOUT: Duration = Duration::from_secs(90);

/// Most connections at once.
const MAX_CONNECTIONS: usize = 10_000;

/// Longest time for the answer to a `GraphQL` question. The plugin would wait 300 s, and a proxy before it 30 or 60.
const GRAPHQL_TIMEOUT: Duration = Duration::from_secs(30);

/// Most bytes of a `GraphQL` answer. The plugin asks for all runs with all their data to count them, which are some ten kilobytes
/// for each run; with this bound it can do so up to some 25,000 runs, and an answer takes less than a gigabyte while it is made.
const MAX_GRAPHQL_BYTES: u64 = 256 * 1024 * 1024;

/// Settings of the HTTP face.
#[derive(Clone)]
pub struct Settings {
    /// Most bytes of a body; more is answered 413. Property `rondo.http.max-body-bytes`.
    pub max_body_bytes: usize,
    /// Most instances in a REST list. Property `kogito.process.instances.limit`.
    pub max_listed: usize,
    /// Bearer tokens one of which every request but health must carry; none: everybody is let in. Property
    /// `rondo.auth.token`, comma separated.
    pub tokens: Vec<String>,
    /// Longest time for the head of a request. Property `rondo.http.head-timeout`, milliseconds.
    pub head_timeout: Duration,
    /// Longest time between two pieces of a body; a longer one is answered 408. Property `rondo.http.body-timeout`, milliseconds.
    pub body_timeout: Duration,
    /// How long a connection may be still when no request is at work. Property `rondo.http.idle-timeout`, milliseconds.
    pub idle_timeout: Duration,
    /// Most connections at once; others wait. Property `rondo.http.max-connections`.
    pub max_connections: usize,
    /// Longest time for the answer to a `GraphQL` question. Property `rondo.graphql.timeout`, milliseconds.
    pub graphql_timeout: Duration,
    /// Most bytes of a `GraphQL` answer, counted with what is read for it, and of a REST list. Property `rondo.graphql.max-answer-bytes`.
    pub max_graphql_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_body_bytes: MAX_BODY_BYTES,
            max_listed: MAX_LISTED,
            tokens: Vec::new(),
            head_timeout: HEAD_TIMEOUT,
            body_timeout: BODY_TIMEOUT,
            idle_timeout: IDLE_TIMEOUT,
            max_connections: MAX_CONNECTIONS,
            graphql_timeout: GRAPHQL_TIMEOUT,
            max_graphql_bytes: MAX_GRAPHQL_BYTES,
        }
    }
}

impl Settings {
    /// Reads the settings. A property that is there but cannot be read is an error: a token list that silently counts as
    /// absent would open the door.
    pub fn read(properties: &Properties) -> Result<Self, PropertyError> {
        let number = "a whole number";
        let time = |name: &str, default: Duration| {
            let milliseconds: Option<u64> = properties.get_parsed(name, "a whole number of milliseconds")?;
            Ok::<_, PropertyError>(milliseconds.map_or(default, Duration::from_millis))
        };
        let tokens = properties.resolve("rondo.auth.token")?.unwrap_or_default();
        let tokens = tokens.split(',').map(str::trim).filter(|token| !token.is_empty()).map(str::to_owned);
        Ok(Self {
            max_body_bytes: properties
                .get_parsed("rondo.http.max-body-bytes", number)?
                .unwrap_or(MAX_BODY_BYTES),
            max_listed: properties
                .get_parsed("kogito.process.instances.limit", number)?
                .unwrap_or(MAX_LISTED),
            tokens: tokens.collect(),
            head_timeout: time("rondo.http.head-timeout", HEAD_TIMEOUT)?,
            body_timeout: time("rondo.http.body-timeout", BODY_TIMEOUT)?,
            idle_timeout: time("rondo.http.idle-timeout", IDLE_TIMEOUT)?,
            max_connections: properties
                .get_parsed::<std::num::NonZeroUsize>("rondo.http.max-connections", "a whole number above 0")?
                .map_or(MAX_CONNECTIONS, std::num::NonZeroUsize::get),
            graphql_timeout: time("rondo.graphql.timeout", GRAPHQL_TIMEOUT)?,
            max_graphql_bytes: properties
                .get_parsed("rondo.graphql.max-answer-bytes", number)?
                .unwrap_or(MAX_GRAPHQL_BYTES),
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
        assert_eq!(settings.tokens, ["a", "b"]);
        assert!(read("").unwrap().tokens.is_empty());
    }

    #[test]
    fn a_token_that_cannot_be_expanded_does_not_open_the_door() {
        assert!(read("rondo.auth.token=${NOT_SET}").is_err());
        assert!(read("rondo.http.max-body-bytes=many").is_err());
        assert!(read("rondo.http.max-connections=0").is_err());
        assert!(read("rondo.http.idle-timeout=-1").is_err());
    }
}
