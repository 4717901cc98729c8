//! `rondo start` and `rondo ps`.

use std::process::ExitCode;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    client::{Target, message_of},
    output,
};

/// Start an instance of a workflow.
#[derive(Debug, clap::Args)]
pub(crate) struct Start {
    /// Id of the workflow.
    workflow: String,
    /// Its data: JSON, or `@FILE` (`@-` reads standard input).
    #[arg(long, default_value = "{}")]
    data: String,
    /// Business key of the instance.
    #[arg(long)]
    business_key: Option<String>,
    #[command(flatten)]
    target: Target,
}

impl Start {
    pub(crate) async fn run(self) -> Result<ExitCode, String> {
        let data = read_data(&self.data, "--data")?;
        let mut path = format!("/{}", encoded(&self.workflow));
        if let Some(key) = &self.business_key {
            path.push_str(&format!("?businessKey={}", encoded(key)));
        }
        let answer = self.target.request(Method::POST, &path, Some(&data)).await?;
        if self.target.json {
            output::json(&answer.body)?;
        } else if let Some(id) = answer.body.get("id").and_then(Value::as_str) {
            output::line(id);
            if answer.status != 201 {
                return Err(format!("{}; look at it with `rondo show {id}`", message_of(&answer)));
            }
        }
        if answer.status == 201 {
            return Ok(ExitCode::SUCCESS);
        }
        Err(message_of(&answer))
    }
}

/// Reads JSON from a text, or from the file that `@FILE` names. `what` names the JSON in errors.
pub(crate) fn read_data(text: &str, what: &str) -> Result<Value, String> {
    let text = match text.strip_prefix('@') {
        Some("-") => std::io::read_to_string(std::io::stdin()).map_err(|error| error.to_string())?,
        Some(path) => std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?,
        None => text.to_owned(),
    };
    serde_json::from_str(&text).map_err(|error| format!("{what} is not JSON: {error}"))
}

/// Percent-encodes a text for a path or query.
fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// List instances, the newest first.
#[derive(Debug, clap::Args)]
pub(crate) struct Ps {
    /// Only of this workflow.
    #[arg(long)]
    workflow: Option<String>,
    /// Only in these states.
    #[arg(long, value_delimiter = ',', value_enum, ignore_case = true)]
    state: Vec<State>,
    /// At most so many.
    #[arg(long, default_value_t = 50)]
    limit: u32,
    #[command(flatten)]
    target: Target,
}

/// States of instances.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum State {
    /// Waits for a place of its concurrency group.
    Pending,
    /// Under way.
    Active,
    /// Ended as the definition says.
    Completed,
    /// Ended from outside.
    Aborted,
    /// Stands at an error, and can be retried.
    Error,
}

impl State {
    /// Its name in the Data Index.
    fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Active => "ACTIVE",
            Self::Completed => "COMPLETED",
            Self::Aborted => "ABORTED",
            Self::Error => "ERROR",
        }
    }
}

/// Most instances that are counted beyond those shown. Counting reads each row, and a database may have millions.
const COUNTED: usize = 1000;

const PS: &str = "query ($where: ProcessInstanceArgument, $pagination: Pagination) {
  ProcessInstances(where: $where, orderBy: {start: DESC}, pagination: $pagination) {
    id processId state start end businessKey error { message }
  }
}";

impl Ps {
    pub(crate) async fn run(self) -> Result<ExitCode, String> {
        let mut conditions = serde_json::Map::new();
        if let Some(workflow) = &self.workflow {
            conditions.insert("processId".into(), json!({"equal": workflow}));
        }
        if !self.state.is_empty() {
            let states: Vec<_> = self.state.iter().map(|state| state.name()).collect();
            conditions.insert("state".into(), json!({"in": states}));
        }
        let variables = json!({"where": &conditions, "pagination": {"limit": self.limit, "offset": 0}});
        let data = self.target.query(PS, variables).await?;
        let mut instances = data.get("ProcessInstances").cloned().unwrap_or_default();
        self.add_reasons(&mut instances).await?;
        if self.target.json {
            output::json(&instances)?;
        } else {
            output::lines(table(&instances));
        }
        let is_full = instances.as_array().is_some_and(|shown| shown.len() as u64 >= u64::from(self.limit));
        if is_full && let Some(count) = self.rest(&conditions).await {
            output::error_line(&format!("… and {count} older; `--limit N` shows N of them all"));
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Adds to each instance that waits for a place of its concurrency group the `reason`: the last line of its summary, which is read for
    /// these instances only, because it takes their history.
    async fn add_reasons(&self, instances: &mut Value) -> Result<(), String> {
        let is_pending = |instance: &Value| instance.get("state").and_then(Value::as_str) == Some("PENDING");
        let listed = instances.as_array_mut().into_iter().flatten();
        let mut pending: Vec<_> = listed.filter(|instance| is_pending(instance)).collect();
        if pending.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = pending.iter().map(|instance| &instance["id"]).collect();
        let data = self.target.query(REASONS, json!({"where": {"id": {"in": ids}}})).await?;
        let found = data.get("ProcessInstances").and_then(Value::as_array).cloned().unwrap_or_default();
        for instance in &mut pending {
            let summary = found.iter().find(|found| found["id"] == instance["id"]);
            let lines = summary.and_then(|found| found["executionSummary"].as_array());
            let last = lines.and_then(|lines| lines.last()).and_then(Value::as_str);
            if let Some(reason) = last.and_then(|line| line.strip_prefix("Workflow ")) {
                instance["reason"] = reason.into();
            }
        }
        Ok(())
    }

    /// How many instances are not shown, in words; `None` if all are.
    async fn rest(&self, conditions: &serde_json::Map<String, Value>) -> Option<String> {
        let pagination = json!({"limit": COUNTED, "offset": self.limit});
        let asked = self.target.query(REST, json!({"where": conditions, "pagination": pagination})).await;
        // The listed instances have been printed, so a failure to count the others is not an error.
        let Ok(data) = asked else { return Some("perhaps others".to_owned()) };
        match data.get("ProcessInstances").and_then(Value::as_array).map_or(0, Vec::len) {
            0 => None,
            COUNTED => Some(format!("{COUNTED} or more")),
            count => Some(count.to_string()),
        }
    }
}

const REASONS: &str = "query ($where: ProcessInstanceArgument) {
  ProcessInstances(where: $where) { id executionSummary }
}";

const REST: &str = "query ($where: ProcessInstanceArgument, $pagination: Pagination) {
  ProcessInstances(where: $where, orderBy: {start: DESC}, pagination: $pagination) { id }
}";

/// The lines of a table of instances.
fn table(instances: &Value) -> Vec<String> {
    let cell =
        |instance: &Value, name: &str| instance.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
    let rows: Vec<_> = instances
        .as_array()
        .into_iter()
        .flatten()
        .map(|instance| {
            let reason = instance.get("reason").or_else(|| instance.pointer("/error/message"));
            let error = reason.and_then(Value::as_str).unwrap_or_default();
            let names = ["id", "processId", "state", "start", "end"];
            let mut row: Vec<_> = names.iter().map(|name| cell(instance, name)).collect();
            row.push(error.lines().next().unwrap_or_default().to_owned());
            row
        })
        .collect();
    output::table(&["ID", "WORKFLOW", "STATE", "START", "END", "ERROR"], &rows)
}
