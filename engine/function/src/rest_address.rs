//! The address of a function whose operation has only a path: `kogito.sw.functions.<name>.host` and related properties.
//!
//! Promises: without a host there is no address; no default is used. Never: sees arguments.

use rondo_definition::{Properties, PropertyError};
use rondo_program::HttpFunction;
use url::Url;

/// The prefix of the properties of a function; its name follows.
pub(crate) const FUNCTIONS: &str = "kogito.sw.functions.";

/// Why there is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AddressProblem {
    /// A property refers to one that has no value.
    #[error(transparent)]
    Property(#[from] PropertyError),
    /// No property names the host; the field is the property that would.
    #[error("no address is known: its operation has only a path, and `{0}` is not set")]
    Missing(String),
    /// The properties do not make a valid address.
    #[error("`{0}` and `protocol` and `port` beside it make `{1}`, which is no http or https address")]
    Malformed(String, String),
}

/// The address before the path of a function's operation; empty if the operation has a whole address.
pub(crate) fn base_address(
    target: &HttpFunction,
    function: &str,
    properties: &Properties,
) -> Result<String, AddressProblem> {
    if target.address.contains("://") {
        return Ok(String::new());
    }
    let key = |name: &str| format!("{FUNCTIONS}{function}.{name}");
    let read = |key: &str| {
        let value = properties.resolve(key)?.map(|value| value.trim().to_owned());
        Ok::<_, PropertyError>(value.filter(|value| !value.is_empty()))
    };
    let Some(host) = read(&key("host"))? else { return Err(AddressProblem::Missing(key("host"))) };
    let port = match read(&key("port"))? {
        Some(port) => Some(port),
        None => read(&format!("{FUNCTIONS}port"))?,
    };
    let protocol = read(&key("protocol"))?.map(|protocol| protocol.to_ascii_lowercase());
    let (scheme, host) = if let Some((scheme, host)) = host.split_once("://") {
        (scheme.to_ascii_lowercase(), host)
    } else {
        let usual = if port.as_deref() == Some("443") { "https" } else { "http" };
        (protocol.unwrap_or_else(|| usual.to_owned()), host.as_str())
    };
    let (authority, path) = host.split_at(host.find('/').unwrap_or(host.len()));
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let port = port.filter(|_| !has_port).map(|port| format!(":{port}")).unwrap_or_default();
    let address = format!("{scheme}://{authority}{port}{}", path.trim_end_matches('/'));
    match Url::parse(&address) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(address),
        _ => Err(AddressProblem::Malformed(key("host"), address)),
    }
}

#[cfg(test)]
mod tests {
    use rondo_program::HttpMethod;

    use super::*;

    fn base(address: &str, lines: &str) -> String {
        let (properties, _) =
            Properties::parse("application.properties", lines, rondo_definition::Environment::new());
        let address = address.to_owned();
        let target = HttpFunction { method: HttpMethod::Get, address, fails_on_error_status: true };
        base_address(&target, "f", &properties).unwrap_or_else(|problem| problem.to_string())
    }

    #[test]
    fn the_address_is_made_of_the_properties_of_the_function() {
        for (lines, expected) in [
            ("host=h.test", "http://h.test"),
            ("host=h.test\nport=8080", "http://h.test:8080"),
            ("host=h.test\nport=443", "https://h.test:443"),
            ("host=h.test\nport=8443\nprotocol=HTTPS", "https://h.test:8443"),
            ("host=https://h.test", "https://h.test"),
            ("host=https://h.test/base/\nport=8443", "https://h.test:8443/base"),
            ("host=https://h.test:9/\nport=8443\nprotocol=http", "https://h.test:9"),
            ("host=h.test:81\nport=8443", "http://h.test:81"),
            ("host=[::1]\nport=81", "http://[::1]:81"),
        ] {
            let lines = lines.lines().map(|line| format!("kogito.sw.functions.f.{line}\n"));
            assert_eq!(base("/a", &lines.collect::<String>()), expected);
        }
        assert_eq!(base("/a", "kogito.sw.functions.f.host=h\nkogito.sw.functions.port=81"), "http://h:81");
        assert_eq!(base("http://own.test/a", ""), "");
    }

    #[test]
    fn no_host_is_made_up() {
        let message = base("/a", "kogito.sw.functions.port=8080");
        insta::assert_snapshot!(message, @"no address is known: its operation has only a path, and `kogito.sw.functions.f.host` is not set");
        let message = base("/a", "kogito.sw.functions.f.host=ftp://h");
        insta::assert_snapshot!(message, @"`kogito.sw.functions.f.host` and `protocol` and `port` beside it make `ftp://h`, which is no http or https address");
        let message = base("/a", "kogito.sw.functions.f.host=${HOST_OF_F}");
        insta::assert_snapshot!(message, @"the property `kogito.sw.functions.f.host` refers to `${HOST_OF_F}`, which is neither a property nor an environment variable");
    }
}
