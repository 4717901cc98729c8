//! The folders that a file is looked for in.
//!
//! Owns: their order. Never: looks at the disk.

/// The folder of resources in a Maven project.
pub(crate) const MAVEN_RESOURCES: &str = "src/main/resources";

/// The path of something below a folder, which may be empty.
pub(crate) fn below(folder: &str, path: &str) -> String {
    if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") }
}

/// The folder of a file; empty if it is in no folder.
pub(crate) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A folder and its `src/main/resources`.
pub(super) fn of_project(folder: &str) -> [String; 2] {
    [folder.to_owned(), below(folder, MAVEN_RESOURCES)]
}

/// The places for the files of a stored workflow: those that each folder above it would have as a project, the nearest first.
///
/// Only the files that the workflow has read are stored, so a place that is not one of its project holds none of them; and its files are
/// found also when the project is not there any more.
pub(super) fn of_stored(workflow: &str) -> Vec<String> {
    let mut places = Vec::new();
    let mut folder = workflow;
    while !folder.is_empty() {
        places.extend(of_project(folder));
        folder = folder_of(folder);
    }
    places.extend(of_project(""));
    places
}
