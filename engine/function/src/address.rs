//! Decides which addresses may be called.
//!
//! Owns: the policy for addresses in URLs and for those that names resolve to. Promises: the engine never connects to link-local addresses, at
//! which clouds serve credentials of the machine, unless a property allows it; it connects only to addresses that were checked. Loopback and
//! private networks are allowed, because services run there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// The policy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AddressPolicy {
    pub(crate) link_local: bool,
}

/// Addresses of metadata services that are not link-local: of AWS and Google in IPv6, of Alibaba, Oracle and Azure.
const METADATA_V6: [Ipv6Addr; 2] = [
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254),
    Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254),
];
const METADATA_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192), Ipv4Addr::new(168, 63, 129, 16)];

impl AddressPolicy {
    /// Whether an address may be connected to.
    pub(crate) fn allows(self, address: IpAddr) -> bool {
        self.link_local
            || match address.to_canonical() {
                IpAddr::V4(v4) => !is_forbidden_v4(v4),
                IpAddr::V6(v6) => {
                    !v6.is_unicast_link_local()
                        && !METADATA_V6.contains(&v6)
                        && !within(v6).is_some_and(is_forbidden_v4)
                }
            }
    }

    /// Chooses from the addresses of a name those that may be connected to. The call connects only to these, so it does not matter what the name
    /// resolves to a moment later.
    pub(crate) fn choose(self, name: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Denied> {
        let denied = found.first().map(|address| Denied(format!("{name} ({})", address.ip())));
        let allowed: Vec<_> = found.into_iter().filter(|address| self.allows(address.ip())).collect();
        match denied {
            Some(denied) if allowed.is_empty() => Err(denied),
            _ => Ok(allowed),
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

fn is_forbidden_v4(address: Ipv4Addr) -> bool {
    address.is_link_local() || METADATA_V4.contains(&address)
}

/// The IPv4 address that a translator extracts from an IPv6 address: NAT64, 6to4, and the old compatible form.
fn within(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0, 0, 0, 0, 0, 0, high, low] => Some(of(high, low)),
        [0x2002, high, low, ..] => Some(of(high, low)),
        _ => None,
    }
}

/// A link-local address, or another one at which clouds serve credentials.
#[derive(Debug, thiserror::Error)]
#[error("{0} is a link-local address; `rondo.http.allow-link-local=true` allows it")]
pub(crate) struct Denied(String);

/// Resolves names with the system's resolver and leaves out what the policy forbids.
pub(crate) struct CheckedResolver(pub(crate) AddressPolicy);

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await;
            // Without a free file handle the resolver reports an unknown name; opening a file shows whether handles are the cause.
            let found = found.map_err(|error| std::fs::File::open("/dev/null").err().unwrap_or(error))?;
            Ok(Box::new(policy.choose(name.as_str(), found.collect())?.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_addresses_of_a_name_only_allowed_ones_are_connected_to() {
        let policy = AddressPolicy { link_local: false };
        let address = |ip: &str| SocketAddr::new(ip.parse().unwrap(), 80);
        let chosen = policy.choose("rebinding.test", vec![address("169.254.169.254"), address("10.0.0.1")]);
        assert_eq!(chosen.unwrap(), [address("10.0.0.1")]);
        let denied = policy.choose("rebinding.test", vec![address("fe80::1"), address("169.254.0.1")]);
        insta::assert_snapshot!(denied.unwrap_err(), @"rebinding.test (fe80::1) is a link-local address; `rondo.http.allow-link-local=true` allows it");
    }

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
            ("http://[fd20:ce::254]/", false),
            ("http://[64:ff9b::a9fe:a9fe]/", false),
            ("http://[2002:a9fe:a9fe::1]/", false),
            ("http://[::169.254.169.254]/", false),
            ("http://100.100.100.200/", false),
            ("http://168.63.129.16/", false),
            ("http://[64:ff9b::a00:1]/", true),
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
