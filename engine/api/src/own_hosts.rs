//! The host names and addresses under which an engine is reached.
//!
//! Owns: which values of `Host` and `Origin` a request may have while no token is set. Promises: a name that somebody else can point at this
//! machine (DNS rebinding) never counts as the engine's own, unless `rondo.http.allowed-hosts` names it.

use std::net::IpAddr;

use axum::http::uri::Authority;
use url::{Host, Url};

/// Domains that exist only within a cluster or a company, so that nobody outside can point a name below them at an engine.
const INTERNAL_DOMAINS: [&str; 3] = ["svc", "cluster.local", "internal"];

/// The hosts of one engine.
#[derive(Debug, Clone)]
pub(crate) struct OwnHosts {
    /// Whether the engine listens at a loopback address only.
    is_loopback: bool,
    /// URL of the service, the base of links to the engine.
    service_url: Option<Url>,
    /// `rondo.http.allowed-hosts`.
    allowed: Vec<String>,
}

impl OwnHosts {
    /// `listener` is the address at which the engine listens.
    pub(crate) fn new(listener: IpAddr, service_url: &str, allowed: &[String]) -> Self {
        let allowed = allowed.iter().map(|name| normal(name)).collect();
        Self {
            is_loopback: listener.to_canonical().is_loopback(),
            service_url: Url::parse(service_url).ok(),
            allowed,
        }
    }

    /// Whether a request to this host is meant for the engine. The port does not matter.
    pub(crate) fn is_own_host(&self, authority: &Authority) -> bool {
        let host = normal(authority.host());
        if let Some(address) = ip_address(&host) {
            // DNS rebinding puts a name into `Host`, never an address. An address other than the listener's comes from a proxy or from address
            // translation, which an engine that listens only at a loopback address does not need.
            return !self.is_loopback || address.to_canonical().is_loopback() || self.is_named(&host);
        }
        host == "localhost"
            || host.ends_with(".localhost")
            || self.is_of_service(&host)
            || self.is_named(&host)
            || (!self.is_loopback && is_internal_name(&host))
    }

    /// Whether a page of this origin is the engine's own: its host and port are those that the request goes to, or the configuration names it.
    pub(crate) fn is_own_origin(&self, origin: &str, authority: Option<&Authority>) -> bool {
        // `null` is the origin of pages that have none, such as sandboxed ones.
        let Ok(origin) = Url::parse(origin) else { return false };
        let (Some(host), Some(port)) = (origin.host_str(), origin.port_or_known_default()) else {
            return false;
        };
        let host = normal(host);
        let is_target = authority.is_some_and(|authority| {
            let default = if origin.scheme() == "https" { 443 } else { 80 };
            normal(authority.host()) == host && authority.port_u16().unwrap_or(default) == port
        });
        let is_service = self.service_url.as_ref().is_some_and(|service| service.origin() == origin.origin());
        is_target || is_service || self.is_listed(&host)
    }

    /// Whether the configuration names the host, `*` included.
    fn is_named(&self, host: &str) -> bool {
        self.allowed.iter().any(|pattern| pattern == "*") || self.is_listed(host)
    }

    /// Whether the configuration names the host or a domain that it belongs to.
    fn is_listed(&self, host: &str) -> bool {
        self.allowed.iter().any(|pattern| match pattern.strip_prefix("*.") {
            Some(domain) => is_below(host, domain),
            None => pattern == host,
        })
    }

    /// Whether the service URL has this host. A service of Kubernetes, `NAME.NAMESPACE.svc…`, is also called `NAME.NAMESPACE`.
    fn is_of_service(&self, host: &str) -> bool {
        let service = self.service_url.as_ref().and_then(Url::host_str).map(normal).unwrap_or_default();
        let mut labels = service.split('.');
        let short = match (labels.next(), labels.next(), labels.next()) {
            (Some(name), Some(namespace), Some("svc")) => format!("{name}.{namespace}"),
            _ => String::new(),
        };
        !host.is_empty() && (host == service || host == short)
    }
}

/// Whether no public name server knows the name: names without a dot exist in hosts files and search domains only.
fn is_internal_name(host: &str) -> bool {
    let is_single = !host.is_empty() && !host.contains('.');
    is_single || INTERNAL_DOMAINS.iter().any(|domain| is_below(host, domain))
}

fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).and_then(|rest| rest.strip_suffix('.')).is_some_and(|rest| !rest.is_empty())
}

/// In lower case, without the final dot of a fully qualified name.
fn normal(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    host.strip_suffix('.').map(str::to_owned).unwrap_or(host)
}

/// The address that a host stands for, in any notation that browsers accept.
fn ip_address(host: &str) -> Option<IpAddr> {
    match Host::parse(host).ok()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: &str = "127.0.0.1";
    const EVERYWHERE: &str = "0.0.0.0";

    fn hosts(listener: &str, service_url: &str, allowed: &[&str]) -> OwnHosts {
        let allowed: Vec<_> = allowed.iter().map(|name| (*name).to_owned()).collect();
        OwnHosts::new(listener.parse().unwrap(), service_url, &allowed)
    }

    #[test]
    fn a_name_that_others_can_point_here_is_not_the_engines() {
        let cluster = "http://rondo.flows.svc:8080";
        for (listener, service, allowed, host, own) in [
            (LOOPBACK, "", &[][..], "localhost:8080", true),
            (LOOPBACK, "", &[], "LOCALHOST.", true),
            (LOOPBACK, "", &[], "rondo.localhost", true),
            (LOOPBACK, "", &[], "127.0.0.1:8080", true),
            (LOOPBACK, "", &[], "[::1]:8080", true),
            (LOOPBACK, "", &[], "127.9", true),
            (LOOPBACK, "", &[], "evil.test", false),
            (LOOPBACK, "", &[], "evil.test:8080", false),
            (LOOPBACK, "", &[], "localhost.evil.test", false),
            (LOOPBACK, "", &[], "evillocalhost", false),
            (LOOPBACK, "", &[], "rondo", false),
            (LOOPBACK, "", &[], "rondo.flows.svc", false),
            (LOOPBACK, "", &[], "10.1.2.3", false),
            ("::ffff:127.0.0.1", "", &[], "rondo", false),
            (LOOPBACK, "https://flows.example.com/base", &[], "flows.example.com", true),
            (LOOPBACK, "https://flows.example.com/base", &[], "example.com", false),
            (EVERYWHERE, "", &[], "10.1.2.3:8080", true),
            (EVERYWHERE, "", &[], "[fd00::7]", true),
            (EVERYWHERE, "", &[], "rondo", true),
            (EVERYWHERE, "", &[], "rondo.flows.svc.cluster.local", true),
            (EVERYWHERE, "", &[], "host.docker.internal", true),
            (EVERYWHERE, "", &[], "rondo.flows", false),
            (EVERYWHERE, "", &[], "evil.test", false),
            (EVERYWHERE, "", &[], "evilsvc", true),
            (EVERYWHERE, "", &[], "svc.evil.test", false),
            ("192.168.0.7", cluster, &[], "rondo.flows", true),
            ("192.168.0.7", cluster, &[], "rondo.other", false),
            (EVERYWHERE, "", &["a.example.com", "*.example.org"], "a.example.com", true),
            (EVERYWHERE, "", &["a.example.com", "*.example.org"], "b.example.com", false),
            (EVERYWHERE, "", &["a.example.com", "*.example.org"], "B.c.Example.org", true),
            (EVERYWHERE, "", &["a.example.com", "*.example.org"], "example.org", false),
            (EVERYWHERE, "", &["a.example.com", "*.example.org"], "rondo", true),
            (LOOPBACK, "", &["10.1.2.3"], "10.1.2.3", true),
            (LOOPBACK, "", &["*"], "evil.test", true),
        ] {
            let found = hosts(listener, service, allowed).is_own_host(&host.parse().unwrap());
            assert_eq!(found, own, "{host} at {listener} {service} {allowed:?}");
        }
    }

    #[test]
    fn an_origin_is_that_of_the_request_or_a_configured_one() {
        let own = hosts(EVERYWHERE, "https://flows.example.com/base", &["portal.example.com", "*"]);
        for (origin, target, is_own) in [
            ("http://localhost:8080", "localhost:8080", true),
            ("http://localhost", "localhost", true),
            ("https://localhost", "localhost:443", true),
            ("http://localhost:3000", "localhost:8080", false),
            ("http://127.0.0.1:8080", "localhost:8080", false),
            ("http://10.0.0.9:8080", "10.0.0.5:8080", false),
            ("http://other", "rondo", false),
            ("https://flows.example.com", "rondo:8080", true),
            ("http://flows.example.com", "rondo:8080", false),
            ("https://portal.example.com:7007", "rondo:8080", true),
            ("http://evil.test", "localhost:8080", false),
            ("null", "localhost:8080", false),
            ("", "localhost:8080", false),
            ("file://", "localhost:8080", false),
        ] {
            let target = target.parse().unwrap();
            assert_eq!(own.is_own_origin(origin, Some(&target)), is_own, "{origin} at {target}");
        }
        assert!(!own.is_own_origin("http://localhost", None));
    }
}
