//! Events over NATS, against Debian's `nats-server`: that at the path in `NATS_SERVER`, else one in `PATH` or `/usr/sbin`. Without
//! one these tests say so and do nothing, unless `NATS_SERVER` is set.

#![cfg(feature = "nats")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/inbox.rs"]
mod inbox;

mod common;

use std::{
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use async_nats::jetstream;
use common::properties;
use inbox::{Memory, Running};
use rondo_event::{ChannelState, Channels, CloudEvent, Sender};
use rondo_expression::Val;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};

/// A server of its own for one test.
struct Server {
    program: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
    child: Child,
}

impl Server {
    /// `None` if there is no program.
    async fn start() -> Option<Self> {
        let server = Self::spawn(&[])?;
        server.client().await;
        Some(server)
    }

    /// A server with further arguments, which may not answer yet.
    fn spawn(arguments: &[&str]) -> Option<Self> {
        let program = program()?;
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let child = spawn(&program, &folder, port, arguments);
        Some(Self { program, folder, port, child })
    }

    fn url(&self) -> String {
        format!("nats://ada:s3cret@127.0.0.1:{}", self.port)
    }

    /// A client of the test's own, as soon as the server answers.
    async fn client(&self) -> async_nats::Client {
        for _ in 0..200 {
            let options = async_nats::ConnectOptions::new().user_and_password("ada".into(), "s3cret".into());
            if let Ok(client) = options.connect(self.url()).await {
                return client;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the server does not answer")
    }

    fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    async fn start_again(&mut self) {
        self.child = spawn(&self.program, &self.folder, self.port, &[]);
        self.client().await;
    }

    async fn make_stream(&self) -> jetstream::stream::Stream {
        let config = jetstream::stream::Config {
            name: "S".to_owned(),
            subjects: vec!["s.>".to_owned()],
            ..Default::default()
        };
        jetstream::new(self.client().await).create_stream(config).await.unwrap()
    }

    fn file(&self, stream: &str) -> String {
        format!(
            "nats.servers={}\n\
             mp.messaging.incoming.in.connector=rondo-nats\nmp.messaging.incoming.in.subject=s.*\n{stream}\
             mp.messaging.outgoing.out.connector=rondo-nats\nmp.messaging.outgoing.out.subject=s.{{type}}\n\
             rondo.events.send-timeout=5000\n",
            self.url()
        )
    }

    fn channels(&self, stream: &str) -> Channels {
        let (channels, problems) = Channels::read(&properties(&self.file(stream), &[]));
        assert!(problems.is_empty(), "{problems:?}");
        channels
    }

    fn sender(&self, stream: &str) -> Sender {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let properties = properties(&self.file(stream), &[]);
        let channels = Arc::new(Channels::read(&properties).0);
        Sender::new(channels, reqwest::Client::new(), &properties).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("NATS_SERVER") {
        let path = PathBuf::from(path);
        assert!(path.is_file(), "NATS_SERVER is {}, which is no file", path.display());
        return Some(path);
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&folders).collect();
    folders.push("/usr/sbin".into());
    let found = folders.iter().map(|folder| folder.join("nats-server")).find(|path| path.is_file());
    if found.is_none() {
        eprintln!("not tested: there is no `nats-server`; NATS_SERVER may name one");
    }
    found
}

fn spawn(program: &PathBuf, folder: &tempfile::TempDir, port: u16, further: &[&str]) -> Child {
    let mut command = Command::new(program);
    command.args(["-a", "127.0.0.1", "-p", &port.to_string(), "--user", "ada", "--pass", "s3cret", "-js"]);
    command.arg("-sd").arg(folder.path()).args(further);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// A file of the certificates of these tests.
fn certificate(name: &str) -> String {
    format!("{}/tests/certificates/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Trusts the authority of these tests and no other.
fn trust() -> rustls::ClientConfig {
    let mut authorities = rustls::RootCertStore::empty();
    authorities.add(CertificateDer::from_pem_file(certificate("authority.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    builder.unwrap().with_root_certificates(authorities).with_no_client_auth()
}

const STREAM: &str = "mp.messaging.incoming.in.stream=S\nmp.messaging.outgoing.out.stream=S\n";

fn event(id: usize) -> CloudEvent {
    let mut event = CloudEvent::new(id.to_string(), "/process/x y", "done");
    event.set_extension("note", "ü \"%\"").unwrap();
    event.data = Some(Val::object([("n", Val::Int(7))]));
    event
}

fn ids(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|id| id.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_keeps_events_and_takes_each_once() {
    let Some(server) = Server::start().await else { return };
    let mut stream = server.make_stream().await;
    let sender = server.sender(&format!("{STREAM}kogito.addon.messaging.outgoing.cloudEventMode=binary\n"));
    for id in 0..20 {
        sender.send("out", &event(id)).await.unwrap();
    }
    sender.send("out", &event(0)).await.unwrap();
    assert_eq!(stream.info().await.unwrap().state.messages, 20);

    let inbox = Memory::refusing(0);
    let running = Running::start(server.channels(STREAM), Arc::clone(&inbox));
    inbox.until_accepted(20).await;
    running.stop().await;
    assert_eq!(inbox.ids(), ids(0..20));
    assert_eq!(inbox.accepted()[0].attribute("note"), Some("ü \"%\""));

    let inbox = Memory::refusing(0);
    let running = Running::start(server.channels(STREAM), Arc::clone(&inbox));
    sender.send("out", &event(20)).await.unwrap();
    inbox.until_accepted(1).await;
    running.stop().await;
    assert_eq!(inbox.ids(), ids(20..21));
}

/// The server asks for TLS and for a certificate, and has one of an authority that only the properties of the engine know.
#[tokio::test(flavor = "multi_thread")]
async fn connections_are_encrypted_and_both_sides_show_who_they_are() {
    let [authority, server_certificate, server_key, own, own_key] =
        ["authority.pem", "server.pem", "server.key.pem", "client.pem", "client.key.pem"].map(certificate);
    let arguments =
        ["--tlsverify", "--tlscacert", &authority, "--tlscert", &server_certificate, "--tlskey", &server_key];
    let Some(server) = Server::spawn(&arguments) else { return };
    let shown = format!("nats.certificate-file={own}\nnats.key-file={own_key}\n");
    let trusting = |file: &str| {
        let properties = properties(&server.file(file), &[]);
        let (channels, problems) = Channels::read(&properties);
        assert!(problems.is_empty(), "{problems:?}");
        (channels.trusting(trust()), properties)
    };
    let inbox = Memory::refusing(0);
    let running = Running::start(trusting(&shown).0, Arc::clone(&inbox));
    running.until_problem("in", false).await;
    let sender = |file: &str| {
        let (channels, properties) = trusting(file);
        Sender::new(Arc::new(channels), reqwest::Client::new(), &properties).unwrap()
    };
    sender(&shown).send("out", &event(0)).await.unwrap();
    inbox.until_accepted(1).await;
    running.stop().await;
    // Without its certificate it is not let in, and a server whose authority it does not know is not sent anything.
    sender("").send("out", &event(1)).await.unwrap_err();
    let file = properties(&server.file(&shown), &[]);
    let untrusting = Sender::new(Arc::new(Channels::read(&file).0), reqwest::Client::new(), &file).unwrap();
    untrusting.send("out", &event(2)).await.unwrap_err();
    let wrong = format!("nats.certificate-file={own}\nnats.key-file={server_key}\n");
    let error = sender(&wrong).send("out", &event(3)).await.unwrap_err().to_string();
    assert!(error.contains("server.key.pem` does not belong to"), "{error}");
    assert_eq!(inbox.ids(), ids(0..1));
}

/// A channel that is to be encrypted sends nothing to a server without TLS.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_gets_nothing_of_a_channel_with_it() {
    let Some(server) = Server::start().await else { return };
    let inbox = Memory::refusing(0);
    let running = Running::start(server.channels(""), Arc::clone(&inbox));
    running.until_problem("in", false).await;
    server.sender("nats.tls=true\n").send("out", &event(0)).await.unwrap_err();
    server.sender("").send("out", &event(1)).await.unwrap();
    inbox.until_accepted(1).await;
    running.stop().await;
    assert_eq!(inbox.ids(), ids(1..2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_inbox_refuses_comes_again_and_what_is_no_event_does_not() {
    let Some(server) = Server::start().await else { return };
    let stream = server.make_stream().await;
    let context = jetstream::new(server.client().await);
    for body in ["hello", r#"{"a":1}"#, ""] {
        context.publish("s.x", body.into()).await.unwrap().await.unwrap();
    }
    let inbox = Memory::refusing(2);
    let running = Running::start(server.channels(STREAM), Arc::clone(&inbox));
    server.sender(STREAM).send("out", &event(0)).await.unwrap();
    inbox.until("both events", |inbox| inbox.ids().len() >= 2 && inbox.broken().len() == 2).await;
    running.until_problem("in", false).await;
    let state = running.stop().await["in"].clone();
    let plain = inbox.accepted().into_iter().find(|event| event.event_type == "in").unwrap();
    assert_eq!((plain.source.as_str(), plain.id.as_str()), ("/nats/S", "2"));
    assert_eq!((state.broken, state.accepted), (2, 2));
    assert!(inbox.broken()[0].starts_with("message 1 of /nats/S: its data cannot be read as JSON"));
    // The server takes the acknowledgements of one connection while it answers another.
    let mut left = 50;
    while stream.consumer_info("rondo-in").await.unwrap().num_ack_pending > 0 {
        assert!(left > 0, "messages are not acknowledged");
        left -= 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_away_is_found_again() {
    let Some(mut server) = Server::start().await else { return };
    server.make_stream().await;
    let sender = server.sender(STREAM);
    let inbox = Memory::refusing(0);
    let running = Running::start(server.channels(STREAM), Arc::clone(&inbox));
    sender.send("out", &event(0)).await.unwrap();
    inbox.until_accepted(1).await;
    server.stop();
    running.until_problem("in", true).await;
    let error = sender.send("out", &event(1)).await.unwrap_err();
    assert!(error.is_transient() && !error.to_string().contains("s3cret"), "{error}");
    server.start_again().await;
    while let Err(error) = sender.send("out", &event(1)).await {
        assert!(error.is_transient(), "{error}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    inbox.until_accepted(2).await;
    running.until_problem("in", false).await;
    running.stop().await;
    assert_eq!(inbox.ids(), ids(0..2));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_stream_events_reach_who_listens() {
    let Some(server) = Server::start().await else { return };
    let inbox = Memory::refusing(1);
    let running = Running::start(server.channels(""), Arc::clone(&inbox));
    running.until_problem("in", false).await;
    let sender = server.sender("");
    for id in 0..3 {
        sender.send("out", &event(id)).await.unwrap();
    }
    inbox.until_accepted(3).await;
    running.stop().await;
    assert_eq!(inbox.ids(), ids(0..3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_not_there_is_a_problem_that_is_seen() {
    let Some(server) = Server::start().await else { return };
    let running = Running::start(server.channels(STREAM), Memory::refusing(0));
    let mut left = 100;
    let is_told = |state: &ChannelState| {
        state.problem.as_ref().is_some_and(|problem| problem.contains("the stream `S` cannot be used"))
    };
    while !running.states.all().get("in").is_some_and(is_told) {
        assert!(left > 0, "{:?}", running.states.all());
        left -= 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    running.stop().await;
    let error = server.sender(STREAM).send("out", &event(0)).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
}
