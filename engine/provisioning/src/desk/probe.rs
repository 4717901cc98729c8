//! Probes whether something that was made can be reached.
//!
//! Promises: a probe ends within its time; it connects to no address that the engine refuses; it shows the beginning of one line at most, so
//! that it is no way to read what a service says. Never: sends anything but a request for a page, follows a redirect.

use std::time::{Duration, Instant};

use rondo_function::{OutboundError, OutboundRequest};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    net::TcpStream,
};
use url::Url;

use super::Desk;

/// How long a probe may take where nobody says it, and at most.
const DEFAULT_TIME: u64 = 5000;
const MOST_TIME: u64 = 60_000;

/// Bytes of a banner. RFC 4253 allows as many.
const MOST_BANNER: usize = 255;

/// Bytes before the banner: a server may greet with lines of its own.
const MOST_GREETING: u64 = 4096;

/// Bytes of a page. Only its status counts, so a longer one is no failure.
const MOST_PAGE: u64 = 64 * 1024;

/// What is probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ProbeKind {
    /// Whether a port takes connections.
    Tcp,
    /// Whether an SSH server greets.
    Ssh,
    /// Whether a web server answers, other than with an error of its own.
    Http,
}

/// A probe as it is asked for.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Probe {
    pub(crate) kind: ProbeKind,
    pub(crate) host: Option<String>,
    pub(crate) port: Option<u16>,
    pub(crate) url: Option<String>,
    pub(crate) timeout_ms: Option<u64>,
}

/// What came of a probe.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Probed {
    pub(crate) ok: bool,
    pub(crate) latency_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) banner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

/// Where a probe goes.
enum Target {
    Port(String, u16),
    Page(Url),
}

impl Probe {
    /// Where it goes. The fault is told with its place.
    fn target(&self) -> Result<Target, (&'static str, String)> {
        if let (ProbeKind::Http, Some(url)) = (self.kind, &self.url) {
            let url = Url::parse(url).map_err(|error| ("/url", format!("`{url}` is no address: {error}")))?;
            let is_page = matches!(url.scheme(), "http" | "https")
                && url.username().is_empty()
                && url.password().is_none();
            return if is_page {
                Ok(Target::Page(url))
            } else {
                Err(("/url", "it is no address of HTTP without credentials".to_owned()))
            };
        }
        let host = self.host.as_deref().map(str::trim).filter(|host| !host.is_empty());
        let host = host.ok_or(("/host", "it must say which host is probed".to_owned()))?;
        let default = match self.kind {
            ProbeKind::Tcp => None,
            ProbeKind::Ssh => Some(22),
            ProbeKind::Http => Some(80),
        };
        let port = self
            .port
            .filter(|port| *port > 0)
            .or(default)
            .ok_or(("/port", "it must say which port is probed".to_owned()))?;
        if self.kind != ProbeKind::Http {
            return Ok(Target::Port(host.to_owned(), port));
        }
        let is_v6 = host.contains(':') && !host.starts_with('[');
        let address =
            if is_v6 { format!("http://[{host}]:{port}/") } else { format!("http://{host}:{port}/") };
        Url::parse(&address).map(Target::Page).map_err(|_| ("/host", format!("`{host}` is no host")))
    }

    /// Checks what can be seen without a look at the network.
    pub(crate) fn check(&self) -> Result<(), (&'static str, String)> {
        self.target().map(drop)
    }
}

impl Desk {
    /// Probes, and answers whatever comes of it.
    pub(crate) async fn probe(&self, probe: &Probe) -> Probed {
        let limit = Duration::from_millis(probe.timeout_ms.unwrap_or(DEFAULT_TIME).clamp(1, MOST_TIME));
        let began = Instant::now();
        let tried = match probe.target() {
            Ok(Target::Page(url)) => self.probe_page(url, limit).await,
            Ok(Target::Port(host, port)) => {
                let tried = tokio::time::timeout(limit, self.probe_port(&host, port, probe.kind)).await;
                tried.unwrap_or_else(|_| Err(format!("no answer within {} ms", limit.as_millis())))
            }
            Err((_, problem)) => Err(problem),
        };
        let latency_ms = began.elapsed().as_secs_f64() * 1000.0;
        match tried {
            Ok(probed) => Probed { latency_ms, ..probed },
            Err(error) => Probed { latency_ms, error: Some(error), ..Probed::default() },
        }
    }

    async fn probe_page(&self, url: Url, limit: Duration) -> Result<Probed, String> {
        let request = OutboundRequest {
            method: "GET".to_owned(),
            url,
            headers: Vec::new(),
            body: None,
            time_limit: limit,
            max_answer_bytes: MOST_PAGE,
        };
        match self.0.surroundings.outbound.send(request).await {
            Ok(answer) => {
                let ok = answer.status < 500;
                let error = (!ok).then(|| format!("answered {}", answer.status));
                Ok(Probed { ok, status: Some(answer.status), error, ..Probed::default() })
            }
            // It serves something.
            Err(OutboundError::Unusable(_)) => Ok(Probed { ok: true, ..Probed::default() }),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn probe_port(&self, host: &str, port: u16, kind: ProbeKind) -> Result<Probed, String> {
        let addresses = self.0.surroundings.outbound.resolve(host, port).await?;
        let stream = TcpStream::connect(addresses.as_slice()).await;
        let stream = stream.map_err(|error| format!("no connection to {host}:{port}: {}", error.kind()))?;
        if kind == ProbeKind::Tcp {
            return Ok(Probed { ok: true, ..Probed::default() });
        }
        let mut lines = BufReader::new(stream.take(MOST_GREETING));
        let mut first = None;
        loop {
            let mut line = Vec::new();
            let read = lines
                .read_until(b'\n', &mut line)
                .await
                .map_err(|error| format!("the connection broke off: {}", error.kind()))?;
            if read == 0 {
                return Ok(Probed {
                    banner: first,
                    error: Some("no SSH server greets there".to_owned()),
                    ..Probed::default()
                });
            }
            let banner = printable(&line);
            if banner.starts_with("SSH-") {
                return Ok(Probed { ok: true, banner: Some(banner), ..Probed::default() });
            }
            first.get_or_insert(banner);
        }
    }
}

/// The beginning of a line, without what is no printable character.
fn printable(line: &[u8]) -> String {
    line.iter()
        .take(MOST_BANNER)
        .filter(|byte| byte.is_ascii_graphic() || **byte == b' ')
        .map(|byte| char::from(*byte))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(probe: serde_json::Value) -> Result<String, &'static str> {
        let probe: Probe = serde_json::from_value(probe).unwrap();
        match probe.target() {
            Ok(Target::Port(host, port)) => Ok(format!("{host} {port}")),
            Ok(Target::Page(url)) => Ok(url.to_string()),
            Err((place, _)) => Err(place),
        }
    }

    #[test]
    fn a_probe_has_one_target() {
        use serde_json::json;
        for (probe, expected) in [
            (json!({"kind": "ssh", "host": "10.0.0.5"}), Ok("10.0.0.5 22")),
            (json!({"kind": "tcp", "host": "h", "port": 5432}), Ok("h 5432")),
            (json!({"kind": "tcp", "host": "h"}), Err("/port")),
            (json!({"kind": "tcp", "port": 1}), Err("/host")),
            (json!({"kind": "tcp", "url": "http://h/"}), Err("/host")),
            (json!({"kind": "http", "host": "h"}), Ok("http://h/")),
            (json!({"kind": "http", "host": "fd00::1", "port": 8080}), Ok("http://[fd00::1]:8080/")),
            (json!({"kind": "http", "url": "https://h/health"}), Ok("https://h/health")),
            (json!({"kind": "http", "url": "file:///etc/passwd"}), Err("/url")),
            (json!({"kind": "http", "url": "http://a:b@h/"}), Err("/url")),
        ] {
            assert_eq!(target(probe.clone()).as_deref(), expected.as_ref().map(|text| *text), "{probe}");
        }
    }

    #[test]
    fn a_banner_is_short_and_printable() {
        assert_eq!(printable(b"SSH-2.0-OpenSSH_9.6\r\n"), "SSH-2.0-OpenSSH_9.6");
        assert_eq!(printable(b"\x1b[31mred\x07"), "[31mred");
        assert_eq!(printable(&[b'a'; 1000]).len(), MOST_BANNER);
    }
}
