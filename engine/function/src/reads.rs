//! What the functions of a workflow read of the properties.
//!
//! Owns: [`Reads`], recorded while functions are bound. Never: looks at a property; a function reads what its kind reads, set or not.

use crate::openapi::operation::SchemeUse;

/// What the functions of one workflow read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reads {
    pub(crate) documents: Vec<DocumentReads>,
    pub(crate) functions: Vec<FunctionReads>,
    /// Services of gRPC, with and without their packages.
    pub(crate) services: Vec<String>,
    /// Properties whose names stand in the text of the workflow, because an expression may read them as `$SECRET`.
    pub(crate) in_text: Vec<String>,
    /// Whether the key of a document is not known, because its title would be a part of it and it cannot be read.
    pub(crate) lacks_a_key: bool,
}

/// The settings of one `OpenAPI` document, as one function reads them.
#[derive(Debug, Clone)]
pub(crate) struct DocumentReads {
    /// The name of its credentials.
    pub(crate) key: String,
    /// The name of its client.
    pub(crate) client: String,
    /// Names that other strategies would give it, which authors may take for its key.
    pub(crate) other_keys: Vec<String>,
    /// Whether calls choose one of several clients, whose names begin with that of the document.
    pub(crate) has_choice: bool,
    /// `None` if the document cannot be read, so that it may have any.
    pub(crate) schemes: Option<SchemeReads>,
}

/// The security schemes of a document.
#[derive(Debug, Clone)]
pub(crate) struct SchemeReads {
    /// Those that the function's operation asks for.
    pub(crate) used: Vec<SchemeUse>,
    /// The names of all, as in the properties.
    pub(crate) defined: Vec<String>,
}

/// The settings below `kogito.sw.functions.<name>.`.
#[derive(Debug, Clone)]
pub(crate) struct FunctionReads {
    pub(crate) name: String,
    pub(crate) kind: FunctionReadsKind,
}

/// Which of them a function reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FunctionReadsKind {
    /// The address, credentials and the time limit.
    Rest,
    /// Credentials and the time limit; the operation has the address.
    Service,
    /// The time limit.
    Timeout,
    /// None: they stand below the key of its document.
    OpenApi { key: String },
    /// None.
    Nothing,
    /// Any, because it is not known what the function is.
    Unknown,
}
