//! Connections to NATS.

use async_nats::{Client, ConnectOptions, ServerAddr};

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
    }
    Ok(options)
}

/// Connects to one of the servers.
pub(crate) async fn connect(options: ConnectOptions, servers: &NatsServers) -> Result<Client, String> {
    let addresses: Result<Vec<ServerAddr>, _> =
        servers.servers.split(',').map(str::trim).map(str::parse).collect();
    let addresses = addresses.map_err(|error| format!("`{}`: {error}", servers.addresses()))?;
    options.connect(addresses).await.map_err(|error| format!("{}: {error}", servers.addresses()))
}
