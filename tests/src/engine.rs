//! An engine: the real binary on a folder and a database of its own.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{PATIENCE, binary};

/// An engine on a folder and a database of its own.
pub struct Engine {
    process: Child,
    binary: PathBuf,
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

impl Answer {
    /// Sends a request. `None` when there was no answer.
    pub async fn to(request: reqwest::RequestBuilder) -> Option<Self> {
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        let text = answer.text().await.ok()?;
        Some(Self { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) })
    }
}

impl Engine {
    /// Starts an engine on an empty database and waits until it is ready.
    pub async fn start(folder: &Path, environment: &[(&str, String)]) -> Self {
        Self::start_on(binary(), TempDir::new().unwrap(), folder, environment).await
    }

    /// Starts a build of the engine on a database and waits until it is ready. The database is `db/rondo.db` below `data`, the log `log`.
    pub async fn start_on(
        binary: &Path,
        data: TempDir,
        folder: &Path,
        environment: &[(&str, String)],
    ) -> Self {
        let environment: Vec<_> =
            environment.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = spawn(binary, folder, data.path(), port, &environment);
        let (binary, folder) = (binary.to_owned(), folder.to_owned());
        let mut engine = Self { process, binary, folder, data, port, environment };
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
        self.process = spawn(&self.binary, &self.folder, self.data.path(), self.port, &self.environment);
        self.wait_until_ready().await;
    }

    /// Starts it again and waits until it ends by itself.
    pub fn restart_and_die(&mut self) {
        self.process = spawn(&self.binary, &self.folder, self.data.path(), self.port, &self.environment);
        self.wait_until_it_ends();
    }

    /// Asks it to stop, as a supervisor does.
    pub fn ask_to_stop(&self) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// Waits until the process has ended by itself.
    pub fn wait_until_it_ends(&mut self) -> ExitStatus {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status;
            }
            assert!(begin.elapsed() < PATIENCE, "the engine does not end:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Asks it to stop and waits until it has.
    pub fn terminate(&mut self) -> ExitStatus {
        self.ask_to_stop();
        self.wait_until_it_ends()
    }

    /// Bounds the size of the files that it writes, as `prlimit` takes it.
    pub fn limit_files(&self, bytes: &str) {
        self.limit("fsize", bytes);
    }

    /// Sets a soft limit of the process, as `prlimit` calls and takes it.
    pub fn limit(&self, resource: &str, value: &str) {
        let mut limit = Command::new("prlimit");
        limit.args(["--pid", &self.process_id().to_string(), &format!("--{resource}={value}:")]);
        assert!(limit.status().unwrap().success());
    }

    /// The most memory that the process has taken, in MiB.
    pub fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() / 1024
    }

    /// Id of the process.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Time that the process has computed for until now, in hundredths of a second.
    pub fn processor_time(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/stat", self.process_id())).unwrap();
        // The name of the program, in parentheses, may hold anything.
        let fields: Vec<_> = status.rsplit(')').next().unwrap().split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }

    /// Whether the process has ended.
    pub fn has_ended(&mut self) -> bool {
        self.process.try_wait().unwrap().is_some()
    }

    /// Sets a variable of the environment, for the next start.
    pub fn remember(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// The URL of the database.
    pub fn store(&self) -> String {
        format!("sqlite://{}", self.database_folder().join("rondo.db").display())
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

    /// The address at which it listens.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// A URL of the engine.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    /// Posts JSON. `None` when there was no answer.
    pub async fn try_post(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> Option<Answer> {
        let mut request = reqwest::Client::new().post(self.url(path)).json(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::to(request).await
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

    /// Patches with JSON and expects an answer.
    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        Answer::to(reqwest::Client::new().patch(self.url(path)).json(body)).await.expect("an answer")
    }

    /// Deletes and expects an answer.
    pub async fn delete(&self, path: &str) -> Answer {
        Answer::to(reqwest::Client::new().delete(self.url(path))).await.expect("an answer")
    }

    /// Gets JSON and expects an answer.
    pub async fn get(&self, path: &str) -> Answer {
        Answer::to(reqwest::Client::new().get(self.url(path))).await.expect("an answer")
    }

    /// One instance with its history.
    pub async fn inspect(&self, id: &str) -> Value {
        self.get(&format!("/rondo/instances/{id}")).await.body
    }

    /// Waits until an instance is in a state, and gives it.
    pub async fn wait_for(&self, id: &str, state: &str) -> Value {
        let found = self.wait_until(id, |shown| shown["state"] == state).await;
        found.unwrap_or_else(|last| panic!("the instance is not {state}: {last}\n{}", self.log()))
    }

    /// Waits until what is shown of an instance is as wanted, and gives it. `Err` holds what was shown in the end.
    pub async fn wait_until(&self, id: &str, is_as_wanted: impl Fn(&Value) -> bool) -> Result<Value, Value> {
        let begin = Instant::now();
        loop {
            let shown = self.inspect(id).await;
            if is_as_wanted(&shown) {
                return Ok(shown);
            }
            if begin.elapsed() > PATIENCE {
                return Err(shown);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The instances of a workflow: id, state, parent and variables of each.
    pub async fn instances(&self, workflow: &str) -> Vec<Value> {
        self.instances_where(json!({"processId": {"equal": workflow}})).await
    }

    /// The instances that a condition of the Data Index finds: id, state, business key, workflow, parent and variables of each.
    pub async fn instances_where(&self, condition: Value) -> Vec<Value> {
        let query = "query ($w: ProcessInstanceArgument) { ProcessInstances(where: $w) \
            { id state businessKey workflow: processId parent: parentProcessInstanceId variables } }";
        let answer = self.post("/graphql", &json!({"query": query, "variables": {"w": condition}})).await;
        let found = answer.body["data"]["ProcessInstances"].as_array().cloned();
        found.unwrap_or_else(|| panic!("{answer:?}"))
    }

    /// Names of the nodes that an instance came through, as the Data Index shows them.
    pub async fn nodes(&self, id: &str) -> Vec<String> {
        let query = "query ($id: String) { ProcessInstances(where: {id: {equal: $id}}) { nodes { name } } }";
        let answer = self.post("/graphql", &json!({"query": query, "variables": {"id": id}})).await;
        let nodes = answer.body["data"]["ProcessInstances"][0]["nodes"].as_array().cloned();
        let nodes = nodes.unwrap_or_else(|| panic!("{answer:?}"));
        nodes.iter().filter_map(|node| node["name"].as_str().map(str::to_owned)).collect()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(binary: &Path, folder: &Path, data: &Path, port: u16, environment: &[(String, String)]) -> Child {
    let log = fs::OpenOptions::new().create(true).append(true).open(data.join("log")).unwrap();
    Command::new(binary)
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
