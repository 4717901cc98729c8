//! Parses the text of a workflow document into the model, with all problems.
//!
//! Owns: the order of the three passes: load (syntax, places), read (shape), validate (references). Promises: the document is returned in spite of
//! errors if possible, so that later checks can report their problems too; it must be served only if none of the diagnostics is an
//! error. Never: opens the network.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::{
    Compat, Diagnostic, Limits, Loaded, Project, Resources, Source, custom_resource, load, model::Workflow,
    read::Reader, validate,
};

/// A parsed definition, with its text.
#[derive(Debug, Clone)]
pub struct Document {
    /// The definition.
    pub workflow: Workflow,
    /// Its text and the places in it.
    pub source: Arc<Source>,
    /// The rules that apply to it where specification and `SonataFlow` disagree.
    pub compat: Compat,
    /// The project that it belongs to; an empty root project if it was parsed without one.
    pub project: Arc<Project>,
}

impl Document {
    /// The identity of the definition: the SHA-256 digest, in hex, of the text and of the digests of all files that were read for it. Call it
    /// after all files that the definition names have been read through [`Resources`].
    pub fn revision(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.source.text());
        for (name, digest) in self.source.used_files() {
            // Without separators other names and digests could give the same bytes.
            hash.update([0]);
            hash.update(name);
            hash.update([0]);
            hash.update(digest);
        }
        hex(&hash.finalize())
    }
}

/// The options of parsing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'o> {
    /// The rules that apply where specification and `SonataFlow` disagree.
    pub compat: Compat,
    /// The files that definitions name; `None`: a document that names a file is refused.
    pub resources: Option<&'o Resources>,
}

/// Parses a document that names no other files, with the default rules.
///
/// ```
/// let text = "id: hello\nspecVersion: '0.8'\nstates:\n- {name: A, type: inject, data: {}, transition: B}\n";
/// let (document, diagnostics) = rondo_definition::parse("hello.sw.yaml", text);
/// assert_eq!(document.unwrap().workflow.states[0].name, "A");
/// assert_eq!(
///     diagnostics[0].to_string(),
///     "hello.sw.yaml:4:49: error[RON0103]: There is no state for transition B originated in A; it connects to nothing",
/// );
/// ```
pub fn parse(path: &str, text: &str) -> (Option<Document>, Vec<Diagnostic>) {
    parse_with(path, text, Options::default())
}

/// Parses a document. `path` is the name of the file as users see it, relative to the folder of workflows. Of a text with custom resources the
/// first one is read.
///
/// Returns the definition, as complete as possible, and all diagnostics, sorted by place. If there is no document, at least one diagnostic is an
/// error.
pub fn parse_with(path: &str, text: &str, options: Options) -> (Option<Document>, Vec<Diagnostic>) {
    let loaded = custom_resource::load_first(path, text);
    match loaded.unwrap_or_else(|| load(path, text, Limits::WORKFLOW)) {
        Ok(loaded) => read_loaded(loaded, options),
        Err(mut diagnostics) => {
            diagnostics.sort();
            (None, diagnostics)
        }
    }
}

/// Reads and validates a document that is loaded.
pub(crate) fn read_loaded(loaded: Loaded, options: Options) -> (Option<Document>, Vec<Diagnostic>) {
    let no_resources = Resources::default();
    let resources = options.resources.unwrap_or(&no_resources);
    let mut diagnostics = loaded.warnings;
    let mut reader = Reader::new(&loaded.source, options.compat, resources, &mut diagnostics);
    let read = reader.workflow(&loaded.value);
    let workflow = read.workflow.map(|mut workflow| {
        validate::check_references(&mut reader, &mut workflow, &read.declared);
        workflow
    });
    diagnostics.sort();
    let source = Arc::new(loaded.source);
    let document = workflow.map(|workflow| Document {
        workflow,
        source,
        compat: options.compat,
        project: Arc::default(),
    });
    (document, diagnostics)
}

/// Bytes as hexadecimal text.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
