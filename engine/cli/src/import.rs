//! `rondo import`: writes custom resources out as project folders.
//!
//! Promises: what is written loads, and its workflows run as those of the custom resources do; nothing that exists is changed.

mod yaml;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use rondo_definition::{CustomResourceProject, custom_resource_projects};
use rondo_runtime::Loaded;

use crate::{folder, output};

/// Write custom resources of SonataFlow (`kind: SonataFlow`) out as folders with a workflow file, its properties and its documents.
#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    /// A file with custom resources, or a folder with such files. `ConfigMap`s are looked for in the folder of the file.
    path: PathBuf,
    /// Where to write: each workflow gets a folder of its name in it.
    #[arg(long, default_value = ".", value_name = "DIR")]
    to: PathBuf,
}

/// The files of a project by their paths below its folder.
type Files = BTreeMap<String, Vec<u8>>;

impl Import {
    pub(crate) fn run(self) -> Result<ExitCode, String> {
        let (root, file) = self.source()?;
        let loaded = rondo_runtime::load_folder(&root, folder::environment());
        let (projects, diagnostics) = custom_resource_projects(&root);
        let is_asked_for = |path: &str| file.as_deref().is_none_or(|file| file == path);
        let projects: Vec<_> = projects.into_iter().filter(|project| is_asked_for(&project.path)).collect();
        let unread: Vec<_> = diagnostics.into_iter().filter(|problem| is_asked_for(&problem.file)).collect();
        for problem in &unread {
            let text = problem.render(loaded.sources.get(&*problem.file).map(|source| &**source));
            text.lines().for_each(output::error_line);
        }
        if projects.is_empty() {
            return Err(format!(
                "there is no custom resource to import in {}\nit must have `kind: SonataFlow`",
                self.path.display()
            ));
        }
        let written: Vec<_> =
            projects.iter().map(|project| (self.to.join(&project.id), files(project, &loaded))).collect();
        let folders: BTreeSet<_> = written.iter().map(|(folder, _)| folder).collect();
        if folders.len() < written.len() {
            return Err("several custom resources have the same name; import their files one by one into different folders".to_owned());
        }
        if let Some(taken) = folders.into_iter().find(|folder| !is_free(folder)) {
            return Err(format!(
                "the folder {} is there already, and nothing is written over it\nname another place with --to",
                taken.display()
            ));
        }
        for (folder, files) in &written {
            check_free(folder, files)?;
        }
        for (folder, files) in &written {
            write(folder, files)?;
        }
        let differences = differences(&projects, &loaded, &self.to);
        for difference in &differences {
            output::error_line(difference);
        }
        for project in projects.iter().filter(|project| !project.variables.is_empty()) {
            // Their values may be secrets, so they are neither shown nor written.
            let names: Vec<_> = project.variables.iter().map(|(name, _)| name.as_str()).collect();
            let (id, file) = (&project.id, &project.path);
            output::line("");
            output::line(&format!(
                "`{id}` needs the environment variables {}, whose values are in {file}.",
                names.join(", ")
            ));
        }
        output::line("");
        output::line(&format!("Next: rondo check {}", self.to.display()));
        let is_whole = unread.is_empty() && differences.is_empty();
        Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// The folder to read, and the file in it that is asked for.
    fn source(&self) -> Result<(PathBuf, Option<String>), String> {
        let shown = self.path.display();
        let metadata =
            fs::metadata(&self.path).map_err(|error| format!("{shown} cannot be read: {error}"))?;
        if metadata.is_dir() {
            return Ok((self.path.clone(), None));
        }
        let name = self.path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| format!("{shown} is no name of a file"))?.to_owned();
        let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        Ok((parent.unwrap_or(Path::new(".")).to_owned(), Some(name)))
    }
}

/// The files of a project: the workflow, its properties, all files of its `ConfigMap`s, and what else it reads.
fn files(project: &CustomResourceProject, loaded: &Loaded) -> Files {
    let mut files = Files::new();
    for (name, bytes) in used_files(project, loaded) {
        files.insert(path_in_project(&name, &project.path), bytes);
    }
    files.extend(project.files.iter().cloned());
    if let Some(properties) = &project.properties {
        files.insert("application.properties".to_owned(), properties.clone().into_bytes());
    }
    files.insert(format!("{}.sw.yaml", project.id), yaml::document(&project.document).into_bytes());
    files
}

/// The files that the workflow reads, without those of other hosts.
fn used_files(project: &CustomResourceProject, loaded: &Loaded) -> Vec<(String, Vec<u8>)> {
    let used = loaded.files_of(&project.name).unwrap_or_default();
    used.into_iter()
        .filter(|(name, _)| !name.starts_with("http://") && !name.starts_with("https://"))
        .collect()
}

/// The path of a file relative to the folder of the project, so that it is found by the same URI. What lies outside of the folder of the manifest
/// lies outside of that of the project.
fn path_in_project(name: &str, manifest: &str) -> String {
    if let Some((_, path)) = name.split_once('#') {
        return path.to_owned();
    }
    match manifest.rsplit_once('/') {
        None => name.to_owned(),
        Some((folder, _)) => match name.strip_prefix(folder).and_then(|below| below.strip_prefix('/')) {
            Some(below) => below.to_owned(),
            None => format!("../{name}"),
        },
    }
}

/// Whether a folder can be made, or is empty.
fn is_free(folder: &Path) -> bool {
    match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// Where a file of a project is written.
fn target(folder: &Path, path: &str) -> PathBuf {
    match (path.strip_prefix("../"), folder.parent()) {
        (Some(beside), Some(parent)) => parent.join(beside),
        _ => folder.join(path),
    }
}

/// The error names a file that would be written over another one.
fn check_free(folder: &Path, files: &Files) -> Result<(), String> {
    for (path, bytes) in files {
        let path = target(folder, path);
        if fs::read(&path).is_ok_and(|there| there != *bytes) {
            return Err(format!(
                "the file {} is there already, with other content\nname another place with --to",
                path.display()
            ));
        }
    }
    Ok(())
}

/// Writes files that are not there yet.
fn write(folder: &Path, files: &Files) -> Result<(), String> {
    fs::create_dir_all(folder)
        .map_err(|error| format!("the folder {} cannot be made: {error}", folder.display()))?;
    for (path, bytes) in files {
        let path = target(folder, path);
        let written = || -> io::Result<()> {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            let mut file = fs::File::create_new(&path)?;
            io::Write::write_all(&mut file, bytes)
        };
        match written() {
            Ok(()) => output::line(&format!("wrote {}", path.display())),
            // It is the same, as was checked before.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(format!("{} cannot be written: {error}", path.display())),
        }
    }
    Ok(())
}

/// Why the workflows that were written are not those of the custom resources, one line each.
fn differences(projects: &[CustomResourceProject], before: &Loaded, target: &Path) -> Vec<String> {
    let after = rondo_runtime::load_folder(target, folder::environment());
    let find = |loaded: &Loaded, path: &str| {
        let found = loaded.workflows.iter().find(|deployed| *deployed.outline.path == *path)?;
        Some((found.program.fingerprint(), found.input_schema.as_ref().map(|schema| schema.document.clone())))
    };
    let difference = |project: &CustomResourceProject| {
        let id = &project.id;
        let file = format!("{id}/{id}.sw.yaml");
        let problem = |loaded: &Loaded, file: &str| {
            loaded
                .diagnostics
                .iter()
                .find(|problem| problem.is_error() && *problem.file == *file)
                .map(ToString::to_string)
        };
        match (problem(before, &project.path), problem(&after, &file)) {
            (None, Some(problem)) => Some(problem),
            _ if find(before, &project.name) == find(&after, &file) => None,
            _ => Some(format!("{file}: the workflow is not the same as that of {}", project.path)),
        }
    };
    projects.iter().filter_map(difference).collect()
}

#[cfg(test)]
mod tests;
