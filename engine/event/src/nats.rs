//! Connections to NATS.
//!
//! Promises: a connection is encrypted if the properties, the address (`tls://`) or the server require TLS, and trusts the same authorities as
//! all other connections of the engine; a file that cannot be read is an error that names the file.

use std::sync::Arc;

use async_nats::{Client, ConnectOptions, ServerAddr};
use percent_encoding::percent_decode_str;
use rustls::{
    ClientConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    sign::{CertifiedKey, SingleCertAndKey},
};

use crate::NatsServers;

/// Connection options with the credentials of the servers. `tls` names the trusted authorities; without it those of the system are trusted.
pub(crate) async fn options(
    servers: &NatsServers,
    tls: Option<&ClientConfig>,
) -> Result<ConnectOptions, String> {
    let mut options = ConnectOptions::new().name("rondo").require_tls(servers.requires_tls);
    if let Some(tls) = tls {
        options = options.tls_client_config(with_certificate(tls.clone(), servers)?);
    } else if let Some((certificate, key)) = &servers.certificate {
        options = options.add_client_certificate(certificate.into(), key.into());
    }
    if let Some(file) = &servers.credentials_file {
        options = options
            .credentials_file(file)
            .await
            .map_err(|error| format!("the credentials file `{file}` cannot be read: {error}"))?;
    }
    if let Some(seed) = &servers.nkey_seed {
        options = options.nkey(seed.clone());
    }
    if let Some(token) = &servers.token {
        options = options.token(token.clone());
    }
    if let (Some(username), Some(password)) = (&servers.username, &servers.password) {
        options = options.user_and_password(username.clone(), password.clone());
    } else if let Some(address) = addresses(servers)?.iter().find(|address| address.has_user_pass()) {
        // The client does not read credentials from addresses itself. A user name without a password is a token.
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let username = decoded(address.username().unwrap_or_default());
        options = match address.password() {
            Some(password) => options.user_and_password(username, decoded(password)),
            None => options.token(username),
        };
    }
    Ok(options)
}

/// The TLS configuration of a connection, with the client certificate.
fn with_certificate(mut tls: ClientConfig, servers: &NatsServers) -> Result<ClientConfig, String> {
    // The protocols of `tls` are those of HTTP.
    tls.alpn_protocols = Vec::new();
    let Some((certificate_file, key_file)) = &servers.certificate else { return Ok(tls) };
    let unreadable = |file: &str, error: &dyn std::fmt::Display| {
        format!("`{file}` cannot be read as a certificate or key in PEM: {error}")
    };
    let certificates = CertificateDer::pem_file_iter(certificate_file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unreadable(certificate_file, &error))?;
    if certificates.is_empty() {
        return Err(unreadable(certificate_file, &"it has no certificate"));
    }
    let key = PrivateKeyDer::from_pem_file(key_file).map_err(|error| unreadable(key_file, &error))?;
    let key = tls.crypto_provider().key_provider.load_private_key(key);
    let key = key.map_err(|error| unreadable(key_file, &error))?;
    let certified = CertifiedKey::new(certificates, key);
    certified.keys_match().map_err(|_| {
        format!("the key in `{key_file}` does not belong to the certificate in `{certificate_file}`")
    })?;
    tls.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(certified));
    Ok(tls)
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
