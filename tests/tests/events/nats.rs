//! A NATS server with a stream: that at the path in `NATS_SERVER`, else one in `PATH` or `/usr/sbin`.

use std::{
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use async_nats::{ConnectOptions, jetstream};
use tempfile::TempDir;

use crate::route::Route;

const STREAM: &str = "CALLBACKS";
const SUBJECT: &str = "callbacks";
const CONSUMER: &str = "engine";

/// A server of its own for one test.
pub(crate) struct NatsServer {
    program: PathBuf,
    folder: TempDir,
    port: u16,
    child: Child,
}

impl NatsServer {
    /// `None`, and a line that says so, where there is no program.
    pub(crate) async fn start() -> Option<Self> {
        let program = program()?;
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = TempDir::new().unwrap();
        let child = spawn(&program, &folder, port);
        let server = Self { program, folder, port, child };
        server.context().await;
        Some(server)
    }

    /// The properties of an engine that gets its events from the stream.
    pub(crate) fn properties(&self) -> String {
        let prefix = "mp.messaging.incoming.kogito_incoming_stream";
        format!(
            "{prefix}.connector=rondo-nats
{prefix}.servers=nats://127.0.0.1:{}
{prefix}.stream={STREAM}
{prefix}.subject={SUBJECT}
{prefix}.durable={CONSUMER}
",
            self.port
        )
    }

    pub(crate) async fn route(&self) -> Route {
        let mut context = self.context().await;
        // While the server is away the client waits for its return; an event is sent again before that.
        context.set_timeout(Duration::from_secs(2));
        Route::Nats(context, SUBJECT)
    }

    pub(crate) async fn restart(&mut self) {
        self.stop();
        self.child = spawn(&self.program, &self.folder, self.port);
        self.context().await;
    }

    /// How many messages the engine has not acknowledged.
    pub(crate) async fn left(&self) -> usize {
        let stream = self.context().await.get_stream(STREAM).await.unwrap();
        let Ok(info) = stream.consumer_info(CONSUMER).await else { return usize::MAX };
        usize::try_from(info.num_pending).unwrap() + info.num_ack_pending
    }

    /// As soon as the server answers and has the stream.
    async fn context(&self) -> jetstream::Context {
        for _ in 0..400 {
            let options = ConnectOptions::new().reconnect_delay_callback(|_| Duration::from_millis(50));
            if let Ok(client) = options.connect(format!("nats://127.0.0.1:{}", self.port)).await {
                let context = jetstream::new(client);
                let config = jetstream::stream::Config {
                    name: STREAM.to_owned(),
                    subjects: vec![SUBJECT.to_owned()],
                    ..Default::default()
                };
                if context.get_or_create_stream(config).await.is_ok() {
                    return context;
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the NATS server does not answer")
    }

    fn stop(&mut self) {
        // It ends at once, as in a crash.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn spawn(program: &PathBuf, folder: &TempDir, port: u16) -> Child {
    let mut command = Command::new(program);
    command.args(["-a", "127.0.0.1", "-p", &port.to_string(), "-js", "-sd"]).arg(folder.path());
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
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
        eprintln!("NOT TESTED OVER NATS: there is no `nats-server` here; NATS_SERVER may name one");
    }
    found
}
