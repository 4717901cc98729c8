//! The HTTP clients, with the connections that they keep open between calls.
//!
//! Owns: TLS, proxies, and how many connections stay idle. Promises: no more connections are kept idle than the process has handles set
//! aside for, whatever the number of services; they are closed at once when handles are short. Never: sends anything.

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
use crate::transport::TransportOptions;

/// How long a connection stays open without a call. Services close theirs after 5 to 60 seconds, and a call on a connection that is being
/// closed has to be made again.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Of the idle connections, the part that one service may have: with eight services or fewer none loses its connections to another.
const PART_OF_A_SERVICE: usize = 8;

/// Most idle connections to one service, however many handles there are: beyond so many calls at once, a new connection for some of them
/// costs less than sockets that wait.
const MOST_OF_A_SERVICE: usize = 256;

/// The clients.
pub(crate) struct Connections {
    /// Idle connections to one service.
    of_a_service: usize,
    /// Services that may have idle connections.
    services: usize,
    idle_timeout: Duration,
    tls: ClientConfig,
    clients: Mutex<Clients>,
}

#[derive(Default)]
struct Clients {
    /// By connect timeout, which is a property of a client.
    by_timeout: HashMap<Duration, Client>,
    /// Connect timeout, host and port of calls since the clients were made: each may have idle connections.
    reached: HashSet<(Duration, String)>,
}

impl Connections {
    /// At most `idle` connections are kept open between calls.
    pub(crate) fn new(idle: usize, tls: ClientConfig) -> Self {
        let of_a_service = (idle / PART_OF_A_SERVICE).clamp(1, MOST_OF_A_SERVICE);
        let services = (idle / of_a_service).max(1);
        Self { of_a_service, services, idle_timeout: IDLE_TIMEOUT, tls, clients: Mutex::default() }
    }

    /// Whom they trust.
    pub(crate) fn tls(&self) -> &ClientConfig {
        &self.tls
    }

    /// The client for a call.
    pub(crate) fn client(
        &self,
        options: &TransportOptions,
        connect_timeout: Duration,
        url: &Url,
    ) -> Result<Client, String> {
        let reached = (connect_timeout, service(url));
        let mut clients = self.clients.lock();
        if !clients.reached.contains(&reached) {
            if clients.reached.len() >= self.services {
                *clients = Clients::default();
            }
            clients.reached.insert(reached);
        }
        if let Some(client) = clients.by_timeout.get(&connect_timeout) {
            return Ok(client.clone());
        }
        let client = self.build(options, connect_timeout)?;
        clients.by_timeout.insert(connect_timeout, client.clone());
        Ok(client)
    }

    /// Closes the idle connections. Those of calls in flight close when they are over.
    pub(crate) fn close_idle(&self) {
        *self.clients.lock() = Clients::default();
    }

    pub(crate) fn build(
        &self,
        options: &TransportOptions,
        connect_timeout: Duration,
    ) -> Result<Client, String> {
        let builder = Client::builder()
            .user_agent(concat!("rondo/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .dns_resolver(Arc::new(CheckedResolver(options.addresses)))
            .connect_timeout(connect_timeout)
            .pool_max_idle_per_host(self.of_a_service)
            .pool_idle_timeout(self.idle_timeout)
            .tls_backend_preconfigured(self.tls.clone());
        builder
            .build()
            .map_err(|error| format!("the HTTP client cannot be made: {}", innermost_cause(&error)))
    }
}

/// Host and port of an address.
pub(crate) fn service(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default())
}

/// Whether the process or the system had no handle left: no fault of the service, and over in a moment.
pub(crate) fn is_out_of_handles(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let system = error.downcast_ref::<io::Error>();
        // The source of such an error is that of the error inside, not the error inside.
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
        let client = connections.client(&options(), Duration::from_secs(10), &url).unwrap();
        assert_eq!(client.get(url).send().await.unwrap().status(), 200);
        let closed = tokio::time::timeout(Duration::from_secs(20), service).await;
        assert_eq!(closed.expect("the connection is never closed").unwrap(), 0);
    }

    #[test]
    fn services_beyond_the_handles_close_the_connections_of_the_others() {
        let options = options();
        let connections = Connections::new(26, tls());
        assert_eq!((connections.of_a_service, connections.services), (3, 8));
        for number in 0..100 {
            let url = Url::parse(&format!("http://host-{number}/")).unwrap();
            connections.client(&options, Duration::from_secs(10), &url).unwrap();
            connections.client(&options, Duration::from_secs(10), &url).unwrap();
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
