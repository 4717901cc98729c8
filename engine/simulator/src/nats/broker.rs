//! The connections of the broker, and how messages find their subscribers.
//!
//! A connection is a reader, which carries out what the client says, and a writer, which has a queue. A client that does not
//! read is disconnected when its queue is full, as NATS does with slow consumers.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Bytes;
use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

use super::protocol::{MAX_LINE, MAX_PAYLOAD, Operation};
use super::subject;

/// Messages that wait for a client to read them.
const QUEUE: usize = 1024;

/// Subscriptions of all connections.
#[derive(Debug, Default)]
pub(crate) struct Broker {
    subscriptions: Mutex<Subscriptions>,
}

#[derive(Debug, Default)]
struct Subscriptions {
    /// By connection and the client's own id.
    all: BTreeMap<(u64, String), Subscription>,
    connections: u64,
    /// Messages ever, so that the members of a group take turns.
    messages: u64,
}

#[derive(Debug)]
struct Subscription {
    pattern: String,
    queue: Option<String>,
    to: mpsc::Sender<Bytes>,
    /// How many messages it still takes; absent: any number.
    left: Option<u64>,
    had: u64,
}

/// A message on its way.
struct Message {
    subject: String,
    reply: Option<String>,
    header: usize,
    body: Vec<u8>,
}

impl Broker {
    /// Serves the clients of a listener until it is told to stop.
    pub(crate) async fn serve(listener: TcpListener, mut stop: watch::Receiver<bool>) {
        let broker = Arc::new(Self::default());
        let address = listener.local_addr().ok();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                // A dropped sender means stop as well.
                _ = stop.wait_for(|stop| *stop) => return,
            };
            match accepted {
                Ok((stream, _)) => {
                    let broker = Arc::clone(&broker);
                    let mut stop = stop.clone();
                    tokio::spawn(async move {
                        tokio::select! {
                            () = broker.talk(stream, address) => {}
                            _ = stop.wait_for(|stop| *stop) => {}
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "the simulated NATS server cannot accept a connection");
                    // Too many open files, mostly: some are closed meanwhile.
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            }
        }
    }

    /// One connection, until either side ends it.
    async fn talk(&self, stream: TcpStream, address: Option<SocketAddr>) {
        let _ = stream.set_nodelay(true);
        let (reader, writer) = stream.into_split();
        let (to, queue) = mpsc::channel(QUEUE);
        let connection = {
            let mut subscriptions = self.subscriptions.lock();
            subscriptions.connections += 1;
            subscriptions.connections
        };
        let _ = to.try_send(info(connection, address));
        let writing = tokio::spawn(write(writer, queue));
        if let Err(problem) = self.read(reader, connection, &to).await {
            let _ = to.try_send(format!("-ERR '{problem}'\r\n").into());
        }
        self.subscriptions.lock().all.retain(|(of, _), _| *of != connection);
        drop(to);
        let _ = writing.await;
    }

    /// Carries out what a client says, until it is gone. The error is what to tell it last.
    async fn read(
        &self,
        reader: OwnedReadHalf,
        connection: u64,
        to: &mpsc::Sender<Bytes>,
    ) -> Result<(), &'static str> {
        let mut reader = BufReader::new(reader);
        let (mut is_verbose, mut wants_no_responders) = (false, false);
        loop {
            let Some(line) = read_line(&mut reader).await? else { return Ok(()) };
            if to.is_closed() {
                return Ok(());
            }
            match Operation::parse(&line)? {
                Operation::Ping => drop(to.try_send(Bytes::from_static(b"PONG\r\n"))),
                Operation::Pong => {}
                Operation::Connect { is_verbose: verbose, wants_no_responders: wants } => {
                    is_verbose = verbose;
                    wants_no_responders = wants;
                }
                Operation::Subscribe { pattern, .. } if !subject::is_valid(&pattern) => {
                    return Err("Invalid Subject");
                }
                Operation::Subscribe { pattern, queue, id } => {
                    let subscription = Subscription { pattern, queue, to: to.clone(), left: None, had: 0 };
                    self.subscriptions.lock().all.insert((connection, id), subscription);
                }
                Operation::Unsubscribe { id, after } => {
                    self.subscriptions.lock().unsubscribe(&(connection, id), after);
                }
                Operation::Publish { subject, reply, header, size } => {
                    let Some(body) = read_body(&mut reader, size).await? else { return Ok(()) };
                    if !subject::is_valid(&subject) {
                        return Err("Invalid Publish Subject");
                    }
                    let message = Message { subject, reply, header, body };
                    let was_taken = self.subscriptions.lock().deliver(&message);
                    if let (false, true, Some(reply)) = (was_taken, wants_no_responders, message.reply) {
                        let body = b"NATS/1.0 503\r\n\r\n".to_vec();
                        let nobody = Message { subject: reply, reply: None, header: body.len(), body };
                        self.subscriptions.lock().deliver(&nobody);
                    }
                }
            }
            if is_verbose {
                let _ = to.try_send(Bytes::from_static(b"+OK\r\n"));
            }
        }
    }
}

impl Subscriptions {
    /// Hands a message to each matching subscription, and to one of each group. False if there is none.
    fn deliver(&mut self, message: &Message) -> bool {
        self.messages += 1;
        let mut groups: BTreeMap<&str, Vec<&(u64, String)>> = BTreeMap::new();
        let mut takers = Vec::new();
        for (key, subscription) in &self.all {
            if subject::matches(&subscription.pattern, &message.subject) {
                match &subscription.queue {
                    None => takers.push(key.clone()),
                    Some(queue) => groups.entry(queue).or_default().push(key),
                }
            }
        }
        for members in groups.values() {
            let turn = usize::try_from(self.messages).unwrap_or_default() % members.len();
            takers.push(members[turn].clone());
        }
        for key in &takers {
            let Some(subscription) = self.all.get_mut(key) else { continue };
            subscription.had += 1;
            let is_last = subscription.left.is_some_and(|left| subscription.had >= left);
            let is_slow = subscription.to.try_send(message.to_wire(&key.1)).is_err();
            if is_last || is_slow {
                self.all.remove(key);
            }
            if is_slow {
                tracing::warn!("a subscriber of the simulated NATS server does not read: it misses messages");
            }
        }
        !takers.is_empty()
    }

    fn unsubscribe(&mut self, key: &(u64, String), after: Option<u64>) {
        let Some(subscription) = self.all.get_mut(key) else { return };
        match after {
            Some(after) if subscription.had < after => subscription.left = Some(after),
            _ => drop(self.all.remove(key)),
        }
    }
}

impl Message {
    /// `MSG` or `HMSG` for the subscription with this id.
    fn to_wire(&self, id: &str) -> Bytes {
        let (subject, size, header) = (&self.subject, self.body.len(), self.header);
        let reply = self.reply.as_ref().map(|reply| format!(" {reply}")).unwrap_or_default();
        let line = match header {
            0 => format!("MSG {subject} {id}{reply} {size}\r\n"),
            _ => format!("HMSG {subject} {id}{reply} {header} {size}\r\n"),
        };
        let mut bytes = line.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes.extend_from_slice(b"\r\n");
        bytes.into()
    }
}

/// What the server says first.
fn info(connection: u64, address: Option<SocketAddr>) -> Bytes {
    let info = serde_json::json!({
        "server_id": "SIMULATED", "server_name": "simulated", "version": "2.10.0", "proto": 1, "headers": true,
        "max_payload": MAX_PAYLOAD, "client_id": connection,
        "host": address.map(|address| address.ip().to_string()).unwrap_or_default(),
        "port": address.map(|address| address.port()).unwrap_or_default(),
    });
    format!("INFO {info}\r\n").into()
}

/// Writes what is queued, until nobody can queue more.
async fn write(mut writer: OwnedWriteHalf, mut queue: mpsc::Receiver<Bytes>) {
    while let Some(bytes) = queue.recv().await {
        if writer.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

/// The next line without its end; nothing when the client is gone.
async fn read_line(reader: &mut BufReader<OwnedReadHalf>) -> Result<Option<String>, &'static str> {
    let mut line = Vec::new();
    let limit = MAX_LINE as u64 + 1;
    match (&mut *reader).take(limit).read_until(b'\n', &mut line).await {
        Ok(0) | Err(_) => return Ok(None),
        Ok(_) if !line.ends_with(b"\n") && line.len() > MAX_LINE => {
            return Err("Maximum Control Line Exceeded");
        }
        Ok(_) => {}
    }
    let line = String::from_utf8(line).map_err(|_| "Unknown Protocol Operation")?;
    Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
}

/// The body of a message and the end of its line; nothing when the client is gone.
async fn read_body(
    reader: &mut BufReader<OwnedReadHalf>,
    size: usize,
) -> Result<Option<Vec<u8>>, &'static str> {
    let mut body = vec![0; size + 2];
    if reader.read_exact(&mut body).await.is_err() {
        return Ok(None);
    }
    let is_ended = body.ends_with(b"\r\n");
    body.truncate(size);
    if is_ended { Ok(Some(body)) } else { Err("Unknown Protocol Operation") }
}
