//! The servers of NATS, and how they are talked to.

use std::fmt;

use rondo_definition::without_userinfo;

/// Servers of NATS with credentials. `Debug` hides these.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NatsServers {
    /// Addresses separated by commas, such as `nats://localhost:4222`.
    pub(crate) servers: String,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) token: Option<String>,
    /// The path of a file with a token and a key.
    pub(crate) credentials_file: Option<String>,
    /// A key that shows who the engine is (`NKey`), which begins with `SU`.
    pub(crate) nkey_seed: Option<String>,
    /// Whether a connection that is not encrypted is given up.
    pub(crate) requires_tls: bool,
    /// The paths of the certificate that shows who the engine is, and of its key, both in PEM.
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
