//! Drives the real binary: starts it on a folder, speaks HTTP to it, kills it, starts it again.
//!
//! The binary is built once, with failpoints, which do nothing unless `RONDO_FAILPOINTS` names one. Nothing here waits for a
//! fixed time: conditions are asked for until they hold, and a bound says when that has taken too long.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "this is a test harness"
)]

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use rondo_simulator::{BACKSTAGE_TOKEN, GITLAB_TOKEN, KUBERNETES_TOKEN, Options, Simulator};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// The binary, built once for all tests of a run.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "-p", "rondo-cli", "--features", "failpoints"]).current_dir(root());
        // What cargo says to this test about its own package would make build scripts run again.
        for (name, _) in std::env::vars() {
            if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
                build.env_remove(name);
            }
        }
        let status = build.status().expect("cargo runs");
        assert!(status.success(), "the binary does not build");
        // The test program lies in `target/debug/deps`, whatever the target folder is called.
        let program = std::env::current_exe().unwrap();
        program.parent().and_then(Path::parent).unwrap().join("rondo")
    })
}

/// The folder of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// An engine on a folder and a database of its own.
pub struct Engine {
    process: Child,
    folder: PathBuf,
    /// Database and log.
    data: TempDir,
    port: u16,
    environment: Vec<(String, String)>,
}

/// An answer: status and body.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body as JSON; a text if it is none.
    pub body: Value,
}

impl Engine {
    /// Starts an engine and waits until it is ready.
    pub async fn start(folder: &Path, environment: &[(&str, String)]) -> Self {
        let environment: Vec<_> =
            environment.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let data = TempDir::new().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = spawn(folder, data.path(), port, &environment);
        let mut engine = Self { process, folder: folder.to_owned(), data, port, environment };
        engine.wait_until_ready().await;
        engine
    }

    async fn wait_until_ready(&mut self) {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if let Some(status) = self.process.try_wait().unwrap() {
                panic!("the engine ended with {status}:\n{}", self.log());
            }
            let asked = reqwest::get(self.url("/q/health/ready")).await;
            if asked.is_ok_and(|answer| answer.status() == 200) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the engine does not get ready:\n{}", self.log());
    }

    /// Ends the process as a power cut would.
    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Starts it again on the same database and port.
    pub async fn restart(&mut self) {
        self.process = spawn(&self.folder, self.data.path(), self.port, &self.environment);
        self.wait_until_ready().await;
    }

    /// Starts it again and waits until it ends by itself.
    pub async fn restart_and_die(&mut self) {
        self.process = spawn(&self.folder, self.data.path(), self.port, &self.environment);
        let begin = Instant::now();
        while !self.has_ended() {
            assert!(begin.elapsed() < PATIENCE, "the engine does not end:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Asks it to stop, as a supervisor does.
    pub fn terminate(&mut self) -> ExitStatus {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.process.wait().unwrap()
    }

    /// Bounds the size of the files that it writes, as `prlimit` takes it.
    pub fn limit_files(&self, bytes: &str) {
        let mut limit = Command::new("prlimit");
        limit.args(["--pid", &self.process.id().to_string(), &format!("--fsize={bytes}:")]);
        assert!(limit.status().unwrap().success());
    }

    /// Whether the process has ended.
    pub fn has_ended(&mut self) -> bool {
        self.process.try_wait().unwrap().is_some()
    }

    /// Sets a variable of the environment, for the next start.
    pub fn remember(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Where the files of the database are.
    pub fn database_folder(&self) -> PathBuf {
        self.data.path().join("db")
    }

    /// Removes a variable of the environment, for the next start.
    pub fn forget(&mut self, name: &str) {
        self.environment.retain(|(known, _)| known != name);
    }

    /// Everything that the engine wrote to its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.data.path().join("log")).unwrap_or_default()
    }

    /// The bytes of all files of the database.
    pub fn database(&self) -> Vec<u8> {
        let files = fs::read_dir(self.data.path().join("db")).unwrap();
        files.flat_map(|file| fs::read(file.unwrap().path()).unwrap()).collect()
    }

    /// A URL of the engine.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Posts JSON. `None` when there was no answer.
    pub async fn try_post(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> Option<Answer> {
        let mut request = reqwest::Client::new().post(self.url(path)).json(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        let text = answer.text().await.ok()?;
        Some(Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) })
    }

    /// Posts JSON and expects an answer.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.try_post(path, body, &[]).await.expect("an answer")
    }

    /// Posts JSON without waiting for the answer, which nobody looks at.
    pub fn post_in_background(&self, path: &str, body: &Value) -> tokio::task::JoinHandle<()> {
        let request = reqwest::Client::new().post(self.url(path)).json(body);
        tokio::spawn(async move {
            let _ = request.send().await;
        })
    }

    /// Deletes and expects an answer.
    pub async fn delete(&self, path: &str) -> Answer {
        let answer = reqwest::Client::new().delete(self.url(path)).send().await.expect("an answer");
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
    }

    /// Gets JSON and expects an answer.
    pub async fn get(&self, path: &str) -> Answer {
        let answer = reqwest::get(self.url(path)).await.expect("an answer");
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
    }

    /// One instance with its history.
    pub async fn inspect(&self, id: &str) -> Value {
        self.get(&format!("/rondo/instances/{id}")).await.body
    }

    /// Waits until an instance is in a state, and gives it.
    pub async fn wait_for(&self, id: &str, state: &str) -> Value {
        let mut last = Value::Null;
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            last = self.inspect(id).await;
            if last["state"] == state {
                return last;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the instance is not {state}: {last}\n{}", self.log());
    }

    /// The instances of a workflow: id, state, parent and variables of each.
    pub async fn instances(&self, workflow: &str) -> Vec<Value> {
        let query = "query ($w: String) { ProcessInstances(where: {processId: {equal: $w}}) { id state parent: parentProcessInstanceId variables } }";
        let answer = self.post("/graphql", &json!({"query": query, "variables": {"w": workflow}})).await;
        answer.body["data"]["ProcessInstances"].as_array().cloned().unwrap_or_default()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(folder: &Path, data: &Path, port: u16, environment: &[(String, String)]) -> Child {
    let log = fs::OpenOptions::new().create(true).append(true).open(data.join("log")).unwrap();
    // A file that may not grow ends a process, unless that is ignored: then writing fails, as on a full disk.
    Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"])
        .arg(binary())
        .arg("serve")
        .arg("--workflows")
        .arg(folder)
        .args(["--store", &format!("sqlite://{}", data.join("db/rondo.db").display())])
        .args(["--listen", &format!("127.0.0.1:{port}")])
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("the binary starts")
}

/// A folder with these files.
pub fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// Simulated services, and the environment in which the flows of this repository find them. Time passes quickly.
pub async fn services() -> (Simulator, Vec<(&'static str, String)>) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let services = Simulator::start(Options::default()).await.expect("the simulators start");
    let environment = vec![
        ("GITLAB_URL", services.gitlab_url()),
        ("GITLAB_TOKEN", GITLAB_TOKEN.to_owned()),
        ("BACKSTAGE_URL", services.backstage_url()),
        ("BACKSTAGE_TOKEN", BACKSTAGE_TOKEN.to_owned()),
        ("KUBERNETES_URL", services.kubernetes_url()),
        ("KUBERNETES_TOKEN", KUBERNETES_TOKEN.to_owned()),
        ("RONDO_CLOCK_SPEED", "100".to_owned()),
    ];
    (services, environment)
}

/// Installs the TLS provider for clients of tests that need no services.
pub fn prepare() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Runs the binary with these arguments: exit code, standard output, standard error.
pub fn run(arguments: &[&str]) -> (i32, String, String) {
    run_with(&[], arguments)
}

/// The same, with variables of the environment.
pub fn run_with(environment: &[(&str, &str)], arguments: &[&str]) -> (i32, String, String) {
    let variables = environment.iter().copied();
    let output = Command::new(binary()).envs(variables).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

/// A namespace request of a size.
pub fn namespace_request(name: &str, size: &str) -> Value {
    json!({"namespace": name, "size": size, "requester": "user:default/jdoe", "reason": "a test needs it"})
}

/// A workflow, `quick`, that ends at once.
pub const QUICK: &str = r"
id: quick
version: '1.0'
specVersion: '0.8'
start: Say
states:
  - name: Say
    type: inject
    data: {said: true}
    end: true
";
