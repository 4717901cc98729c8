//! Prints the diagnostics of a folder of workflows, as text or JSON.

use std::{collections::BTreeMap, sync::Arc};

use rondo_definition::{Diagnostic, Environment, Source};

use crate::output;

/// The environment variables of this process. Invalid UTF-8 is replaced, because the folder may not use the variable.
pub(crate) fn environment() -> Environment {
    let variables = std::env::vars_os();
    variables
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
        .collect()
}

/// Writes all diagnostics, with the lines they are about, and a line that counts them.
pub(crate) fn report(
    diagnostics: &[Diagnostic],
    sources: &BTreeMap<String, Arc<Source>>,
    files: usize,
    json: bool,
) -> Result<(), String> {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
    let warnings = diagnostics.len() - errors;
    if json {
        return output::json(&serde_json::json!({
            "files": files, "errors": errors, "warnings": warnings, "diagnostics": diagnostics,
        }));
    }
    for diagnostic in diagnostics {
        let text = diagnostic.render(sources.get(&*diagnostic.file).map(|source| &**source));
        text.lines().for_each(output::error_line);
    }
    output::line(&format!(
        "{files} workflow file{}: {errors} error{}, {warnings} warning{}",
        plural(files),
        plural(errors),
        plural(warnings)
    ));
    Ok(())
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
