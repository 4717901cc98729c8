//! A call as it comes to the gateway: what of it is let through, and where it goes.
//!
//! Owns: [`Call`], and the rules of methods and paths. Promises: a path is looked at decoded, segment by segment, and sent as it was written;
//! one that could mean something else behind a proxy (`..`, encoded slashes) is refused. Never: sends anything.

use percent_encoding::percent_decode_str;
use serde_json::Value;
use url::Url;

/// A call of a service of a cluster. Its body may hold secrets, so it has no `Debug`.
#[derive(Clone)]
pub(crate) struct Call {
    /// Method in upper case.
    pub(crate) method: String,
    /// `compute`, `network`, `kubernetes`, …
    pub(crate) service: String,
    /// Encoded path below the service, without a slash at its beginning.
    pub(crate) path: String,
    /// Encoded query.
    pub(crate) query: Option<String>,
    /// Headers that services read; none of them identifies anybody.
    pub(crate) headers: Vec<(String, String)>,
    /// JSON body.
    pub(crate) body: Option<Value>,
}

impl Call {
    /// A call of the desk itself.
    pub(crate) fn get(service: &str, path: &str, query: Option<String>) -> Self {
        Self {
            method: "GET".to_owned(),
            service: service.to_owned(),
            path: path.to_owned(),
            query,
            headers: Vec::new(),
            body: None,
        }
    }

    /// The decoded segments of the path.
    ///
    /// # Errors
    /// A segment that servers and proxies read differently; the sentence is for people.
    pub(crate) fn segments(&self) -> Result<Vec<String>, String> {
        let segments = self.path.split('/').map(|segment| {
            let text =
                percent_decode_str(segment).decode_utf8().map_err(|_| format!("`{segment}` is no UTF-8"))?;
            let is_odd = text.is_empty()
                || text == "."
                || text == ".."
                || text.contains(['/', '\\', '%', ';'])
                || text.contains(char::is_control);
            if is_odd {
                Err(format!("`{segment}` is no segment of a path that the gateway lets through"))
            } else {
                Ok(text.into_owned())
            }
        });
        segments.collect()
    }
}

/// Methods, and a path: `servers/*/action`. `*` is one segment, `a|b` one of two, `**` at the end any number of segments, also none.
pub(crate) struct Rule(pub(crate) &'static str, pub(crate) &'static str);

impl Rule {
    fn allows(&self, method: &str, segments: &[String]) -> bool {
        self.0.split(' ').any(|allowed| allowed == method) && {
            let mut given = segments.iter();
            self.1.split('/').all(|wanted| match wanted {
                "**" => {
                    given.by_ref().for_each(drop);
                    true
                }
                "*" => given.next().is_some(),
                wanted => given.next().is_some_and(|given| wanted.split('|').any(|one| one == given)),
            }) && given.next().is_none()
        }
    }
}

/// Whether one of the rules lets a call through.
pub(crate) fn is_allowed(rules: &[Rule], method: &str, segments: &[String]) -> bool {
    rules.iter().any(|rule| rule.allows(method, segments))
}

/// The address of a path at an endpoint. Where the endpoint ends with the version that the path begins with, the version is taken once.
pub(crate) fn address(endpoint: &str, path: &str, query: Option<&str>) -> Result<Url, String> {
    let endpoint = endpoint.trim_end_matches('/');
    let mut url =
        Url::parse(endpoint).map_err(|error| format!("the endpoint `{endpoint}` is no address: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("the endpoint `{endpoint}` is no address of HTTP"));
    }
    let base = url.path().trim_end_matches('/').to_owned();
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let is_repeated = base.rsplit('/').next().is_some_and(|last| !last.is_empty() && last == first);
    let path = if is_repeated { rest } else { path };
    url.set_path(&format!("{base}/{path}"));
    url.set_query(query.filter(|query| !query.is_empty()));
    url.set_fragment(None);
    Ok(url)
}

/// A query of names and values, encoded.
pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        query.append_pair(name, value);
    }
    query.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(path: &str) -> Result<Vec<String>, String> {
        Call::get("compute", path, None).segments()
    }

    #[test]
    fn rules_are_methods_and_segments() {
        let rules = [
            Rule("GET DELETE", "servers/*"),
            Rule("POST", "servers"),
            Rule("GET", "api/v1/**"),
            Rule("GET", "x/a|b/c"),
        ];
        for (method, path, expected) in [
            ("GET", "servers/1", true),
            ("DELETE", "servers/1", true),
            ("POST", "servers/1", false),
            ("GET", "servers", false),
            ("POST", "servers", true),
            ("GET", "servers/1/action", false),
            ("GET", "api/v1", true),
            ("GET", "api/v1/a/b", true),
            ("GET", "api", false),
            ("GE", "servers/1", false),
            ("GET", "x/b/c", true),
            ("GET", "x/a|b/c", false),
        ] {
            assert_eq!(is_allowed(&rules, method, &segments(path).unwrap()), expected, "{method} {path}");
        }
    }

    #[test]
    fn a_path_means_the_same_to_everybody() {
        assert_eq!(
            segments("nodes/pve1/tasks/UPID%3Apve1:0:desk@pve!api:/status").unwrap()[3],
            "UPID:pve1:0:desk@pve!api:"
        );
        for path in [
            "a/../b",
            "a/./b",
            "a/%2e%2e/b",
            "a/b%2Fc",
            "a//b",
            "a/%5c",
            "a/%00",
            "a/%252e%252e",
            "a/b;c",
            "a/%ff",
        ] {
            assert!(segments(path).is_err(), "{path}");
        }
    }

    #[test]
    fn a_version_stands_once_in_an_address() {
        for (endpoint, path, expected) in [
            ("http://h:9696/", "v2.0/ports", "http://h:9696/v2.0/ports"),
            ("http://h:9696/v2.0", "v2.0/ports", "http://h:9696/v2.0/ports"),
            ("http://h/compute/v2.1/", "servers", "http://h/compute/v2.1/servers"),
            ("http://h/v3/a6944d76", "volumes/v1", "http://h/v3/a6944d76/volumes/v1"),
            ("http://h/api2/json", "api2/json/version", "http://h/api2/json/api2/json/version"),
            ("https://h/api", "api/session", "https://h/api/session"),
            ("http://h", "tasks/UPID:a:b@c!d:/status", "http://h/tasks/UPID:a:b@c!d:/status"),
        ] {
            assert_eq!(address(endpoint, path, None).unwrap().as_str(), expected);
        }
        let query = query(&[("name", "^rq-1$"), ("router:external", "true")]);
        assert_eq!(
            address("http://h", "a", Some(&query)).unwrap().as_str(),
            "http://h/a?name=%5Erq-1%24&router%3Aexternal=true"
        );
        assert!(
            address("ftp://h", "a", None).is_err()
                && address("h:1", "a", None).is_err()
                && address("", "a", None).is_err()
        );
    }
}
