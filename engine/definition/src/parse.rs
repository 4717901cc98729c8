//! Parses the text of a workflow document into the model, with all problems.
//!
//! Owns: the order of the three passes: load (syntax, places), read (shape), validate (references). Promises: a document
//! comes back with all that could be read, even with errors, so that later checks can report theirs too; it may be served
//! only if none of the diagnostics is an error. Never: opens the network.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::{Compat, Diagnostic, Limits, Resources, Source, load, model::Workflow, read::Reader, validate};

/// A definition with its text.
#[derive(Debug, Clone)]
pub struct Document {
    /// The definition.
    pub workflow: Workflow,
    /// Its text and the places in it.
    pub source: Arc<Source>,
    /// Which rules hold for it where specification and `SonataFlow` disagree.
    pub compat: Compat,
}

impl Document {
    /// Identity of the definition: SHA-256, in hex, over the text and the digests of all files read on its
    /// behalf. It is complete once everything that the definition names has been read through [`Resources`].
    pub fn revision(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.source.text());
        for (name, digest) in self.source.uses() {
            // The separators keep name and digest of one file from being read as those of another.
            hash.update([0]);
            hash.update(name);
            hash.update([0]);
            hash.update(digest);
        }
        hex(&hash.finalize())
    }
}

/// What parsing depends on besides the text.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'o> {
    /// Which rules hold where specification and `SonataFlow` disagree.
    pub compat: Compat,
    /// Where files of definitions are; `None`: a document that names one is refused.
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

/// Parses a document. `path` is the name of the file as users see it, relative to the folder of workflows.
///
/// The diagnostics are sorted by place. Without a document at least one of them is an error.
pub fn parse_with(path: &str, text: &str, options: Options) -> (Option<Document>, Vec<Diagnostic>) {
    let loaded = match load(path, text, Limits::WORKFLOW) {
        Ok(loaded) => loaded,
        Err(diagnostics) => return (None, diagnostics),
    };
    let nothing = Resources::default();
    let resources = options.resources.unwrap_or(&nothing);
    let mut diagnostics = loaded.warnings;
    let mut reader = Reader::new(&loaded.source, options.compat, resources, &mut diagnostics);
    let outcome = reader.workflow(&loaded.value);
    let workflow = outcome.workflow.map(|mut workflow| {
        validate::references(&mut reader, &mut workflow, &outcome.declared);
        workflow
    });
    diagnostics.sort();
    let source = Arc::new(loaded.source);
    let document = workflow.map(|workflow| Document { workflow, source, compat: options.compat });
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
