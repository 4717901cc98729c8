//! The hosts behind floating IPs: they answer an SSH banner and HTTP while their server runs.
//!
//! Promises: an address answers if and only if a running server of the simulated cloud has it; a connection to any other
//! address is closed without a byte. Never: speaks more of SSH than its first line.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::openstack::FloatingAddresses;
use crate::world::Shared;

/// The first line of an SSH server.
const BANNER: &[u8] = b"SSH-2.0-OpenSSH_9.9\r\n";

/// How long a client may take to send its request.
const PATIENCE: Duration = Duration::from_secs(5);

/// The ports on which all hosts answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostPorts {
    /// Where the SSH banner is. Ordinary users cannot listen on 22.
    pub ssh: u16,
    /// Where HTTP is.
    pub http: u16,
}

/// What a listener is for.
#[derive(Clone, Copy, Debug)]
enum Protocol {
    Ssh,
    Http,
}

/// The listeners of all addresses, not yet served.
#[derive(Debug)]
pub(crate) struct Hosts {
    listeners: Vec<(Ipv4Addr, Protocol, TcpListener)>,
    pub(crate) ports: HostPorts,
}

impl Hosts {
    /// Listens on each address. Port 0 means any free one, the same on all. The error names what cannot be listened on.
    pub(crate) async fn bind(
        addresses: FloatingAddresses,
        mut ports: HostPorts,
    ) -> Result<Self, (SocketAddr, std::io::Error)> {
        let mut listeners = Vec::new();
        for address in addresses.all() {
            for protocol in [Protocol::Ssh, Protocol::Http] {
                let port = match protocol {
                    Protocol::Ssh => &mut ports.ssh,
                    Protocol::Http => &mut ports.http,
                };
                let wanted = SocketAddr::from((address, *port));
                let bound = async {
                    let listener = TcpListener::bind(wanted).await?;
                    *port = listener.local_addr()?.port();
                    Ok(listener)
                };
                let listener = bound.await.map_err(|error| (wanted, error))?;
                listeners.push((address, protocol, listener));
            }
        }
        Ok(Self { listeners, ports })
    }

    /// Answers on all addresses until told to stop.
    pub(crate) fn serve(self, shared: &Arc<Shared>, stop: &watch::Receiver<bool>) {
        for (address, protocol, listener) in self.listeners {
            let shared = Arc::clone(shared);
            let mut stop = stop.clone();
            tokio::spawn(async move {
                loop {
                    let accepted = tokio::select! {
                        accepted = listener.accept() => accepted,
                        // A dropped sender means stop as well.
                        _ = stop.wait_for(|stop| *stop) => return,
                    };
                    let Ok((stream, _)) = accepted else {
                        // Too many open files, mostly: some are closed meanwhile.
                        tokio::time::sleep(Duration::from_millis(100)).await;
                        continue;
                    };
                    if shared.world().cloud.answers_on(address) {
                        tokio::spawn(answer(stream, protocol, address));
                    }
                }
            });
        }
    }
}

/// One connection. A client that goes away early needs no answer, so errors are of no interest.
async fn answer(mut stream: TcpStream, protocol: Protocol, address: Ipv4Addr) {
    match protocol {
        Protocol::Ssh => {
            let _ = stream.write_all(BANNER).await;
            // Closing at once could lose the banner, if the client has sent its own line.
            let _ = tokio::time::timeout(PATIENCE, stream.read(&mut [0; 256])).await;
        }
        Protocol::Http => {
            let _ = tokio::time::timeout(PATIENCE, stream.read(&mut [0; 4096])).await;
            let page = format!("It works on {address}.\n");
            let response = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
                page.len()
            );
            let _ = stream.write_all(response.as_bytes()).await;
        }
    }
    let _ = stream.shutdown().await;
}
