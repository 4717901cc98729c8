//! Two namespace requests, with simulated GitLab, Backstage and Kubernetes.
//!
//! Orders a small and a large namespace, and prints what happens. The large namespace needs an approval.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use reqwest::Method;
use rondo_simulator::{BACKSTAGE_TOKEN, GITLAB_TOKEN, KUBERNETES_TOKEN, Options as Services, Simulator};
use serde_json::{Value, json};

use super::{INTERRUPTED, POLL_INTERVAL, stage::Place, stamp};
use crate::{
    client::{self, Target},
    flows, logging, output, signals,
};

/// How much faster than written the demo's sleeps pass: a poll every 30 s becomes one every second.
const SPEED: u32 = 30;

/// How long the approver of `--auto-approve` waits, so that what waits can be seen.
const APPROVAL_DELAY: Duration = Duration::from_secs(4);

/// Run two namespace requests from beginning to end.
#[derive(Debug, clap::Args)]
pub(super) struct Namespace {
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

impl Namespace {
    pub(super) async fn run(self) -> Result<ExitCode, String> {
        logging::start(logging::Format::Text, "warn");
        let services = Simulator::start(Services::default()).await.map_err(|error| error.to_string())?;
        let place = Place::find(self.listen).await?;
        let url = place.url.clone();
        // From here on a signal ends the demo in order, so that the temporary folder is removed.
        let mut interrupted = tokio::spawn(signals::stop());
        let workflows = self.workflows(place.folder())?;
        let scratch = place.folder().to_owned();
        let stage = place.open(workflows, environment(&services)).await?;
        output::line(&format!("engine    {url}  (database in {})", scratch.display()));
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
        stage.close().await;
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

    /// The folder of workflows: the one that was named, or the flow of the binary, unpacked.
    fn workflows(&self, scratch: &Path) -> Result<PathBuf, String> {
        if let Some(folder) = &self.workflows {
            return Ok(folder.clone());
        }
        let folder = scratch.join("workflows");
        let is_its_own = |path: &str| !path.contains('/') || path.starts_with("create-ocp-namespace/");
        let files: Vec<_> = flows::SHIPPED.iter().filter(|(path, _)| is_its_own(path)).copied().collect();
        flows::write(&files, &folder)?;
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

/// The environment in which the flows find the simulated services.
fn environment(services: &Simulator) -> [(&'static str, String); 7] {
    [
        ("GITLAB_URL", services.gitlab_url()),
        ("GITLAB_TOKEN", GITLAB_TOKEN.to_owned()),
        ("BACKSTAGE_URL", services.backstage_url()),
        ("BACKSTAGE_TOKEN", BACKSTAGE_TOKEN.to_owned()),
        ("KUBERNETES_URL", services.kubernetes_url()),
        ("KUBERNETES_TOKEN", KUBERNETES_TOKEN.to_owned()),
        ("RONDO_CLOCK_SPEED", SPEED.to_string()),
    ]
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
