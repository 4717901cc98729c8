//! A real browser for tests of pages: Chromium without a window, driven over the DevTools protocol.
//!
//! The browser reads commands from its file descriptor 3 and writes answers and events to 4, each a JSON object that a NUL ends
//! (`--remote-debugging-pipe`). A shell makes these two of standard input and output, which any process can be given.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::{Mutex as AsyncMutex, oneshot},
};

use crate::PATIENCE;

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

/// A page of a browser, with cookies of its own.
pub struct Page {
    connection: Arc<Connection>,
    session: String,
}

struct Connection {
    commands: AsyncMutex<ChildStdin>,
    next_number: AtomicU64,
    answers: Mutex<HashMap<u64, oneshot::Sender<Value>>>,
    events: Mutex<Vec<Value>>,
}

impl Browser {
    /// Starts Chromium: that at the path in `CHROMIUM`, else one in `PATH`. `None` without one, after saying so; `CHROMIUM` must name one.
    pub async fn start() -> Option<Self> {
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
        let page = Page { connection, session: attached["sessionId"].as_str().unwrap().to_owned() };
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
    async fn try_call(&self, session: Option<&str>, method: &str, params: Value) -> Result<Value, String> {
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

    async fn call(&self, session: Option<&str>, method: &str, params: Value) -> Value {
        self.try_call(session, method, params).await.unwrap_or_else(|error| panic!("{error}"))
    }
}

impl Page {
    /// Carries out a command of the protocol.
    pub async fn call(&self, method: &str, params: Value) -> Value {
        self.connection.call(Some(&self.session), method, params).await
    }

    /// Opens an address and waits until the page is there.
    pub async fn open(&self, url: &str) {
        let loads = self.count("Page.loadEventFired");
        let opened = self.call("Page.navigate", json!({"url": url})).await;
        assert!(opened.get("errorText").is_none(), "{url}: {opened}");
        // A redirect to the same document with another fragment loads nothing.
        if opened.get("loaderId").is_some() {
            self.wait_for_load(loads).await;
        }
    }

    /// The value of an expression of JavaScript; promises are waited for.
    pub async fn evaluate(&self, expression: &str) -> Value {
        self.try_evaluate(expression).await.unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    async fn try_evaluate(&self, expression: &str) -> Result<Value, String> {
        let wanted = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let mut evaluated = self.connection.try_call(Some(&self.session), "Runtime.evaluate", wanted).await?;
        match evaluated.get("exceptionDetails") {
            Some(details) => Err(details["exception"]["description"].to_string()),
            None => Ok(evaluated["result"]["value"].take()),
        }
    }

    /// Waits until an expression is true. While a page is left for the next, it is not.
    pub async fn until(&self, expression: &str) {
        crate::until(expression, async || {
            self.try_evaluate(expression).await.is_ok_and(|value| value == true)
        })
        .await;
    }

    /// Waits until the page shows these words.
    pub async fn until_shown(&self, words: &str) {
        self.until(&format!("document.body.innerText.includes({})", json!(words))).await;
    }

    /// What the page shows, with single blanks.
    pub async fn text(&self) -> String {
        let text = self.evaluate("document.body.innerText").await;
        text.as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Clicks with the mouse into the middle of the first element of a selector, which must be what is there.
    pub async fn click(&self, selector: &str) {
        let found = self
            .evaluate(&format!(
                "(() => {{ const element = document.querySelector({selector}); if (!element) return null; \
                 element.scrollIntoView({{block: 'center'}}); const box = element.getBoundingClientRect(); \
                 const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]; \
                 const hit = document.elementFromPoint(x, y); return element.contains(hit) ? [x, y] : 'covered'; }})()",
                selector = json!(selector),
            ))
            .await;
        assert!(found.is_array(), "{selector} cannot be clicked: {found}\n{}", self.text().await);
        for kind in ["mousePressed", "mouseReleased"] {
            let event =
                json!({"type": kind, "x": found[0], "y": found[1], "button": "left", "clickCount": 1});
            self.call("Input.dispatchMouseEvent", event).await;
        }
    }

    /// Clicks, and waits until the next page is there.
    pub async fn follow(&self, selector: &str) {
        let loads = self.count("Page.loadEventFired");
        self.click(selector).await;
        self.wait_for_load(loads).await;
    }

    /// Presses a key that writes nothing: `Tab`.
    pub async fn press_tab(&self) {
        for kind in ["rawKeyDown", "keyUp"] {
            let event = json!({"type": kind, "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9});
            self.call("Input.dispatchKeyEvent", event).await;
        }
    }

    /// Presses `Enter`, and waits until the next page is there.
    pub async fn press_enter_and_follow(&self) {
        let loads = self.count("Page.loadEventFired");
        for kind in ["keyDown", "keyUp"] {
            let event = json!({"type": kind, "key": "Enter", "code": "Enter", "text": "\r", "windowsVirtualKeyCode": 13});
            self.call("Input.dispatchKeyEvent", event).await;
        }
        self.wait_for_load(loads).await;
    }

    /// Types a text where the keyboard is.
    pub async fn write(&self, text: &str) {
        self.call("Input.insertText", json!({"text": text})).await;
    }

    /// Shows pages on a screen of this size in pixels of CSS.
    pub async fn set_size(&self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.call("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Prefers dark pages, or light ones.
    pub async fn set_dark(&self, is_dark: bool) {
        let value = if is_dark { "dark" } else { "light" };
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": value}]});
        self.call("Emulation.setEmulatedMedia", features).await;
    }

    /// Role and name of everything that programs for blind people read out, in the order of the page.
    pub async fn read_out(&self) -> Vec<(String, String)> {
        let tree = self.call("Accessibility.getFullAXTree", json!({})).await;
        let text = |node: &Value, member: &str| node[member]["value"].as_str().unwrap_or_default().to_owned();
        let nodes = tree["nodes"].as_array().cloned().unwrap_or_default();
        let heard = nodes.iter().filter(|node| node["ignored"] == false);
        heard.map(|node| (text(node, "role"), text(node, "name"))).collect()
    }

    /// Everything that happened in the page so far, as the protocol tells it: objects with `method` and `params`.
    pub fn events(&self) -> Vec<Value> {
        let events = self.connection.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.iter().filter(|event| event["sessionId"] == *self.session).cloned().collect()
    }

    /// Writes a picture of the whole page, as PNG.
    pub async fn save_picture(&self, path: &Path) {
        let wanted = json!({"format": "png", "captureBeyondViewport": true});
        let taken = self.call("Page.captureScreenshot", wanted).await;
        let picture = BASE64_STANDARD.decode(taken["data"].as_str().unwrap()).unwrap();
        std::fs::write(path, picture).unwrap();
    }

    fn count(&self, method: &str) -> usize {
        self.events().iter().filter(|event| event["method"] == method).count()
    }

    async fn wait_for_load(&self, before: usize) {
        crate::until("the page is loaded", async || self.count("Page.loadEventFired") > before).await;
    }
}
