//! The addresses of workflows.

use rondo_runtime::Engine;

/// The path of a workflow: the part of its id after the last dot.
pub(crate) fn path_of(workflow: &str) -> &str {
    workflow.rsplit('.').next().unwrap_or(workflow)
}

/// The address at which a workflow is started.
pub(crate) fn endpoint(engine: &Engine, workflow: &str) -> String {
    format!("{}/{}", engine.service_url(), path_of(workflow))
}
