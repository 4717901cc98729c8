//! A real browser for tests of pages: Chromium without a window, driven over the `DevTools` protocol.
//!
//! The browser reads commands from its file descriptor 3 and writes answers and events to 4, each a JSON object that a NUL ends
//! (`--remote-debugging-pipe`). A shell makes these two of standard input and output, which any process can be given.

use std::{
    collections::HashMap,
    path::PathBuf,
    process::Stdio,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::{Mutex as AsyncMutex, oneshot},
};

use crate::{PATIENCE, page::Page};

/// Names of the program, as distributions have them; the one without a window of its own first, which needs the least.
const NAMES: [&str; 4] = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"];

/// Chromium runs as root in containers, where it has no sandbox. It opens nothing but the pages of the tests.
const ARGUMENTS: [&str; 7] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--remote-debugging-pipe",
];

/// A running Chromium. It ends when this is dropped.
pub struct Browser {
    connection: Arc<Connection>,
    _process: Child,
    _profile: TempDir,
}

/// The way to a browser.
pub(crate) struct Connection {
    commands: AsyncMutex<ChildStdin>,
    next_number: AtomicU64,
    answers: Mutex<HashMap<u64, oneshot::Sender<Value>>>,
    pub(crate) events: Mutex<Vec<Value>>,
}

impl Browser {
    /// Starts Chromium: that at the path in `CHROMIUM`, else one in `PATH`. `None` without one, after saying so; `CHROMIUM` must name one.
    pub fn start() -> Option<Self> {
        let program = find()?;
        let profile = TempDir::new().unwrap();
        let mut process = Command::new("sh");
        process
            .args(["-c", "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", "sh"])
            .arg(program)
            .args(ARGUMENTS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut process = process.spawn().expect("a shell starts");
        let (commands, answers) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let connection = Arc::new(Connection {
            commands: AsyncMutex::new(commands),
            next_number: AtomicU64::new(1),
            answers: Mutex::default(),
            events: Mutex::default(),
        });
        tokio::spawn(read(Arc::clone(&connection), answers));
        Some(Self { connection, _process: process, _profile: profile })
    }

    /// Opens an empty page that shares no cookies with others.
    pub async fn open(&self) -> Page {
        let connection = Arc::clone(&self.connection);
        let context = connection.call(None, "Target.createBrowserContext", json!({})).await;
        let wanted = json!({"url": "about:blank", "browserContextId": context["browserContextId"]});
        let target = connection.call(None, "Target.createTarget", wanted).await;
        let wanted = json!({"targetId": target["targetId"], "flatten": true});
        let attached = connection.call(None, "Target.attachToTarget", wanted).await;
        let page = Page::new(connection, attached["sessionId"].as_str().unwrap());
        for domain in ["Page", "Runtime", "Network", "Log", "Accessibility"] {
            page.call(&format!("{domain}.enable"), json!({})).await;
        }
        page
    }
}

/// The program of the browser.
fn find() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("CHROMIUM").filter(|path| !path.is_empty()) {
        let path = PathBuf::from(path);
        assert!(path.is_file(), "CHROMIUM is {}, which is no file", path.display());
        return Some(path);
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let mut places =
        NAMES.iter().flat_map(|name| std::env::split_paths(&folders).map(move |folder| folder.join(name)));
    let found = places.find(|place| place.is_file());
    if found.is_none() {
        eprintln!(
            "NOT TESTED IN A BROWSER: there is no `chromium-headless-shell` here, nor another Chromium; CHROMIUM may name one"
        );
    }
    found
}

/// Hands answers to those who wait for them, and keeps events, until the browser ends.
async fn read(connection: Arc<Connection>, answers: ChildStdout) {
    let mut answers = BufReader::new(answers);
    let mut message = Vec::new();
    while answers.read_until(0, &mut message).await.is_ok_and(|length| length > 0) {
        message.pop();
        let Ok(mut read) = serde_json::from_slice::<Value>(&message) else { break };
        message.clear();
        match read["id"].as_u64() {
            Some(number) => {
                let waits = connection.answers.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
                // Who waited may have given up.
                let _ = waits.map(|waits| waits.send(read.take()));
            }
            None => connection.events.lock().unwrap_or_else(PoisonError::into_inner).push(read),
        }
    }
    // Without senders, those who wait learn that the browser has ended.
    connection.answers.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

impl Connection {
    /// Carries out a command; `Err` has what the browser does not like about it.
    pub(crate) async fn try_call(
        &self,
        session: Option<&str>,
        method: &str,
        params: Value,
    ) -> Result<Value, String> {
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        let mut command = json!({"id": number, "method": method, "params": params});
        if let Some(session) = session {
            command["sessionId"] = session.into();
        }
        let (answers, answer) = oneshot::channel();
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).insert(number, answers);
        let mut line = command.to_string().into_bytes();
        line.push(0);
        let mut commands = self.commands.lock().await;
        commands.write_all(&line).await.expect("the browser takes commands");
        drop(commands);
        let answer = tokio::time::timeout(PATIENCE, answer).await;
        let mut answer = answer
            .unwrap_or_else(|_| panic!("the browser does not answer {method}"))
            .expect("the browser lives");
        match answer.get("error") {
            Some(error) => Err(format!("{method}: {error}")),
            None => Ok(answer["result"].take()),
        }
    }

    /// Carries out a command that the browser must not refuse.
    pub(crate) async fn call(&self, session: Option<&str>, method: &str, params: Value) -> Value {
        self.try_call(session, method, params).await.unwrap_or_else(|error| panic!("{error}"))
    }
}
