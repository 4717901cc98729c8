//! `rondo demo`: the main job from beginning to end, with simulated GitLab, Backstage and Kubernetes.
//!
//! Starts the simulators and an engine on an embedded database in a folder of its own, orders a small and a large
//! namespace, and prints what happens. The large namespace needs an approval. Promises: it works in any folder, and
//! leaves nothing behind however it ends, `kill -9` aside.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use reqwest::Method;
use rondo_definition::Environment;
use rondo_runtime::{Engine, OpenError, Options};
use rondo_simulator::{BACKSTAGE_TOKEN, GITLAB_TOKEN, KUBERNETES_TOKEN, Options as Services, Simulator};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::{
    client::{self, Target},
    flows,
    folder::Report,
    logging, output, signals,
};

/// How much faster than written the demo's sleeps pass: a poll every 30 s becomes one every second.
const SPEED: u32 = 30;

/// How often the demo polls the engine: short enough that lines appear as things happen.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// How long the approver of `--auto-approve` waits, so that the waiting instance can be seen.
const APPROVAL_DELAY: Duration = Duration::from_secs(4);

/// Exit code of a demo that a signal ended before its requests ended: the code of shells for SIGINT.
const INTERRUPTED: u8 = 130;

/// Run two namespace requests from beginning to end.
#[derive(Debug, clap::Args)]
pub(crate) struct Demo {
    /// Approve the large request automatically after a few seconds.
    #[arg(long)]
    auto_approve: bool,
    /// The folder of workflows. Without it, the flows that are a part of the binary.
    #[arg(long)]
    workflows: Option<PathBuf>,
    /// Address of the engine.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: std::net::SocketAddr,
    /// Keep the engine running when the requests have ended, to look around.
    #[arg(long)]
    keep: bool,
}

impl Demo {
    pub(crate) async fn run(self) -> Result<ExitCode, String> {
        logging::start(logging::Format::Text, "warn");
        let services = Simulator::start(Services::default()).await.map_err(|error| error.to_string())?;
        let listener = match TcpListener::bind(self.listen).await {
            Ok(listener) => listener,
            // Another process has the port: the demo works on any other.
            Err(_) => TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?,
        };
        let url = format!("http://{}", listener.local_addr().map_err(|error| error.to_string())?);
        // From here on a signal ends the demo in order, so that the temporary folder is removed.
        let mut interrupted = tokio::spawn(signals::stop());
        let scratch = scratch()?;
        let workflows = self.workflows(scratch.path())?;
        let engine = open_engine(&services, &url, workflows, scratch.path()).await?;
        let stop = tokio::sync::watch::Sender::new(false);
        let mut stopped = stop.subscribe();
        let until = async move {
            // A dropped sender means stop as well.
            let _ = stopped.wait_for(|stop| *stop).await;
        };
        let serving = tokio::spawn(rondo_api::serve(engine.clone(), listener, until));
        output::line(&format!("engine    {url}  (database in {})", scratch.path().display()));
        output::line(&format!(
            "services  {}/_sim/  (GitLab, Backstage and Kubernetes, simulated)",
            services.control_url()
        ));
        if self.auto_approve {
            services.approve_all_automatically(APPROVAL_DELAY);
        }
        let target = Target::at(url.clone());
        let outcome = tokio::select! {
            outcome = self.requests(&target, &services) => outcome.map(|()| ExitCode::SUCCESS),
            _ = &mut interrupted => Ok(ExitCode::from(INTERRUPTED)),
        };
        if !interrupted.is_finished() && outcome.is_ok() {
            self.print_next_steps(&url, &services);
            if self.keep {
                let _ = interrupted.await;
            }
        }
        stop.send_replace(true);
        let _ = serving.await;
        engine.stop(Duration::from_secs(1)).await;
        services.stop().await;
        outcome
    }

    fn print_next_steps(&self, url: &str, services: &Simulator) {
        output::line("");
        output::line(&format!(
            "The simulated cluster now has the namespaces: {}",
            services.namespaces().join(", ")
        ));
        if self.keep {
            let at = if url == client::DEFAULT_URL { String::new() } else { format!(" --url {url}") };
            output::line(&format!("The engine goes on at {url} until Ctrl-C:"));
            output::line(&format!("  rondo ps{at}        all instances"));
            output::line(&format!("  rondo show ID{at}   what happened to one of them"));
        } else {
            output::line(
                "Next: `rondo demo --keep` leaves it running to look around; `rondo init DIR` writes a flow to begin with",
            );
        }
    }

    /// The folder of workflows: the one that was named, or the flows of the binary, unpacked.
    fn workflows(&self, scratch: &Path) -> Result<PathBuf, String> {
        if let Some(folder) = &self.workflows {
            return Ok(folder.clone());
        }
        let folder = scratch.join("workflows");
        flows::write(flows::SHIPPED, &folder)?;
        Ok(folder)
    }

    /// Orders both namespaces and follows them to their ends.
    async fn requests(&self, engine: &Target, services: &Simulator) -> Result<(), String> {
        let begin = Instant::now();
        let mut followed = Vec::new();
        for (name, size) in [("team-small", "small"), ("team-large", "large")] {
            let data = json!({
                "namespace": name, "size": size, "requester": "user:default/jdoe",
                "reason": format!("a {size} namespace for the demo"),
            });
            output::line("");
            output::line(&format!("{} order {name} ({size}): POST /create-ocp-namespace", stamp(begin)));
            let answer = engine.request(Method::POST, "/create-ocp-namespace", Some(&data)).await?;
            let id = answer.body.get("id").and_then(Value::as_str).map(str::to_owned);
            let id = id.ok_or_else(|| crate::client::message_of(&answer))?;
            followed.push(FollowedInstance { name, id, printed: 0, ended: false });
        }
        let mut asked = false;
        while followed.iter().any(|instance| !instance.ended) {
            for instance in followed.iter_mut().filter(|instance| !instance.ended) {
                instance.follow(engine, begin).await?;
            }
            let waiting = services.issues().into_iter().find(|issue| issue.state() == "opened");
            if let (false, Some(issue)) = (asked, waiting) {
                asked = true;
                let how = if self.auto_approve {
                    "it will be approved in a moment (--auto-approve)".to_owned()
                } else {
                    format!("approve or deny it at {}/_sim/", services.control_url())
                };
                output::line(&format!(
                    "{} approval asked for in ticket #{} — {how}",
                    stamp(begin),
                    issue.iid
                ));
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }
}

/// Opens an engine that finds the simulated services, with its database in `scratch`.
async fn open_engine(
    services: &Simulator,
    url: &str,
    workflows: PathBuf,
    scratch: &Path,
) -> Result<Engine, String> {
    let environment: Environment = [
        ("GITLAB_URL", services.gitlab_url()),
        ("GITLAB_TOKEN", GITLAB_TOKEN.to_owned()),
        ("BACKSTAGE_URL", services.backstage_url()),
        ("BACKSTAGE_TOKEN", BACKSTAGE_TOKEN.to_owned()),
        ("KUBERNETES_URL", services.kubernetes_url()),
        ("KUBERNETES_TOKEN", KUBERNETES_TOKEN.to_owned()),
        ("RONDO_CLOCK_SPEED", SPEED.to_string()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    let options = Options {
        workflows: workflows.clone(),
        store: format!("sqlite://{}", scratch.join("rondo.db").display()),
        service_url: url.to_owned(),
        environment,
    };
    match Engine::open(options).await {
        Ok(engine) => Ok(engine),
        Err(OpenError::Definitions { diagnostics, sources, files, projects }) => {
            Report { diagnostics: &diagnostics, sources: &sources, files, projects: &projects }.print();
            Err(format!("the workflows in {} cannot be served", workflows.display()))
        }
        Err(error) => Err(error.to_string()),
    }
}

/// A folder for database and flows, removed with everything in it when it goes out of scope.
fn scratch() -> Result<TempDir, String> {
    let made = tempfile::Builder::new().prefix("rondo-demo-").tempdir();
    made.map_err(|error| format!("no temporary folder can be made: {error}"))
}

/// An instance, and how many lines of its history have been printed.
struct FollowedInstance {
    name: &'static str,
    id: String,
    printed: usize,
    ended: bool,
}

impl FollowedInstance {
    async fn follow(&mut self, engine: &Target, begin: Instant) -> Result<(), String> {
        let answer = engine.request(Method::GET, &format!("/rondo/instances/{}", self.id), None).await?;
        let history = answer.body.get("history").and_then(Value::as_array).cloned().unwrap_or_default();
        for line in history.iter().skip(self.printed) {
            let text = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default();
            let what = match text("f") {
                "entered" => format!("→ {}", text("state")),
                "action" if text("kind") == "call" => format!("    calls {}", text("target")),
                "failed" | "handled" => format!("    {}", text("message")),
                _ => continue,
            };
            output::line(&format!("{} {:<11} {what}", stamp(begin), self.name));
        }
        self.printed = history.len();
        let state = answer.body.get("state").and_then(Value::as_str).unwrap_or_default();
        if !matches!(state, "ACTIVE" | "PENDING") {
            self.ended = true;
            self.print_end(state, &answer.body, begin);
        }
        Ok(())
    }

    fn print_end(&self, state: &str, instance: &Value, begin: Instant) {
        let result = instance.pointer("/data/result").unwrap_or(&Value::Null);
        let error = instance.pointer("/error/message").and_then(Value::as_str);
        let message = error.or(result.get("message").and_then(Value::as_str)).unwrap_or_default();
        output::line(&format!("{} {:<11} {state}: {message}", stamp(begin), self.name));
        for entry in result.get("outputs").and_then(Value::as_array).into_iter().flatten() {
            let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
            output::line(&format!("{:>8} {:<11}     {}: {}", "", "", text("key"), text("value")));
        }
    }
}

fn stamp(begin: Instant) -> String {
    format!("{:>7.1}s", begin.elapsed().as_secs_f64())
}
