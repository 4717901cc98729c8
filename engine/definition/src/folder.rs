//! A folder of workflows: all files that one engine serves.
//!
//! Owns: the search for workflow files and for the configuration. Promises: [`Folder::load`] reports the problems of all files; it reads no
//! hidden files, nothing in `target` and `node_modules`, and nothing outside of the folder. Never: reads the environment of the process;
//! the caller passes it.

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

/// A folder that was read.
#[derive(Debug)]
pub struct Folder {
    /// The definitions that could be read, those with errors included, sorted by file.
    pub documents: Vec<Document>,
    /// How many workflow files were found, those that could not be read included.
    pub files: usize,
    /// `application.properties` and the environment.
    pub properties: Properties,
    /// The files that definitions name.
    pub resources: Resources,
    /// Where specification and `SonataFlow` disagree.
    pub compat: Compat,
    /// All problems, sorted by file and place. With an error among them the folder may not be served.
    pub diagnostics: Vec<Diagnostic>,
    /// Text of every file with diagnostics, by its name, for snippets.
    pub sources: BTreeMap<String, Arc<Source>>,
}

/// Endings of the names of workflow files.
const ENDINGS: [&str; 3] = [".sw.json", ".sw.yml", ".sw.yaml"];

/// Folders that hold copies or foreign files.
const SKIPPED: [&str; 3] = ["target", "node_modules", ".git"];

/// Places of the configuration, the first that exists counts.
const PROPERTIES: [&str; 2] = ["application.properties", "src/main/resources/application.properties"];

/// Depth of the search. Deeper folders are not workflows but loops or generated trees.
const DEPTH: usize = 32;

impl Folder {
    /// Reads and checks all workflows below `root`, and the references between them. `fetch` makes the client for documents of other hosts
    /// from the folder's properties; if it gives none, only documents in the mirror are found.
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
        // `settings::check` reports invalid properties, so the defaults stand in for them here.
        folder.diagnostics.extend(settings::check(properties, root));
        folder.compat = Compat::of(properties).unwrap_or_default();
        folder.resources = Resources::new(root, properties, fetch(properties)).unwrap_or_default();
        let ignore_hidden = settings::IGNORE_HIDDEN.flag(properties).unwrap_or(true);

        let mut files = Vec::new();
        if let Err(error) = find(root, "", ignore_hidden, DEPTH, &mut files) {
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
        validate::paths(&folder.documents, &mut folder.diagnostics);
        validate::workflows(&mut folder.documents, folder.compat, &mut folder.diagnostics);
        folder.check_secrets();
        folder.diagnostics.sort();
        folder.keep_sources(root);
        folder
    }

    fn read_properties(&mut self, root: &Path, env: Environment) -> Properties {
        for name in PROPERTIES {
            let Some(text) = text(root, name).unwrap_or_else(|fault| {
                self.diagnostics.push(*fault);
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
        match text(root, file) {
            Ok(Some(text)) => {
                let options = Options { compat: self.compat, resources: Some(&self.resources) };
                parse_with(file, &text, options)
            }
            Ok(None) => {
                let message = "the file is not there: what it links to does not exist";
                (None, vec![Diagnostic::file(Severity::Error, codes::UNREADABLE, file, message)])
            }
            Err(fault) => (None, vec![*fault]),
        }
    }

    /// Reads the files with diagnostics once more, to show their lines.
    fn keep_sources(&mut self, root: &Path) {
        for diagnostic in &self.diagnostics {
            if self.sources.contains_key(&*diagnostic.file) {
                continue;
            }
            if let Ok(Some(bytes)) = read_confined(root, &diagnostic.file) {
                let text = String::from_utf8_lossy(&bytes);
                let is_properties = PROPERTIES.contains(&&*diagnostic.file);
                let text = if is_properties { settings::without_secrets(&text).into() } else { text };
                let source = Source::unread(&diagnostic.file, &text);
                self.sources.insert(diagnostic.file.to_string(), Arc::new(source));
            }
        }
    }

    fn refuse_duplicate_ids(&mut self) {
        let mut first: BTreeMap<&str, &Document> = BTreeMap::new();
        for document in &self.documents {
            let workflow = &document.workflow;
            let Some(other) = first.get(workflow.id.as_str()) else {
                first.insert(&workflow.id, document);
                continue;
            };
            let message = format!(
                "Duplicated item found with id {}. Please review the .sw files: {} has it too",
                workflow.id,
                other.source.path()
            );
            let at = Pointer::root().key("id");
            self.diagnostics.push(Diagnostic::error(codes::DUPLICATE_ID, &document.source, &at, message));
        }
    }

    /// Reports declared secrets without a value; `SonataFlow` ignores the declaration.
    fn check_secrets(&mut self) {
        let nothing = Resources::default();
        for document in &self.documents {
            let mut reader = Reader::new(&document.source, self.compat, &nothing, &mut self.diagnostics);
            for (index, secret) in document.workflow.secrets.iter().enumerate() {
                if self.properties.get(secret).is_none() {
                    let at = Pointer::root().key("secrets").index(index);
                    let message = format!("workflow: the secret `{secret}` has no value");
                    let problem = reader.deviation(codes::SECRET, &at, message);
                    problem.help("set it in application.properties or as environment variable");
                }
            }
        }
    }
}

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

/// Content of a file; `None` if it does not exist.
fn text(root: &Path, file: &str) -> Result<Option<String>, Box<Diagnostic>> {
    let fault = match read_confined(root, file) {
        Ok(None) => return Ok(None),
        Ok(Some(bytes)) => match String::from_utf8(bytes) {
            Ok(text) => return Ok(Some(text)),
            Err(error) => not_utf8(file, error),
        },
        Err(error) => Diagnostic::file(Severity::Error, codes::UNREADABLE, file, error.to_string()),
    };
    Err(Box::new(fault))
}

/// Names of the workflow files below `root/below`, relative to `root`, with `/` between the parts.
fn find(
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
            if depth > 0 && !SKIPPED.contains(&name) {
                find(root, &path, ignore_hidden, depth - 1, files)?;
            }
        } else if ENDINGS.iter().any(|ending| name.ends_with(ending)) {
            files.push(path);
        }
    }
    Ok(())
}
