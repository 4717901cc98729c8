//! Which addresses webhooks may have.
//!
//! Promises: nothing is sent to link-local addresses and, without a property, nothing over `http` or to the machine that the desk runs on, also
//! where a name leads there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

use url::{Host, Url};

use super::Shared;

/// Addresses of examples (RFC 5737, RFC 3849), which no machine has.
const NOBODY: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))];

impl Shared {
    /// Checks what can be seen of an address before its name is looked up. The error is for people.
    pub(super) fn check_webhook_url(&self, url: &str) -> Result<Url, String> {
        let url = Url::parse(url).map_err(|error| format!("no address: {error}"))?;
        match url.scheme() {
            "https" => {}
            "http" if self.settings.allows_http => {}
            "http" => return Err("only https is allowed (rondo.desk.webhooks.allow-http)".to_owned()),
            other => return Err(format!("`{other}` is no scheme of a webhook; https is")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("credentials belong into `username` and `password`".to_owned());
        }
        self.surroundings.outbound.check(&url)?;
        let is_own = match url.host() {
            Some(Host::Ipv4(address)) => is_of_this_machine(address.into()),
            Some(Host::Ipv6(address)) => is_of_this_machine(address.into()),
            Some(Host::Domain(name)) => {
                let is_service = Url::parse(&self.settings.service_url).is_ok_and(|own| {
                    own.host_str() == Some(name) && own.port_or_known_default() == url.port_or_known_default()
                });
                is_service || name == "localhost" || name.ends_with(".localhost")
            }
            None => return Err("the address has no host".to_owned()),
        };
        self.check_own(is_own)?;
        Ok(url)
    }

    /// The same, and that its name leads to no address that a webhook may not have. The client looks it up again and refuses link-local ones.
    pub(super) async fn check_webhook_target(&self, url: &str) -> Result<(), String> {
        let url = self.check_webhook_url(url)?;
        let Some(Host::Domain(name)) = url.host() else { return Ok(()) };
        let port = url.port_or_known_default().unwrap_or(443);
        let mut found =
            tokio::net::lookup_host((name, port)).await.map_err(|_| format!("`{name}` has no address"))?;
        self.check_own(found.any(|address| is_of_this_machine(address.ip())))
    }

    fn check_own(&self, is_own: bool) -> Result<(), String> {
        if is_own && !self.settings.allows_loopback {
            return Err("the address is one of the desk's own machine (rondo.desk.webhooks.allow-loopback)"
                .to_owned());
        }
        Ok(())
    }
}

/// Whether an address leads to the machine that the desk runs on. Only an own address can be bound; where the system lets any address be bound,
/// that says nothing.
fn is_of_this_machine(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let binds = |address: IpAddr| UdpSocket::bind((address, 0)).is_ok();
    address.is_loopback()
        || address.is_unspecified()
        || (binds(address)
            && !NOBODY.into_iter().any(|nobody| nobody.is_ipv4() == address.is_ipv4() && binds(nobody)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_addresses_are_known() {
        for own in ["127.0.0.1", "127.9.9.9", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1"] {
            assert!(is_of_this_machine(own.parse().unwrap()), "{own}");
        }
        for other in ["192.0.2.1", "203.0.113.7", "2001:db8::1"] {
            assert!(!is_of_this_machine(other.parse().unwrap()), "{other}");
        }
        // A socket that is connected has the address by which this machine reaches others; nothing is sent. Without a network there is none.
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        if socket.connect("192.0.2.1:9").is_ok() {
            assert!(is_of_this_machine(socket.local_addr().unwrap().ip()));
        }
    }
}
