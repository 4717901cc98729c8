//! The demo of the platform: all of it, from the order of a shop to a launch that nobody agrees to; and as somebody plays it who decides
//! on the page.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{fs, process::Stdio, time::Duration};

use rondo_tests::{Browser, Page, folder, prepare};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

/// Sentences about how a page looks, if there is anything to say.
const CHECKS: &str = include_str!("desk_browser/checks.js");

/// All stories take half a minute; the machine may be busy.
const PATIENCE: Duration = Duration::from_mins(3);

/// A demo in an empty folder.
struct Demo {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    told: Vec<String>,
    folders: [TempDir; 2],
}

impl Demo {
    fn start(arguments: &[&str]) -> Self {
        prepare();
        let folders = [folder(&[]), folder(&[])];
        let mut process = Command::new(rondo_tests::binary())
            .args(["demo", "platform", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .current_dir(folders[0].path())
            .env("TMPDIR", folders[1].path())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines, told: Vec::new(), folders }
    }

    /// Reads on until a line has all of these words; gives it.
    async fn until_told(&mut self, words: &[&str]) -> String {
        let told = &mut self.told;
        let look = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                told.push(line.clone());
                if words.iter().all(|word| line.contains(word)) {
                    return Some(line);
                }
            }
            None
        };
        let found = tokio::time::timeout(PATIENCE, look).await;
        found.ok().flatten().unwrap_or_else(|| panic!("no line has all of {words:?}: {:#?}", self.told))
    }

    /// Reads to the end; gives the exit code. Nothing is left behind.
    async fn end(&mut self) -> Option<i32> {
        while let Some(line) = self.lines.next_line().await.unwrap() {
            self.told.push(line);
        }
        let status = tokio::time::timeout(PATIENCE, self.process.wait()).await.unwrap().unwrap();
        for folder in &self.folders {
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "files are left behind");
        }
        status.code()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_stories_of_the_platform_end_as_they_should_and_nothing_is_left_behind() {
    let mut demo = Demo::start(&["--auto-approve"]);
    assert_eq!(demo.end().await, Some(0), "{:#?}", demo.told);
    for words in [
        &["web-ord-7", "started", "Queued"][..],
        &["web-ord-7", "✓ Completed at 127."],
        &["jane", "sees the password"],
        &["web-ord-7", "rolled-back", "deprovisioned"],
        &["inbox", "waits", "calculator"],
        &["mail", "Approval needed", "calculator", "rita@example.org"],
        &["inbox", "approved", "by rita"],
        &["calculator", "✓ Completed at 127."],
        &["unlucky", "failed", "No valid host was found."],
        &["unlucky", "rolled-back", "failure"],
        &["cloud", "has nothing left of it"],
        &["create", "✓ COMPLETED PROVISIONED"],
        &["edit", "✓ COMPLETED PROVISIONED"],
        &["delete", "✓ COMPLETED PROVISIONED"],
        &["launch", "✓ FAILED: REJECTED, rita, too expensive for a demo"],
        &["All 5 stories have ended as they should"],
    ] {
        let is_told = demo.told.iter().any(|line| words.iter().all(|word| line.contains(word)));
        assert!(is_told, "no line has all of {words:?}: {:#?}", demo.told);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_decides_on_the_page_and_ends_the_demo_with_ctrl_c() {
    let Some(browser) = Browser::start() else { return };
    let mut demo = Demo::start(&[]);
    let place = |line: String| line.split_whitespace().nth(1).unwrap().to_owned();
    let pages = place(demo.until_told(&["pages"]).await);
    let services = place(demo.until_told(&["services"]).await);
    let mailbox = place(demo.until_told(&["mailbox"]).await);
    demo.until_told(&["inbox", "waits", "calculator", "you decide at", "demo-rita"]).await;

    // The link in the mail shows the question.
    let page = browser.open().await;
    page.open(&mailbox).await;
    page.until_shown("Approval needed: vps `calculator` in acme").await;
    let link = page.evaluate("document.body.innerText.match(/http\\S+links\\/\\S+/)[0]").await;
    check_looks(&page, link.as_str().unwrap()).await;
    page.until_shown("Your reason (needed to reject)").await;

    page.open(&pages).await;
    page.write("demo-rita").await;
    page.press_enter_and_follow().await;
    page.follow("nav a[href='/desk/inbox']").await;
    page.until_shown("vps `calculator` in acme").await;
    page.follow("button[aria-label*='calculator'][value=approved]").await;
    page.until_shown("You have approved “vps `calculator` in acme”.").await;
    demo.until_told(&["calculator", "✓ Completed at 127."]).await;
    page.follow("nav a[href='/desk/requests']").await;
    page.until("[...document.querySelectorAll('tr')].some((row) => row.innerText.includes('calculator') && row.innerText.includes('Completed'))")
        .await;

    for url in [&services, &mailbox] {
        check_looks(&page, url).await;
    }
    let is_told = |event: &Value| {
        event["method"] == "Runtime.exceptionThrown" || event["params"]["entry"]["level"] == "error"
    };
    assert_eq!(page.events().into_iter().filter(is_told).collect::<Vec<_>>(), [Value::Null; 0]);

    let process = demo.process.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-INT", &process]).status().await.unwrap().success());
    assert_eq!(demo.end().await, Some(130), "{:#?}", demo.told);
}

/// A page fits on a phone and on a desk, and can be read in light and in dark.
async fn check_looks(page: &Page, url: &str) {
    page.open(url).await;
    for width in [390, 1280] {
        page.set_size(width, 800).await;
        for is_dark in [false, true] {
            page.set_dark(is_dark).await;
            assert_eq!(page.evaluate(CHECKS).await, json!([]), "{url} at {width}, dark {is_dark}");
        }
    }
}
