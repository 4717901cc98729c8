//! Finds the files of a served folder that say something by their names: workflows, and what makes a folder a project.
//!
//! Promises: each folder is read once; links to folders are not followed; the search ends in any tree. Never: reads a file.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use crate::resources::{MAVEN_RESOURCES, below, folder_of};

/// The extensions of workflow files.
const WORKFLOW_EXTENSIONS: [&str; 3] = [".sw.json", ".sw.yml", ".sw.yaml"];

/// The extensions of files that may be manifests of Kubernetes resources.
const MANIFEST_EXTENSIONS: [&str; 3] = [".yaml", ".yml", ".json"];

/// Folders that contain copies of workflows, or files that are no workflows.
const SKIPPED_FOLDERS: [&str; 3] = ["target", "node_modules", ".git"];

/// The name of the file that makes its folder a project.
const PROPERTIES_FILE: &str = "application.properties";

/// The depth of the search. No project has workflows deeper; the limit ends the search in generated trees.
const MAX_DEPTH: usize = 32;

/// What was found. Paths are relative to the served folder, with `/` between the parts.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// The workflow files, sorted.
    pub(super) workflows: Vec<String>,
    /// Other files that may have custom resources, or what belongs to them, sorted.
    pub(super) manifests: Vec<String>,
    /// Folders with a properties file or a `src/main/resources`.
    projects: BTreeSet<String>,
}

impl Files {
    /// Finds the files below `root`. With `ignore_hidden` those whose names begin with a dot are skipped. If a folder cannot be read, the
    /// error comes with what was found before.
    pub(super) fn find(root: &Path, ignore_hidden: bool) -> (Self, Option<io::Error>) {
        let mut files = Self::default();
        let error = files.find_below(root, "", ignore_hidden, MAX_DEPTH).err();
        files.workflows.sort();
        files.manifests.sort();
        (files, error)
    }

    fn find_below(&mut self, root: &Path, folder: &str, ignore_hidden: bool, depth: usize) -> io::Result<()> {
        for entry in fs::read_dir(root.join(PathBuf::from(folder)))? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            if ignore_hidden && name.starts_with('.') {
                continue;
            }
            let path = below(folder, name);
            // Links to folders are not followed; links to files are, if they stay inside (Kubernetes mounts configuration as such links).
            if entry.file_type()?.is_dir() {
                if depth > 0 && !SKIPPED_FOLDERS.contains(&name) {
                    self.find_below(root, &path, ignore_hidden, depth - 1)?;
                }
                if let Some(project) = maven_project(&path) {
                    self.projects.insert(project.to_owned());
                }
            } else if WORKFLOW_EXTENSIONS.iter().any(|ending| name.ends_with(ending)) {
                self.workflows.push(path);
            } else if MANIFEST_EXTENSIONS.iter().any(|ending| name.ends_with(ending)) {
                self.manifests.push(path);
            } else if name == PROPERTIES_FILE {
                self.projects.insert(folder.to_owned());
            }
        }
        Ok(())
    }

    /// The folder of the project that a workflow file belongs to: the nearest one above it, else the served folder.
    pub(super) fn project_of(&self, workflow: &str) -> &str {
        let mut folder = folder_of(workflow);
        let mut found = "";
        let mut is_found = false;
        loop {
            // What is below `src/main/resources` belongs to the folder that this is in, as on Quarkus.
            if let Some(project) = maven_project(folder) {
                return self.projects.get(project).map_or("", String::as_str);
            }
            if !is_found && let Some(project) = self.projects.get(folder) {
                (found, is_found) = (project, true);
            }
            if folder.is_empty() {
                return found;
            }
            folder = folder_of(folder);
        }
    }
}

/// The folder of the Maven project whose `src/main/resources` a folder is.
fn maven_project(folder: &str) -> Option<&str> {
    let project = folder.strip_suffix(MAVEN_RESOURCES)?;
    if project.is_empty() { Some(project) } else { project.strip_suffix('/') }
}
