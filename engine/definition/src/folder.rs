//! A folder of workflows: all files that one engine serves.
//!
//! Owns: which projects there are, and what is read of each. Promises: [`Folder::load`] reports the problems of all files. It reads no hidden
//! workflow files (unless `kogito.codegen.ignoreHiddenFiles` is false), no files in `target`, `node_modules` and `.git`, and no files outside of
//! the folder. Never: reads the environment of the process; the caller passes it.

mod files;
mod projects;
mod resources;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, iter, mem,
    ops::Range,
    path::Path,
    string::FromUtf8Error,
    sync::Arc,
};

use self::files::Files;
use crate::{
    Diagnostic, Document, Environment, Fetch, Pointer, Position, Project, Properties, Resources, Severity,
    Source, codes, custom_resource::Manifests, in_parallel, read::Reader, resources::read_confined, settings,
    validate,
};

/// A loaded folder.
#[derive(Debug, Default)]
pub struct Folder {
    /// The definitions that could be read, with or without errors, sorted by file.
    pub documents: Vec<Document>,
    /// Custom resources that are not served, because a file has their workflow in the same version. Their problems are told, but are no errors.
    pub shadowed: Vec<Document>,
    /// The number of workflow files, also of those that could not be read.
    pub files: usize,
    /// The root project, then those that workflows belong to, sorted by folder. Never empty.
    pub projects: Vec<Arc<Project>>,
    /// All problems, sorted by file and place. If one of them is an error, the folder must not be served.
    pub diagnostics: Vec<Diagnostic>,
    /// The text of each file with diagnostics, by its name, for snippets.
    pub sources: BTreeMap<String, Arc<Source>>,
}

impl Folder {
    /// Reads and checks all workflows below `root`, and the references between them. `fetch` creates the client for documents of other hosts
    /// from the properties of the root project; if it returns `None`, only documents in the mirror folder are found.
    pub fn load(
        root: &Path,
        env: Environment,
        fetch: impl FnOnce(&Properties) -> Option<Arc<dyn Fetch>>,
    ) -> Self {
        let mut folder = Self { projects: vec![Arc::default()], ..Self::default() };
        if let Err(error) = fs::read_dir(root) {
            folder.cannot_be_read(root, &error.to_string());
            return folder;
        }
        let properties = projects::read_root(root, env.clone(), &mut folder.diagnostics);
        let ignore_hidden = settings::IGNORE_HIDDEN.flag(&properties).unwrap_or(true);
        let fetch = fetch(&properties);
        let of_root = projects::root_project(root, properties, fetch, &mut folder.diagnostics);
        let (mut files, error) = Files::find(root, ignore_hidden);
        let mut manifests = Manifests::read(root, &files.workflows, &files.manifests);
        files.workflows.retain(|file| !manifests.files.contains(file) && !manifests.others.contains(file));
        files.manifests = manifests.files.iter().cloned().collect();
        folder.diagnostics.append(&mut manifests.diagnostics);
        folder.files = files.workflows.len() + manifests.files.len();
        match error {
            Some(error) => folder.cannot_be_read(root, &error.to_string()),
            // The desk alone is of use to flows that run elsewhere.
            None if folder.files == 0 && !has_desk(&of_root) => folder.has_no_workflows(root),
            None => {}
        }
        folder.read_projects(root, of_root, &files, &env);
        let read = in_parallel(files.workflows, |file| folder.read_workflow(root, &file));
        for (document, diagnostics) in read {
            folder.diagnostics.extend(diagnostics);
            folder.documents.extend(document);
        }
        folder.read_resources(root, manifests);
        folder.refuse_duplicate_ids();
        validate::check_paths(&folder.documents, &mut folder.diagnostics);
        validate::check_workflows(&mut folder.documents, &mut folder.diagnostics);
        folder.check_secrets();
        folder.diagnostics.sort();
        // An environment variable that sets a property of several projects has one problem.
        folder.diagnostics.dedup();
        folder.read_sources(root);
        folder
    }

    /// Reads the workflows that are custom resources. Each is a project of its own.
    fn read_resources(&mut self, root: &Path, mut manifests: Manifests) {
        let found = mem::take(&mut manifests.resources);
        let read = in_parallel(found, |resource| {
            let path = resource.loaded.source.path();
            let of_folder = Project::of_path(&self.projects, path).map(Arc::clone).unwrap_or_default();
            resources::read_resource(root, resource, &manifests, &of_folder)
        });
        let mut served = Vec::new();
        let mut hidden: BTreeMap<Arc<str>, Vec<Range<usize>>> = BTreeMap::new();
        for mut resource in read {
            if let Some(document) = resource.document {
                if let Some(file) = resources::shadowing_file(&self.documents, &document) {
                    // What would keep it from being served keeps nothing from being served.
                    resource.diagnostics.retain(|problem| !problem.is_error());
                    resource.diagnostics.push(resources::shadowed(&document, file));
                    self.shadowed.push(document);
                } else {
                    served.push(document);
                }
            }
            self.projects.push(resource.project);
            self.diagnostics.extend(resource.diagnostics);
            if let Some((file, lines)) = resource.properties {
                hidden.entry(file).or_default().push(lines);
            }
        }
        self.documents.extend(served);
        self.projects.sort_by(|one, other| one.folder.cmp(&other.folder));
        // What else a manifest says is no secret of Rondo; the lines of its properties may be.
        for (file, lines) in hidden {
            if let Ok(Some(bytes)) = read_confined(root, &file) {
                let text = settings::without_secrets_in(&String::from_utf8_lossy(&bytes), &lines);
                self.sources.insert(file.to_string(), Arc::new(Source::unread(&file, &text)));
            }
        }
    }

    /// The served folder itself as a project.
    pub fn root(&self) -> Arc<Project> {
        self.projects.first().map(Arc::clone).unwrap_or_default()
    }

    fn cannot_be_read(&mut self, root: &Path, error: &str) {
        let message = format!("the folder cannot be read: {error}");
        let name = root.display().to_string();
        self.diagnostics.push(Diagnostic::file(Severity::Error, codes::UNREADABLE, &name, message));
    }

    fn has_no_workflows(&mut self, root: &Path) {
        let message = "there is no workflow in this folder";
        let name = root.display().to_string();
        let problem = Diagnostic::file(Severity::Error, codes::NO_WORKFLOW, &name, message);
        self.diagnostics.push(problem.help("a workflow is a file `*.sw.yaml`, `*.sw.yml` or `*.sw.json`, or a custom resource with `kind: SonataFlow`"));
    }

    /// Reads the projects that the workflows belong to.
    fn read_projects(&mut self, root: &Path, of_root: Project, files: &Files, env: &Environment) {
        let with_workflows = files.workflows.iter().chain(&files.manifests);
        let folders: BTreeSet<&str> = with_workflows.map(|file| files.project_of(file)).collect();
        let folders = folders.into_iter().filter(|folder| !folder.is_empty()).collect();
        let read = in_parallel(folders, |folder| projects::read_project(root, folder, &of_root, env));
        let (projects, diagnostics): (Vec<_>, Vec<_>) = read.into_iter().unzip();
        self.projects = iter::once(of_root).chain(projects).map(Arc::new).collect();
        self.diagnostics.extend(diagnostics.into_iter().flatten());
    }

    fn read_workflow(&self, root: &Path, file: &str) -> (Option<Document>, Vec<Diagnostic>) {
        match read_text(root, file) {
            Ok(Some(text)) => {
                let project = Project::of_path(&self.projects, file).map(Arc::clone).unwrap_or_default();
                project.parse(file, &text)
            }
            Ok(None) => {
                let message = "the file is not there: what it links to does not exist";
                (None, vec![Diagnostic::file(Severity::Error, codes::UNREADABLE, file, message)])
            }
            Err(problem) => (None, vec![*problem]),
        }
    }

    /// Reads the files with diagnostics again, so that their lines can be shown.
    fn read_sources(&mut self, root: &Path) {
        let projects = self.projects.iter().flat_map(|project| project.properties.files());
        let properties: BTreeSet<Arc<str>> = projects.map(|file| Arc::clone(file.name())).collect();
        for diagnostic in &self.diagnostics {
            if self.sources.contains_key(&*diagnostic.file) {
                continue;
            }
            let mounted =
                || self.projects.iter().find_map(|project| project.resources.mounted_file(&diagnostic.file));
            let on_disk = read_confined(root, &diagnostic.file).ok().flatten();
            if let Some(bytes) = on_disk.or_else(mounted) {
                let text = String::from_utf8_lossy(&bytes);
                let text = match properties.contains(&diagnostic.file) {
                    true => settings::without_secrets(&text).into(),
                    false => text,
                };
                let source = Source::unread(&diagnostic.file, &text);
                self.sources.insert(diagnostic.file.to_string(), Arc::new(source));
            }
        }
    }

    /// Reports workflows with the id and the version of another one. Several versions of a workflow are served side by side.
    fn refuse_duplicate_ids(&mut self) {
        let mut first: BTreeMap<(&str, &str), &Document> = BTreeMap::new();
        for document in &self.documents {
            let workflow = &document.workflow;
            let identity = (workflow.id.as_str(), workflow.version.as_str());
            let Some(other) = first.get(&identity) else {
                first.insert(identity, document);
                continue;
            };
            let message = format!(
                "Duplicated item found with id {}. Please review the .sw files: {} has it too, in the same version `{}`",
                workflow.id,
                other.source.path(),
                workflow.version
            );
            let at = Pointer::root().key("id");
            self.diagnostics.push(Diagnostic::error(codes::DUPLICATE_ID, &document.source, &at, message));
        }
    }

    /// Reports declared secrets without a value. It is a deviation, because `SonataFlow` does not check them.
    fn check_secrets(&mut self) {
        let no_resources = Resources::default();
        for document in &self.documents {
            let mut reader =
                Reader::new(&document.source, document.compat, &no_resources, &mut self.diagnostics);
            for (index, secret) in document.workflow.secrets.iter().enumerate() {
                if document.project.properties.get(secret).is_none() {
                    let at = Pointer::root().key("secrets").index(index);
                    let message = format!("workflow: the secret `{secret}` has no value");
                    let problem = reader.deviation(codes::MISSING_SECRET, &at, message);
                    let place = document.project.properties.place();
                    problem.help(format!("set it in {place} or as environment variable"));
                }
            }
        }
    }
}

/// The files below a folder that may have custom resources: those that are named like workflows, and others.
pub(crate) fn manifest_files(root: &Path) -> (Vec<String>, Vec<String>) {
    let (files, _) = Files::find(root, true);
    (files.workflows, files.manifests)
}

/// The diagnostic for a file that is not UTF-8, at the first invalid byte.
fn not_utf8(file: &str, error: FromUtf8Error) -> Diagnostic {
    let valid = error.utf8_error().valid_up_to();
    let bytes = error.into_bytes();
    let before = String::from_utf8_lossy(bytes.get(..valid).unwrap_or_default());
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let byte = bytes.get(valid).copied().unwrap_or_default();
    let message = format!("the file is not UTF-8: the byte 0x{byte:02x} begins no character");
    Diagnostic::file(Severity::Error, codes::NOT_UTF8, file, message).at_position(Position { line, column })
}

/// Reads a text file; `None` if it does not exist.
fn read_text(root: &Path, file: &str) -> Result<Option<String>, Box<Diagnostic>> {
    let problem = match read_confined(root, file) {
        Ok(None) => return Ok(None),
        Ok(Some(bytes)) => match String::from_utf8(bytes) {
            Ok(text) => return Ok(Some(text)),
            Err(error) => not_utf8(file, error),
        },
        Err(error) => Diagnostic::file(Severity::Error, codes::UNREADABLE, file, error.to_string()),
    };
    Err(Box::new(problem))
}
/// Whether the desk is switched on; a wrong value is told where properties are checked.
fn has_desk(project: &Project) -> bool {
    settings::DESK_ENABLED.flag(&project.properties).unwrap_or_default()
}
