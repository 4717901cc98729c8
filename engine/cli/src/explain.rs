//! `rondo explain`: the page of a diagnostic code, or the list of all codes.

use std::process::ExitCode;

use rondo_definition::{Code, codes};
use serde_json::{Value, json};

use crate::output;

/// Explain a code such as RON0110, or list all codes.
#[derive(Debug, clap::Args)]
pub(crate) struct Explain {
    /// The code. Without it, all codes are listed.
    code: Option<String>,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub(crate) fn run(self) -> Result<ExitCode, String> {
        match (&self.code, self.json) {
            (None, false) => {
                let rows: Vec<_> = codes::ALL
                    .iter()
                    .map(|code| vec![code.number.to_owned(), code.title.to_owned()])
                    .collect();
                output::lines(output::table(&["CODE", "TITLE"], &rows));
            }
            (None, true) => output::json(&codes::ALL.iter().map(summary).collect::<Vec<_>>())?,
            (Some(text), false) => output::lines(find(text)?.page.trim_end().lines()),
            (Some(text), true) => {
                let code = find(text)?;
                let mut answer = summary(&code);
                answer["page"] = code.page.into();
                output::json(&answer)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn find(text: &str) -> Result<Code, String> {
    Code::find(text).map_err(|similar| {
        let hint = similar.map(|code| format!("did you mean `{code}`? ")).unwrap_or_default();
        format!("there is no code `{text}`\n{hint}`rondo explain` lists all codes")
    })
}

fn summary(code: &Code) -> Value {
    json!({"code": code, "level": code.level, "title": code.title})
}

#[cfg(test)]
mod tests;
