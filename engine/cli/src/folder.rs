//! Prints the diagnostics of a folder of workflows, as text or JSON.
//!
//! Promises: where there are several projects, it is said which one a problem is of.

use std::{collections::BTreeMap, sync::Arc};

use rondo_definition::{Diagnostic, Environment, Project, Source};
use serde_json::{Value, json};

use crate::{desk, output};

/// The environment variables of this process, and what the engine gives to properties when it listens at its usual address. Invalid UTF-8 is
/// replaced, because the folder may not use the variable.
pub(crate) fn environment() -> Environment {
    let variables = std::env::vars_os();
    let variables = variables
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()));
    desk::with_defaults(variables.collect(), "http://localhost:8080")
}

/// What is reported of a folder.
pub(crate) struct Report<'r> {
    /// All problems, sorted by file.
    pub(crate) diagnostics: &'r [Diagnostic],
    /// The texts of files, by name.
    pub(crate) sources: &'r BTreeMap<String, Arc<Source>>,
    /// The number of workflow files.
    pub(crate) files: usize,
    /// The projects, the root first.
    pub(crate) projects: &'r [Arc<Project>],
}

impl Report<'_> {
    /// Writes all diagnostics as text, with the lines they are about and those of one project together, and a line that counts them.
    pub(crate) fn print(&self) {
        let mut of_last = None;
        let mut diagnostics: Vec<_> =
            self.diagnostics.iter().map(|found| (self.project_of(found), found)).collect();
        // The order within a project stays.
        diagnostics.sort_by_key(|(project, _)| (*project).map(|project| &project.folder));
        for (project, diagnostic) in diagnostics {
            if self.projects.len() > 1
                && let Some(project) = project
                && of_last != Some(&project.folder)
            {
                output::error_line(&format!("{project}:"));
                of_last = Some(&project.folder);
            }
            let text = diagnostic.render(self.sources.get(&*diagnostic.file).map(|source| &**source));
            text.lines().for_each(output::error_line);
        }
        let projects = match self.projects.len() {
            0 | 1 => String::new(),
            2 => " in the folder and a project below it".to_owned(),
            count => format!(" in the folder and {} projects below it", count - 1),
        };
        let (files, errors, warnings) = (self.files, self.errors(), self.diagnostics.len() - self.errors());
        output::line(&format!(
            "{files} workflow file{}{projects}: {errors} error{}, {warnings} warning{}",
            plural(files),
            plural(errors),
            plural(warnings)
        ));
    }

    /// Writes the same as JSON: `{"files", "projects", "errors", "warnings", "diagnostics"}`. A project is named by its folder, which is empty
    /// for the root.
    pub(crate) fn print_json(&self) -> Result<(), String> {
        let mut diagnostics = Vec::with_capacity(self.diagnostics.len());
        for diagnostic in self.diagnostics {
            let mut shown = serde_json::to_value(diagnostic).map_err(|error| error.to_string())?;
            let folder = self.project_of(diagnostic).map(|project| &*project.folder).unwrap_or_default();
            if let Value::Object(members) = &mut shown {
                members.insert("project".to_owned(), folder.into());
            }
            diagnostics.push(shown);
        }
        output::json(&json!({
            "files": self.files,
            "projects": self.projects.iter().map(|project| &*project.folder).collect::<Vec<_>>(),
            "errors": self.errors(),
            "warnings": self.diagnostics.len() - self.errors(),
            "diagnostics": diagnostics,
        }))
    }

    fn errors(&self) -> usize {
        self.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count()
    }

    /// The project of the file that a problem is at; that of an environment variable is the root's.
    fn project_of(&self, diagnostic: &Diagnostic) -> Option<&Arc<Project>> {
        Project::of_path(self.projects, &diagnostic.file)
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
