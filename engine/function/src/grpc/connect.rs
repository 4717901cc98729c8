//! Connections to gRPC services.
//!
//! Owns: the addresses of services, from `quarkus.grpc.clients.<name>.…`, and the connections to them. Promises: the same rules for addresses and
//! certificates as for other calls. Never: keeps more connections than services are configured.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use rondo_definition::Properties;
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint, Uri};

use crate::error::CallErrorKind;
use crate::settings::lookup;
use crate::transport::TransportOptions;

/// The port if `quarkus.grpc.clients.<name>.port` is not set. Source: Quarkus, `GrpcClientConfiguration`.
const DEFAULT_PORT: &str = "9000";

/// How long connecting may take: a service in the same network answers in milliseconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The address of a service, and whether its connection is encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ServiceAddress {
    host: String,
    port: u16,
    is_secure: bool,
    /// A file with a certificate authority that is trusted for this service.
    authority: Option<String>,
}

impl ServiceAddress {
    /// Reads the address of a client from the properties: by the full name of the service, or by the name without its package.
    pub(super) fn read(service: &str, properties: &Properties) -> Result<Self, String> {
        let short = service.rsplit('.').next().unwrap_or(service);
        let setting = |name: &str| {
            [service, short]
                .iter()
                .find_map(|service| lookup(properties, &format!("quarkus.grpc.clients.{service}.{name}")))
                .map(|value| value.trim().to_owned())
        };
        let port = setting("port").unwrap_or_else(|| DEFAULT_PORT.to_owned());
        let port = port
            .parse()
            .map_err(|_| format!("`quarkus.grpc.clients.{service}.port` is `{port}`, which is no port"))?;
        let authority = setting("ssl.trust-store");
        let is_on = |name: &str| setting(name).map(|value| value.eq_ignore_ascii_case("true"));
        let is_secure = is_on("plain-text")
            .map_or(authority.is_some() || is_on("tls.enabled") == Some(true), |plain| !plain);
        Ok(Self {
            host: setting("host").unwrap_or_else(|| "localhost".to_owned()),
            port,
            is_secure,
            authority,
        })
    }

    /// As a URL, for messages.
    pub(super) fn url(&self) -> String {
        format!("{}://{}", if self.is_secure { "https" } else { "http" }, self.authority_part())
    }

    fn authority_part(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        format!("{host}:{}", self.port)
    }
}

/// The connections to services. The next call reconnects a broken one.
#[derive(Default)]
pub(crate) struct Channels(Mutex<HashMap<ServiceAddress, Channel>>);

impl Channels {
    /// The connection to a service. It connects at the first call.
    pub(super) fn channel(
        &self,
        address: &ServiceAddress,
        options: &TransportOptions,
    ) -> Result<Channel, CallErrorKind> {
        if let Some(known) = self.0.lock().get(address) {
            return Ok(known.clone());
        }
        let invalid =
            |problem: String| CallErrorKind::NotConfigured(format!("`{}`: {problem}", address.url()));
        let uri = |scheme: &str| {
            let uri: Result<Uri, _> = format!("{scheme}://{}", address.authority_part()).parse();
            uri.map_err(|error| invalid(error.to_string()))
        };
        let tls = match address.is_secure {
            true => Some(tls(address, options).map_err(invalid)?),
            false => None,
        };
        // The connector encrypts, so the endpoint itself must not; the origin tells the service the scheme.
        let mut endpoint = Endpoint::from(uri("http")?).connect_timeout(CONNECT_TIMEOUT);
        if address.is_secure {
            endpoint = endpoint.origin(uri("https")?);
        }
        let (target, addresses) = (address.clone(), options.addresses);
        let connector = tower::service_fn(move |_: Uri| {
            let (target, tls) = (target.clone(), tls.clone());
            async move {
                let found = tokio::net::lookup_host((target.host.as_str(), target.port)).await?;
                let allowed = addresses.choose(&target.host, found.collect()).map_err(io::Error::other)?;
                let stream = TcpStream::connect(allowed.as_slice()).await?;
                stream.set_nodelay(true)?;
                Ok::<_, io::Error>(TokioIo::new(match tls {
                    None => Stream::Plain(stream),
                    Some(tls) => {
                        let name = ServerName::try_from(target.host).map_err(io::Error::other)?;
                        Stream::Secure(Box::new(TlsConnector::from(tls).connect(name, stream).await?))
                    }
                }))
            }
        });
        let channel = endpoint.connect_with_connector_lazy(connector);
        self.0.lock().insert(address.clone(), channel.clone());
        Ok(channel)
    }
}

/// The TLS configuration for a service.
fn tls(address: &ServiceAddress, options: &TransportOptions) -> Result<Arc<ClientConfig>, String> {
    let mut authorities = options.authorities.clone();
    if let Some(file) = &address.authority {
        let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        authorities.extend(read.map_err(|error| format!("the file `{file}` cannot be used: {error}"))?);
    }
    let mut config = crate::tls::config(&authorities, options.trust_all)?;
    config.alpn_protocols = vec!["h2".into()];
    Ok(Arc::new(config))
}

/// A connection, encrypted or not.
enum Stream {
    Plain(TcpStream),
    Secure(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Secure(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Secure(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Secure(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Secure(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
