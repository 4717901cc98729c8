//! Which addresses may be called.
//!
//! Owns: the policy, for addresses written in a URL and for those a name resolves to. Promises: link-local addresses,
//! where clouds serve credentials of the machine, are never connected to unless a property allows it; only addresses
//! that were checked are connected to. Loopback and private networks are allowed: that is where services run.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// The policy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AddressPolicy {
    pub(crate) link_local: bool,
}

/// Address of the metadata service that some clouds have in IPv6.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254);

impl AddressPolicy {
    /// Whether an address may be connected to.
    pub(crate) fn allows(self, address: IpAddr) -> bool {
        self.link_local
            || match address.to_canonical() {
                IpAddr::V4(v4) => !v4.is_link_local(),
                IpAddr::V6(v6) => !v6.is_unicast_link_local() && v6 != METADATA_V6,
            }
    }

    /// Refuses a URL whose host is a forbidden address; names are checked when they are resolved.
    pub(crate) fn check(self, url: &Url) -> Result<(), Denied> {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            _ => return Ok(()),
        };
        if self.allows(address) { Ok(()) } else { Err(Denied(address.to_string())) }
    }
}

/// A link-local address.
#[derive(Debug, thiserror::Error)]
#[error("{0} is a link-local address; `rondo.http.allow-link-local=true` allows it")]
pub(crate) struct Denied(String);

/// Resolves names with the system's resolver and leaves out what the policy forbids.
pub(crate) struct CheckedResolver(pub(crate) AddressPolicy);

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.0;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let denied = found.first().map(|address| Denied(format!("{} ({})", name.as_str(), address.ip())));
            let allowed: Vec<SocketAddr> =
                found.into_iter().filter(|address| policy.allows(address.ip())).collect();
            match denied {
                Some(denied) if allowed.is_empty() => Err(denied.into()),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_addresses_are_refused_in_every_spelling() {
        let policy = AddressPolicy { link_local: false };
        for (url, allowed) in [
            ("http://169.254.169.254/latest", false),
            ("http://2852039166/", false),
            ("http://0xa9.0xfe.0xa9.0xfe/", false),
            ("http://[::ffff:169.254.169.254]/", false),
            ("http://[fe80::1]/", false),
            ("http://[fd00:ec2::254]/", false),
            ("http://127.0.0.1/", true),
            ("http://10.0.0.1/", true),
            ("http://[::1]/", true),
            ("http://example.test/", true),
        ] {
            assert_eq!(policy.check(&Url::parse(url).unwrap()).is_ok(), allowed, "{url}");
        }
        assert!(AddressPolicy { link_local: true }.check(&Url::parse("http://169.254.1.1").unwrap()).is_ok());
    }
}
