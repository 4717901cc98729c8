//! Connections to NATS.

use async_nats::{Client, ConnectOptions, ServerAddr};
use percent_encoding::percent_decode_str;

use crate::NatsServers;

/// Options with the credentials of the servers.
pub(crate) async fn options(servers: &NatsServers) -> Result<ConnectOptions, String> {
    let mut options = ConnectOptions::new().name("rondo");
    if let Some(file) = &servers.credentials_file {
        options = options
            .credentials_file(file)
            .await
            .map_err(|error| format!("the credentials file `{file}` cannot be read: {error}"))?;
    }
    if let Some(token) = &servers.token {
        options = options.token(token.clone());
    }
    if let (Some(username), Some(password)) = (&servers.username, &servers.password) {
        options = options.user_and_password(username.clone(), password.clone());
    } else if let Some(address) = addresses(servers)?.iter().find(|address| address.has_user_pass()) {
        // The client itself does not look at the addresses for them. A name without password is a token.
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let username = decoded(address.username().unwrap_or_default());
        options = match address.password() {
            Some(password) => options.user_and_password(username, decoded(password)),
            None => options.token(username),
        };
    }
    Ok(options)
}

/// Connects to one of the servers.
pub(crate) async fn connect(options: ConnectOptions, servers: &NatsServers) -> Result<Client, String> {
    options.connect(addresses(servers)?).await.map_err(|error| format!("{}: {error}", servers.addresses()))
}

fn addresses(servers: &NatsServers) -> Result<Vec<ServerAddr>, String> {
    let addresses = servers.servers.split(',').map(|address| address.trim().parse());
    let addresses: Result<_, _> = addresses.collect();
    addresses.map_err(|error: std::io::Error| format!("`{}`: {error}", servers.addresses()))
}
