//! Closed-loop clients: each starts an instance, waits for the answer, starts the next.
//!
//! They share the machine with what they measure, so they do as little as they can: one connection each, bytes as they are sent, and of the
//! answer no more is looked at than its status and its length.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::Result;

/// What the clients of one measurement saw.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Number of answers.
    pub(crate) count: usize,
    /// Answers a second.
    pub(crate) rate: f64,
    /// Half of the answers took no longer, in milliseconds.
    pub(crate) median: f64,
    /// 99 of 100 answers took no longer, in milliseconds.
    pub(crate) p99: f64,
}

/// When the clients stop.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Until {
    /// After so long.
    Passed(Duration),
    /// After so many requests each.
    Done(usize),
    /// When there are no more requests.
    Exhausted,
}

/// Posts a body to a path again and again.
pub(crate) async fn post(
    server: SocketAddr,
    path: &str,
    body: &str,
    clients: usize,
    until: Until,
) -> Result<Seen> {
    let request = request(server, path, "", body);
    send(server, clients, until, 201, move |_, _| Some(request.clone())).await
}

/// A request; `head` has further headers, each with its line break.
pub(crate) fn request(server: SocketAddr, path: &str, head: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: {server}\r\ncontent-type: application/json\r\n{head}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Sends requests, made of the number of the client and that of its turn, until the client has none or has sent enough. Any answer but one
/// of this status ends the measurement.
pub(crate) async fn send(
    server: SocketAddr,
    clients: usize,
    until: Until,
    status: u16,
    request: impl Fn(usize, usize) -> Option<String> + Clone + Send + 'static,
) -> Result<Seen> {
    let begin = Instant::now();
    let start = |number: usize| {
        let request = request.clone();
        tokio::spawn(client(server, until, status, move |turn| request(number, turn)))
    };
    let clients: Vec<_> = (0..clients).map(start).collect();
    let mut taken = Vec::new();
    for client in clients {
        taken.extend(client.await??);
    }
    Ok(seen(taken, begin.elapsed()))
}

fn seen(mut taken: Vec<Duration>, passed: Duration) -> Seen {
    taken.sort_unstable();
    let millis = |part: usize| {
        let place = taken.len().saturating_sub(1) * part / 100;
        taken.get(place).copied().unwrap_or_default().as_secs_f64() * 1000.0
    };
    #[allow(clippy::cast_precision_loss, reason = "for people")]
    let rate = taken.len() as f64 / passed.as_secs_f64();
    Seen { count: taken.len(), rate, median: millis(50), p99: millis(99) }
}

async fn client(
    server: SocketAddr,
    until: Until,
    status: u16,
    request: impl Fn(usize) -> Option<String> + Send,
) -> Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    let mut taken = Vec::new();
    let mut buffer = Vec::with_capacity(16 * 1024);
    let begin = Instant::now();
    while match until {
        Until::Passed(time) => begin.elapsed() < time,
        Until::Done(times) => taken.len() < times,
        Until::Exhausted => true,
    } {
        let Some(request) = request(taken.len()) else { break };
        let sent = Instant::now();
        stream.write_all(request.as_bytes()).await?;
        answer(&mut stream, &mut buffer, status).await?;
        taken.push(sent.elapsed());
    }
    Ok(taken)
}

/// Reads one answer to its end. Anything but the status ends the measurement.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>, status: u16) -> Result<()> {
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            return Err("the server closed the connection".into());
        }
        let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(buffer.get(..end).unwrap_or_default()).to_ascii_lowercase();
        if !head.starts_with(&format!("http/1.1 {status}")) {
            return Err(format!("not {status}: {}", String::from_utf8_lossy(buffer)).into());
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.ok_or("an answer without a length")?.trim().parse()?;
        while buffer.len() < end + 4 + length {
            if stream.read_buf(buffer).await? == 0 {
                return Err("the server closed the connection".into());
            }
        }
        return Ok(());
    }
}
