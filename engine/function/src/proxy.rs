//! Decides whether a request goes through a proxy, and through which.
//!
//! Promises: excepted hosts are reached directly; `Debug` shows no password. Never: reads a property.

use url::Url;

use crate::secret::Secret;

/// The proxy configuration of a client.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) enum Proxying {
    /// By the environment variables `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`.
    #[default]
    OfProcess,
    /// Through no proxy.
    Direct,
    /// Through this proxy.
    Through {
        proxy: ProxyServer,
        /// Hosts that are reached directly, in lower case; a `*` at an end stands for any text.
        except: Vec<String>,
    },
}

/// The route of one request to its host.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Route {
    OfProcess,
    Direct,
    Through(ProxyServer),
}

/// An HTTP proxy.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ProxyServer {
    /// `http://<host>:<port>`.
    address: String,
    credentials: Option<(String, Secret)>,
}

impl ProxyServer {
    /// The proxy at `<host>:<port>`; `None` if the text is not of that form.
    pub(crate) fn parse(text: &str, credentials: Option<(String, Secret)>) -> Option<Self> {
        let text = text.trim();
        let (host, port) = text.strip_prefix("http://").unwrap_or(text).rsplit_once(':')?;
        let port: u16 = port.trim_end_matches('/').parse().ok()?;
        let url = Url::parse(&format!("http://{host}:{port}")).ok()?;
        let is_host_only = url.username().is_empty() && url.password().is_none() && url.path() == "/";
        (is_host_only && url.query().is_none()).then(|| Self { address: url.into(), credentials })
    }

    /// Converts the proxy for the HTTP client.
    pub(crate) fn to_client_proxy(&self) -> reqwest::Result<reqwest::Proxy> {
        let proxy = reqwest::Proxy::all(&self.address)?;
        Ok(match &self.credentials {
            Some((user, password)) => proxy.basic_auth(user, password.expose()),
            None => proxy,
        })
    }
}

impl Proxying {
    /// Through a proxy, except for some hosts: `localhost|*.example.com|10.*`, as Java writes them.
    pub(crate) fn through(proxy: ProxyServer, except: &str) -> Self {
        let except = except.split(['|', ',']).map(|host| host.trim().to_ascii_lowercase());
        Self::Through { proxy, except: except.filter(|host| !host.is_empty()).collect() }
    }

    /// The route of a request to this address.
    pub(crate) fn route(&self, url: &Url) -> Route {
        match self {
            Self::OfProcess => Route::OfProcess,
            Self::Direct => Route::Direct,
            Self::Through { proxy, except } => {
                let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
                if except.iter().any(|pattern| matches_host(pattern, host)) {
                    Route::Direct
                } else {
                    Route::Through(proxy.clone())
                }
            }
        }
    }
}

fn matches_host(pattern: &str, host: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(_), Some(_)) => host.contains(pattern.trim_matches('*')),
        (Some(end), None) => host.ends_with(end),
        (None, Some(beginning)) => host.starts_with(beginning),
        (None, None) => host == pattern.trim_matches(['[', ']']),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_a_host_and_a_port() {
        for (text, address) in [
            ("proxy.test:3128", Some("http://proxy.test:3128/")),
            (" http://proxy.test:3128/ ", Some("http://proxy.test:3128/")),
            ("[::1]:80", Some("http://[::1]/")),
            ("proxy.test", None),
            (":3128", None),
            ("proxy.test:", None),
            ("proxy.test:x", None),
            ("proxy.test:70000", None),
            ("ada:pw@proxy.test:1", None),
            ("https://proxy.test:1", None),
            ("proxy.test/a:1", None),
        ] {
            let proxy = ProxyServer::parse(text, None);
            assert_eq!(proxy.map(|proxy| proxy.address).as_deref(), address, "{text}");
        }
    }

    #[test]
    fn excepted_hosts_are_reached_directly() {
        let proxy = ProxyServer::parse("proxy.test:1", None).unwrap();
        let proxying = Proxying::through(proxy, "localhost| *.Acme.test|10.* |[::1],*mid*");
        for (url, is_direct) in [
            ("http://localhost/", true),
            ("http://LOCALHOST:8080/a", true),
            ("http://localhost.test/", false),
            ("http://a.acme.test/", true),
            ("http://acme.test/", false),
            ("http://10.1.2.3/", true),
            ("http://110.1.2.3/", false),
            ("http://[::1]/", true),
            ("http://amidst.test/", true),
        ] {
            let route = proxying.route(&Url::parse(url).unwrap());
            assert_eq!(route == Route::Direct, is_direct, "{url}");
        }
    }
}
