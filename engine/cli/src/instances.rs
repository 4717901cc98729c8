//! `rondo start` and `rondo ps`.

use std::process::ExitCode;

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
        let data = read_data(&self.data)?;
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

fn read_data(text: &str) -> Result<Value, String> {
    let text = match text.strip_prefix('@') {
        Some("-") => std::io::read_to_string(std::io::stdin()).map_err(|error| error.to_string())?,
        Some(path) => std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?,
        None => text.to_owned(),
    };
    serde_json::from_str(&text).map_err(|error| format!("--data is not JSON: {error}"))
}

/// A text as it may stand in a path or query.
pub(crate) fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// List instances, the newest first.
#[derive(Debug, clap::Args)]
pub(crate) struct Ps {
    /// Only of this workflow.
    #[arg(long)]
    workflow: Option<String>,
    /// Only in these states: active, completed, aborted, error.
    #[arg(long, value_delimiter = ',')]
    state: Vec<String>,
    /// At most so many.
    #[arg(long, default_value_t = 50)]
    limit: u32,
    #[command(flatten)]
    target: Target,
}

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
            let states: Vec<String> = self.state.iter().map(|state| state.to_ascii_uppercase()).collect();
            conditions.insert("state".into(), json!({"in": states}));
        }
        let variables = json!({"where": conditions, "pagination": {"limit": self.limit, "offset": 0}});
        let data = self.target.query(PS, variables).await?;
        let instances = data.get("ProcessInstances").cloned().unwrap_or_default();
        if self.target.json {
            output::json(&instances)?;
            return Ok(ExitCode::SUCCESS);
        }
        let cell = |instance: &Value, name: &str| {
            instance.get(name).and_then(Value::as_str).unwrap_or("-").to_owned()
        };
        let rows: Vec<_> = instances
            .as_array()
            .into_iter()
            .flatten()
            .map(|instance| {
                let error = instance.pointer("/error/message").and_then(Value::as_str).unwrap_or_default();
                let names = ["id", "processId", "state", "start", "end"];
                let mut row: Vec<_> = names.iter().map(|name| cell(instance, name)).collect();
                row.push(error.lines().next().unwrap_or_default().to_owned());
                row
            })
            .collect();
        output::lines(output::table(&["ID", "WORKFLOW", "STATE", "START", "END", "ERROR"], &rows));
        Ok(ExitCode::SUCCESS)
    }
}
