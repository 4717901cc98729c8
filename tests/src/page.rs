//! A page of a browser, used as a person does: with mouse and keyboard.

use std::{
    path::Path,
    sync::{Arc, PoisonError},
};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};

use crate::browser::Connection;

/// A page of a browser, with cookies of its own.
pub struct Page {
    connection: Arc<Connection>,
    session: String,
}

impl Page {
    /// The page of a session of the protocol.
    pub(crate) fn new(connection: Arc<Connection>, session: &str) -> Self {
        Self { connection, session: session.to_owned() }
    }

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
