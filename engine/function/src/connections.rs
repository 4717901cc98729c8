//! The HTTP clients, and the connections that they keep open between calls.
//!
//! Owns: TLS, proxies, and the number of idle connections. Promises: no more connections stay idle than the process reserves file handles for,
//! whatever the number of services; all of them close at once when handles run short. Never: sends anything.

use std::collections::{HashMap, HashSet};
use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use reqwest::{Client, redirect};
use rustix::io::Errno;
use rustls::ClientConfig;
use url::Url;

use crate::address::CheckedResolver;
use crate::proxy::Route;
use crate::transport::TransportOptions;

/// How long a connection stays open without a call. Services close theirs after 5 to 60 seconds, and a call on a connection that is closing must
/// be repeated.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// One service may have this fraction of the idle connections, so that up to eight services keep theirs.
const PART_OF_A_SERVICE: usize = 8;

/// Most idle connections to one service, however many handles there are: with more calls at once, opening some new connections costs less than
/// keeping idle sockets.
const MOST_OF_A_SERVICE: usize = 256;

/// The clients.
pub(crate) struct Connections {
    /// Most idle connections to one service.
    of_a_service: usize,
    /// Most services that may have idle connections.
    services: usize,
    idle_timeout: Duration,
    tls: ClientConfig,
    clients: Mutex<Clients>,
}

/// The options that all connections of one client share.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ConnectionKind {
    pub(crate) connect_timeout: Duration,
    pub(crate) route: Route,
}

#[derive(Default)]
struct Clients {
    by_kind: HashMap<ConnectionKind, Client>,
    /// Kind of connection, host and port of the calls since the clients were made: each may have idle connections.
    reached: HashSet<(ConnectionKind, String)>,
}

impl Connections {
    /// Keeps at most `idle` connections open between calls.
    pub(crate) fn new(idle: usize, tls: ClientConfig) -> Self {
        let of_a_service = (idle / PART_OF_A_SERVICE).clamp(1, MOST_OF_A_SERVICE);
        let services = (idle / of_a_service).max(1);
        Self { of_a_service, services, idle_timeout: IDLE_TIMEOUT, tls, clients: Mutex::default() }
    }

    /// The TLS configuration of the connections.
    pub(crate) fn tls(&self) -> &ClientConfig {
        &self.tls
    }

    /// The client for a call.
    pub(crate) fn client(
        &self,
        options: &TransportOptions,
        kind: &ConnectionKind,
        url: &Url,
    ) -> Result<Client, String> {
        let reached = (kind.clone(), service(url));
        let mut clients = self.clients.lock();
        if !clients.reached.contains(&reached) {
            if clients.reached.len() >= self.services {
                *clients = Clients::default();
            }
            clients.reached.insert(reached);
        }
        if let Some(client) = clients.by_kind.get(kind) {
            return Ok(client.clone());
        }
        let client = self.build(options, kind)?;
        clients.by_kind.insert(kind.clone(), client.clone());
        Ok(client)
    }

    /// Closes the idle connections. Connections of calls in flight close when their calls end.
    pub(crate) fn close_idle(&self) {
        *self.clients.lock() = Clients::default();
    }

    pub(crate) fn build(&self, options: &TransportOptions, kind: &ConnectionKind) -> Result<Client, String> {
        let failed =
            |error: reqwest::Error| format!("the HTTP client cannot be made: {}", innermost_cause(&error));
        let builder = Client::builder()
            .user_agent(concat!("rondo/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .dns_resolver(Arc::new(CheckedResolver(options.addresses)))
            .connect_timeout(kind.connect_timeout)
            .pool_max_idle_per_host(self.of_a_service)
            .pool_idle_timeout(self.idle_timeout)
            .tls_backend_preconfigured(self.tls.clone());
        let builder = match &kind.route {
            Route::OfProcess => builder,
            Route::Direct => builder.no_proxy(),
            Route::Through(proxy) => builder.proxy(proxy.to_client_proxy().map_err(failed)?),
        };
        builder.build().map_err(failed)
    }
}

/// Host and port of an address.
pub(crate) fn service(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default())
}

/// Whether the process or the system had no file handle left, which is no fault of the service and soon over.
pub(crate) fn is_out_of_handles(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let system = error.downcast_ref::<io::Error>();
        // `source` of an `io::Error` skips the error inside and returns the source of that one, so look at the error inside first.
        if system.and_then(io::Error::get_ref).is_some_and(|inner| is_out_of_handles(inner)) {
            return true;
        }
        let number = system.and_then(io::Error::raw_os_error);
        if number
            .is_some_and(|number| [Errno::MFILE, Errno::NFILE].map(Errno::raw_os_error).contains(&number))
        {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The innermost cause, without the number of the operating system's error.
pub(crate) fn innermost_cause(error: &dyn StdError) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let text = innermost.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::address::AddressPolicy;

    fn options() -> TransportOptions {
        TransportOptions {
            addresses: AddressPolicy { link_local: false },
            max_answer_bytes: 1,
            authorities: Vec::new(),
            trust_all: false,
        }
    }

    fn kind() -> ConnectionKind {
        ConnectionKind { connect_timeout: Duration::from_secs(10), route: Route::OfProcess }
    }

    fn tls() -> ClientConfig {
        crate::tls::config(&[], false).unwrap()
    }

    #[tokio::test]
    async fn a_connection_without_calls_is_closed_after_its_time() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let service = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            assert!(socket.read(&mut request).await.unwrap() > 0);
            socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            // Ends when the client closes the connection.
            socket.read(&mut request).await.unwrap()
        });
        let connections =
            Connections { idle_timeout: Duration::from_millis(20), ..Connections::new(8, tls()) };
        let client = connections.client(&options(), &kind(), &url).unwrap();
        assert_eq!(client.get(url).send().await.unwrap().status(), 200);
        let closed = tokio::time::timeout(Duration::from_secs(20), service).await;
        assert_eq!(closed.expect("the connection is never closed").unwrap(), 0);
    }

    #[test]
    fn services_beyond_the_handles_close_the_connections_of_the_others() {
        let (options, kind) = (options(), kind());
        let connections = Connections::new(26, tls());
        assert_eq!((connections.of_a_service, connections.services), (3, 8));
        for number in 0..100 {
            let url = Url::parse(&format!("http://host-{number}/")).unwrap();
            connections.client(&options, &kind, &url).unwrap();
            connections.client(&options, &kind, &url).unwrap();
            assert!(connections.clients.lock().reached.len() <= 8);
        }
        for idle in [0, 1, 7, 8, 26, 122, 131_072] {
            let connections = Connections::new(idle, tls());
            assert!(connections.of_a_service * connections.services <= idle.max(1), "{idle}");
        }
    }

    #[test]
    fn a_lack_of_handles_is_known_inside_of_other_errors() {
        let lack = io::Error::from_raw_os_error(24);
        assert!(is_out_of_handles(&io::Error::other(lack)));
        assert!(!is_out_of_handles(&io::Error::other("Too many open files")));
    }
}
