//! A folder of workflows: all files that one engine serves.
//!
//! Owns: finding workflow files and the properties file. Promises: [`Folder::load`] reports the problems of all files. It reads no hidden
//! workflow files (unless `kogito.codegen.ignoreHiddenFiles` is false), no files in `target`, `node_modules` and `.git`, and no files outside of
//! the folder. Never: reads the environment of the process; the caller passes it.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    string::FromUtf8Error,
    sync::Arc,
};

use crate::{
    Compat, Diagnostic, Document, Environment, Fetch, Options, Pointer, Position, Properties, Resources,
    Severity, Source, codes, in_parallel, parse_with, read::Reader, resources::read_confined, settings,
    validate,
};

/// A loaded folder.
#[derive(Debug)]
pub struct Folder {
    /// The definitions that could be read, with or without errors, sorted by file.
    pub documents: Vec<Document>,
    /// The number of workflow files, also of those that could not be read.
    pub files: usize,
    /// `application.properties` and the environment.
    pub properties: Properties,
    /// The files that definitions name.
    pub resources: Resources,
    /// The rules that apply where specification and `SonataFlow` disagree.
    pub compat: Compat,
    /// All problems, sorted by file and place. If one of them is an error, the folder must not be served.
    pub diagnostics: Vec<Diagnostic>,
    /// The text of each file with diagnostics, by its name, for snippets.
    pub sources: BTreeMap<String, Arc<Source>>,
}

/// The extensions of workflow files.
const WORKFLOW_EXTENSIONS: [&str; 3] = [".sw.json", ".sw.yml", ".sw.yaml"];

/// Folders that contain copies of workflows, or files that are no workflows.
const SKIPPED_FOLDERS: [&str; 3] = ["target", "node_modules", ".git"];

/// The places of the properties file. The first one that exists is used.
const PROPERTIES_FILES: [&str; 2] = ["application.properties", "src/main/resources/application.properties"];

/// The depth of the search. No project has workflows deeper; the limit ends the search in generated trees.
const MAX_DEPTH: usize = 32;

impl Folder {
    /// Reads and checks all workflows below `root`, and the references between them. `fetch` creates the client for documents of other hosts
    /// from the folder's properties; if it returns `None`, only documents in the mirror folder are found.
    pub fn load(
        root: &Path,
        env: Environment,
        fetch: impl FnOnce(&Properties) -> Option<Arc<dyn Fetch>>,
    ) -> Self {
        let mut folder = Self {
            documents: Vec::new(),
            files: 0,
            properties: Properties::default(),
            resources: Resources::default(),
            compat: Compat::default(),
            diagnostics: Vec::new(),
            sources: BTreeMap::new(),
        };
        if let Err(error) = fs::read_dir(root) {
            let message = format!("the folder cannot be read: {error}");
            let name = root.display().to_string();
            folder.diagnostics.push(Diagnostic::file(Severity::Error, codes::UNREADABLE, &name, message));
            return folder;
        }
        folder.properties = folder.read_properties(root, env);
        let properties = &folder.properties;
        // `settings::check` reports invalid properties; the defaults replace them here.
        folder.diagnostics.extend(settings::check(properties, root));
        folder.compat = Compat::of(properties).unwrap_or_default();
        folder.resources = Resources::new(root, properties, fetch(properties)).unwrap_or_default();
        let ignore_hidden = settings::IGNORE_HIDDEN.flag(properties).unwrap_or(true);

        let mut files = Vec::new();
        if let Err(error) = find_workflow_files(root, "", ignore_hidden, MAX_DEPTH, &mut files) {
            let message = format!("the folder cannot be read: {error}");
            let name = root.display().to_string();
            folder.diagnostics.push(Diagnostic::file(Severity::Error, codes::UNREADABLE, &name, message));
        }
        files.sort();
        folder.files = files.len();
        for (document, diagnostics) in in_parallel(files, |file| folder.read_workflow(root, &file)) {
            folder.diagnostics.extend(diagnostics);
            folder.documents.extend(document);
        }
        folder.refuse_duplicate_ids();
        validate::check_paths(&folder.documents, &mut folder.diagnostics);
        validate::check_workflows(&mut folder.documents, folder.compat, &mut folder.diagnostics);
        folder.check_secrets();
        folder.diagnostics.sort();
        folder.read_sources(root);
        folder
    }

    fn read_properties(&mut self, root: &Path, env: Environment) -> Properties {
        for name in PROPERTIES_FILES {
            let Some(text) = read_text(root, name).unwrap_or_else(|problem| {
                self.diagnostics.push(*problem);
                None
            }) else {
                continue;
            };
            let (properties, diagnostics) = Properties::parse(name, &text, env);
            self.diagnostics.extend(diagnostics);
            return properties;
        }
        Properties::from_env(env)
    }

    fn read_workflow(&self, root: &Path, file: &str) -> (Option<Document>, Vec<Diagnostic>) {
        match read_text(root, file) {
            Ok(Some(text)) => {
                let options = Options { compat: self.compat, resources: Some(&self.resources) };
                parse_with(file, &text, options)
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
        for diagnostic in &self.diagnostics {
            if self.sources.contains_key(&*diagnostic.file) {
                continue;
            }
            if let Ok(Some(bytes)) = read_confined(root, &diagnostic.file) {
                let text = String::from_utf8_lossy(&bytes);
                let is_properties = PROPERTIES_FILES.contains(&&*diagnostic.file);
                let text = if is_properties { settings::without_secrets(&text).into() } else { text };
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
            let mut reader = Reader::new(&document.source, self.compat, &no_resources, &mut self.diagnostics);
            for (index, secret) in document.workflow.secrets.iter().enumerate() {
                if self.properties.get(secret).is_none() {
                    let at = Pointer::root().key("secrets").index(index);
                    let message = format!("workflow: the secret `{secret}` has no value");
                    let problem = reader.deviation(codes::MISSING_SECRET, &at, message);
                    problem.help("set it in application.properties or as environment variable");
                }
            }
        }
    }
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

/// Adds the names of the workflow files below `root/below` to `files`: relative to `root`, with `/` between the parts.
fn find_workflow_files(
    root: &Path,
    below: &str,
    ignore_hidden: bool,
    depth: usize,
    files: &mut Vec<String>,
) -> io::Result<()> {
    for entry in fs::read_dir(root.join(PathBuf::from(below)))? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if ignore_hidden && name.starts_with('.') {
            continue;
        }
        let path = if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
        // Links to folders are not followed; links to files are, if they stay inside (Kubernetes mounts configuration as such links).
        if entry.file_type()?.is_dir() {
            if depth > 0 && !SKIPPED_FOLDERS.contains(&name) {
                find_workflow_files(root, &path, ignore_hidden, depth - 1, files)?;
            }
        } else if WORKFLOW_EXTENSIONS.iter().any(|ending| name.ends_with(ending)) {
            files.push(path);
        }
    }
    Ok(())
}
