//! `rondo check`: reads a folder as `serve` does, and reports all problems in it.

use std::{path::PathBuf, process::ExitCode};

use rondo_definition::Diagnostic;
use rondo_runtime::Loaded;

use crate::folder::{self, Report};

/// Check a folder of workflows.
#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// The folder.
    #[arg(default_value = "workflows")]
    folder: PathBuf,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

impl Check {
    /// Exit code 0: no errors (there may be warnings); 1: errors. A folder without a workflow is one.
    pub(crate) fn run(self) -> Result<ExitCode, String> {
        let loaded = rondo_runtime::load_folder(&self.folder, folder::environment());
        let Loaded { diagnostics, sources, files, projects, .. } = &loaded;
        let report = Report { diagnostics, sources, files: *files, projects };
        match self.json {
            true => report.print_json()?,
            false => report.print(),
        }
        let broken = loaded.diagnostics.iter().any(Diagnostic::is_error);
        Ok(if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}
