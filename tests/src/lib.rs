//! Drives the real binary: starts it on a folder, speaks HTTP to it, kills it, starts it again ([`Engine`]), and plays the services
//! that workflows call ([`Service`], and the simulators). Looks at pages in a real [`Browser`].
//!
//! The binary is built once, with failpoints, which do nothing unless `RONDO_FAILPOINTS` names one. Nothing here waits for a
//! fixed time: conditions are asked for until they hold, and a bound says when that has taken too long.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "this is a test harness"
)]

mod browser;
mod engine;
mod page;
mod service;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::{Duration, Instant},
};

use rondo_simulator::{BACKSTAGE_TOKEN, GITLAB_TOKEN, KUBERNETES_TOKEN, Options, Simulator};
use serde_json::{Value, json};
use tempfile::TempDir;

pub use browser::Browser;
pub use engine::{Answer, Engine};
pub use page::Page;
pub use service::{Call, Service};

/// How long anything may take before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The binary, built once for all tests of a run. `TESTED_BINARY` names another build, which the tests are played against instead; those
/// that kill it at a failpoint need one with the feature `failpoints`.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(path) = std::env::var_os("TESTED_BINARY") {
            return path.into();
        }
        build(&["-p", "rondo-cli", "--features", "failpoints"])
    })
}

/// The binary as another build might be: it lowers definitions to other instructions, at other places. `TESTED_PADDED_BINARY` names one that
/// is there already.
pub fn padded_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(path) = std::env::var_os("TESTED_PADDED_BINARY") {
            return path.into();
        }
        let padded = ["-p", "rondo-cli", "-p", "rondo-lowering", "--features", "rondo-lowering/padding"];
        let (built, kept) = (build(&padded), in_target("rondo-padded"));
        fs::copy(built, &kept).expect("the binary can be copied");
        // Cargo puts both builds at the same place, where the other one is looked for.
        build(&["-p", "rondo-cli", "--features", "failpoints"]);
        kept
    })
}

/// Builds the binary with these arguments of cargo.
fn build(arguments: &[&str]) -> PathBuf {
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet"]).args(arguments).current_dir(root());
    // What cargo says to this test about its own package would make build scripts run again.
    for (name, _) in std::env::vars() {
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            build.env_remove(name);
        }
    }
    let status = build.status().expect("cargo runs");
    assert!(status.success(), "the binary does not build");
    in_target("rondo")
}

/// A file of the folder that cargo puts binaries into: the test program lies in `deps` below it, whatever the target folder is called.
fn in_target(name: &str) -> PathBuf {
    let program = std::env::current_exe().unwrap();
    program.parent().and_then(Path::parent).unwrap().join(name)
}

/// The folder of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Waits until something holds. Panics with `what` when that takes too long.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begin = Instant::now();
    while !holds().await {
        assert!(begin.elapsed() < PATIENCE, "this does not happen: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
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
