//! Checks that each workflow of a folder can be served at its path.
//!
//! The path of a workflow is the part of its id after the last dot. Some paths are reserved for the engine.

use std::collections::HashMap;

use crate::{Diagnostic, Document, Pointer, codes};

/// The first segments of the engine's own paths.
pub const RESERVED_PATHS: [&str; 5] = ["desk", "graphql", "management", "q", "rondo"];

/// Reports workflows that cannot be reached. Two workflows with the same path are only a warning, because one of them may be used as subflow
/// only.
pub(crate) fn check_paths(documents: &[Document], problems: &mut Vec<Diagnostic>) {
    let mut taken: HashMap<&str, &Document> = HashMap::new();
    for document in documents {
        let id = document.workflow.id.as_str();
        let path = id.rsplit('.').next().unwrap_or(id);
        let (source, at) = (&document.source, id_pointer(document));
        if path.is_empty() {
            let message = format!(
                "workflow: it is reached by what stands after the last dot of its id, and in `{id}` nothing does"
            );
            problems.push(Diagnostic::error(codes::INVALID_ID, source, &at, message));
        } else if RESERVED_PATHS.contains(&path) {
            let message =
                format!("workflow: it would be reached at `/{path}`, which is a path of the engine itself");
            let problem = Diagnostic::error(codes::RESERVED_PATH, source, &at, message);
            problems.push(
                problem.help(format!("choose an id that ends otherwise than {}", list_reserved_paths())),
            );
        } else if let Some(other) = taken.get(path).filter(|other| other.workflow.id != id) {
            let (other, file) = (&other.workflow.id, other.source.path());
            let message = format!(
                "workflow: `{other}` of {file} is reached at `/{path}` too, so only one of them can be"
            );
            problems.push(Diagnostic::warning(codes::SHARED_PATH, source, &at, message));
        } else {
            taken.insert(path, document);
        }
    }
}

fn list_reserved_paths() -> String {
    RESERVED_PATHS.map(|path| format!("`{path}`")).join(", ")
}

/// The pointer to the property that has the id: `id`, else `key`.
fn id_pointer(document: &Document) -> Pointer {
    let id = Pointer::root().key("id");
    if document.source.raw(&id).is_some() { id } else { Pointer::root().key("key") }
}
