//! The servers of NATS, and the credentials for them.

use std::fmt;

use rondo_definition::without_userinfo;

/// Servers of NATS with credentials. `Debug` hides the credentials.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NatsServers {
    /// Addresses separated by commas, such as `nats://localhost:4222`.
    pub(crate) servers: String,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) token: Option<String>,
    /// The path of a credentials file, which contains a token (JWT) and a key.
    pub(crate) credentials_file: Option<String>,
    /// The seed of the key that identifies the engine (`NKey`); it begins with `SU`.
    pub(crate) nkey_seed: Option<String>,
    /// Whether a connection must be encrypted.
    pub(crate) requires_tls: bool,
    /// The paths of the client certificate and of its key, both in PEM.
    pub(crate) certificate: Option<(String, String)>,
}

impl NatsServers {
    /// The addresses without credentials.
    pub fn addresses(&self) -> String {
        without_userinfo(&self.servers).into_owned()
    }
}

impl fmt::Debug for NatsServers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("NatsServers").field(&self.addresses()).finish()
    }
}
