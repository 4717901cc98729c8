//! `rondo doctor`: checks the files of a database that no engine uses, reports what is damaged, and writes what can be read into a new
//! one.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use rondo_store::{
    folder_of,
    salvage::{self, Fate, Findings, InstanceFindings},
};
use serde_json::{Value, json};

use crate::output;

/// Look for damage in a database that no engine uses.
///
/// Reads the write-ahead log, the file and every row, and changes none of them.
#[derive(Debug, clap::Args)]
pub(crate) struct Doctor {
    /// The database.
    #[arg(long, default_value = "sqlite://.rondo/rondo.db", env = "RONDO_STORE", hide_env_values = true)]
    store: String,
    /// Write what can be read into this new file.
    #[arg(long, value_name = "NEW.db")]
    salvage: Option<PathBuf>,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

impl Doctor {
    /// Exit code 0: nothing is damaged, or what can be read was written; 1: something is damaged.
    pub(crate) fn run(self) -> Result<ExitCode, String> {
        let findings = match &self.salvage {
            Some(new) => salvage::salvage(&self.store, new),
            None => salvage::examine(&self.store),
        };
        let findings = findings.map_err(|error| error.to_string())?;
        if self.json {
            output::json(&as_json(&findings))?;
        } else {
            output::lines(report(&findings));
            output::lines(self.advice(&findings));
        }
        let is_done = findings.is_good() || self.salvage.is_some();
        Ok(if is_done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// What to do now.
    fn advice(&self, findings: &Findings) -> Vec<String> {
        let Some(new) = &self.salvage else {
            if findings.is_good() {
                return Vec::new();
            }
            return vec![format!(
                "`rondo doctor --store {} --salvage NEW.db` writes what can be read into a new database",
                self.store
            )];
        };
        let mut lines = vec![format!(
            "`{0}` is written; `rondo serve --store sqlite://{0}` serves it. Keep the damaged files until you need nothing of them",
            new.display()
        )];
        let folder = |path: &Path| path.canonicalize().ok();
        let new_folder =
            new.parent().map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent });
        let old_folder = folder_of(&self.store);
        if new_folder.and_then(folder) != old_folder.as_deref().and_then(folder) {
            lines.push(
                "copy `rondo.key` to its folder, unless RONDO_SECRET_KEY is set: without the key, calls of waiting instances go on without \
                 the headers of their start"
                    .to_owned(),
            );
        }
        lines
    }
}

/// The findings for people.
fn report(findings: &Findings) -> Vec<String> {
    let mut lines = findings.problems.clone();
    for table in &findings.tables {
        lines.push(format!(
            "table `{}`: {} rows can be read, {} cannot",
            table.name, table.readable, table.unreadable
        ));
    }
    let lost = findings.instances.iter().filter(|found| found.fate == Fate::Lost).count();
    lines.push(format!(
        "instances: {} as they were stored, {lost} lost, {} not as they were",
        findings.whole,
        findings.instances.len() - lost
    ));
    let rows: Vec<_> = findings.instances.iter().map(cells).collect();
    if !rows.is_empty() {
        lines.extend(output::table(&["INSTANCE", "WORKFLOW", "LAST STATE", "WHAT"], &rows));
    }
    if findings.is_good() {
        lines.push("nothing is damaged".to_owned());
    }
    lines
}

fn cells(found: &InstanceFindings) -> Vec<String> {
    let or_unknown = |text: Option<String>| text.unwrap_or_else(|| "unknown".to_owned());
    vec![
        found.id.map_or_else(|| format!("row {}", found.row), |id| id.to_string()),
        or_unknown(found.workflow.clone()),
        or_unknown(found.state.map(|state| state.to_string())),
        fate(&found.fate),
    ]
}

fn fate(fate: &Fate) -> String {
    match fate {
        Fate::Lost => "lost".to_owned(),
        Fate::SetBack { turn, of } => format!("stands at turn {turn} of {of}: what came later is lost"),
        Fate::Damaged(problem) => format!("damaged: {problem}"),
    }
}

fn as_json(findings: &Findings) -> Value {
    let instance = |found: &InstanceFindings| {
        json!({
            "row": found.row,
            "id": found.id,
            "workflow": found.workflow,
            "lastState": found.state.map(rondo_store::State::as_str),
            "lost": found.fate == Fate::Lost,
            "what": fate(&found.fate),
        })
    };
    let table = |table: &salvage::TableFindings| json!({"name": table.name, "readable": table.readable, "unreadable": table.unreadable});
    json!({
        "problems": findings.problems,
        "tables": findings.tables.iter().map(table).collect::<Vec<_>>(),
        "whole": findings.whole,
        "instances": findings.instances.iter().map(instance).collect::<Vec<_>>(),
    })
}
