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

use crate::{folder, output};

/// Write custom resources of SonataFlow (`kind: SonataFlow`) out as folders with a workflow file, its properties and its documents.
#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    /// A file with custom resources, or a folder with such files. ConfigMaps are looked for in the folder of the file.
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
        let environment = folder::environment();
        let loaded = rondo_runtime::load_folder(&root, environment.clone());
        let (projects, diagnostics) = custom_resource_projects(&root);
        let is_asked_for = |path: &str| file.as_deref().is_none_or(|file| file == path);
        let projects: Vec<_> = projects.into_iter().filter(|project| is_asked_for(&project.path)).collect();
        let unread: Vec<_> = diagnostics.into_iter().filter(|problem| is_asked_for(&problem.file)).collect();
        for problem in &unread {
            let text = problem.render(loaded.sources.get(&*problem.file).map(|source| &**source));
            text.lines().for_each(output::error_line);
        }
        if projects.is_empty() {
            return Err(format!("there is no custom resource to import in {}\nit must have `kind: SonataFlow`", self.path.display()));
        }
        let written: Vec<_> = projects.iter().map(|project| (self.to.join(&project.id), files(project, &loaded))).collect();
        let folders: BTreeSet<_> = written.iter().map(|(folder, _)| folder).collect();
        if folders.len() < written.len() {
            return Err("several custom resources have the same name; import their files one by one into different folders".to_owned());
        }
        if let Some(taken) = folders.into_iter().find(|folder| !is_free(folder)) {
            return Err(format!("the folder {} is there already, and nothing is written over it\nname another place with --to", taken.display()));
        }
        for (folder, files) in &written {
            write(folder, files)?;
        }
        for project in projects.iter().filter(|project| !project.variables.is_empty()) {
            output::line("");
            output::line(&format!("The container of `{}` has environment variables, which `rondo serve` needs too:", project.id));
            output::lines(project.variables.iter().map(|(name, value)| format!("  {name}={value}")));
        }
        output::line("");
        output::line(&format!("Next: rondo check {}", self.to.display()));
        Ok(if unread.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// The folder to read, and the file in it that is asked for.
    fn source(&self) -> Result<(PathBuf, Option<String>), String> {
        let shown = self.path.display();
        let metadata = fs::metadata(&self.path).map_err(|error| format!("{shown} cannot be read: {error}"))?;
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
fn files(project: &CustomResourceProject, loaded: &rondo_runtime::Loaded) -> Files {
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
fn used_files(project: &CustomResourceProject, loaded: &rondo_runtime::Loaded) -> Vec<(String, Vec<u8>)> {
    let used = loaded.files_of(&project.name).unwrap_or_default();
    used.into_iter().filter(|(name, _)| !name.starts_with("http://") && !name.starts_with("https://")).collect()
}

/// Where a file is looked for by the same URI when the workflow lies at the top of its project.
fn path_in_project(name: &str, manifest: &str) -> String {
    if let Some((_, path)) = name.split_once('#') {
        return path.to_owned();
    }
    let folder = manifest.rsplit_once('/').map_or("", |(folder, _)| folder);
    let below = |folder: &str| name.strip_prefix(folder)?.strip_prefix('/');
    below(folder).or_else(|| below("src/main/resources")).unwrap_or(name).to_owned()
}

/// Whether a folder can be made, or is empty.
fn is_free(folder: &Path) -> bool {
    match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// Writes files that do not exist yet.
fn write(folder: &Path, files: &Files) -> Result<(), String> {
    for (path, bytes) in files {
        let path = folder.join(path);
        let written = || -> io::Result<()> {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            let mut file = fs::File::create_new(&path)?;
            io::Write::write_all(&mut file, bytes)
        };
        written().map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
        output::line(&format!("wrote {}", path.display()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_where_its_uri_finds_it() {
        for (name, expected) in [
            ("m/cm.yaml#schemas/a.json", "schemas/a.json"),
            ("m/specs/a.yaml", "specs/a.yaml"),
            ("specs/a.yaml", "specs/a.yaml"),
            ("src/main/resources/specs/a.yaml", "specs/a.yaml"),
            ("mm/a.yaml", "mm/a.yaml"),
        ] {
            assert_eq!(path_in_project(name, "m/flow.yaml"), expected);
        }
    }
}
