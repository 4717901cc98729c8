//! Definitions, stored for the instances that run them.

/// A definition, by content digest. Its content never changes, so that an instance can go on after its files have changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Revision {
    /// Digest of the source and the files it refers to: the key.
    pub digest: String,
    /// Id of the workflow.
    pub workflow: String,
    /// Version of the workflow.
    pub version: String,
    /// Name of the workflow.
    pub name: String,
    /// Description of the workflow; may be empty.
    pub description: String,
    /// The document as it was read.
    pub source: String,
    /// Path of the document below the folder that it was read from.
    pub path: String,
    /// Fingerprint of the listing of the program that the document was lowered to. `None` when the revision was stored before there
    /// were fingerprints. The digest does not depend on it: a new build may lower the same document to another program.
    pub fingerprint: Option<String>,
    /// Files that it refers to, as name and content. Equal contents are stored once.
    pub bundle: Vec<(String, Vec<u8>)>,
}

/// The newest revision of a workflow that was ever served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The revision, with an empty [`Revision::bundle`]. Ask for it by digest when the files are needed.
    pub revision: Revision,
    /// Whether it is served now; `false` when its file was removed.
    pub available: bool,
}

/// A stored revision that is now lowered to another program than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFingerprint {
    /// [`Revision::digest`].
    pub digest: String,
    /// Id of the workflow.
    pub workflow: String,
    /// The fingerprint that was stored until now; `None` when none was.
    pub before: Option<String>,
}
