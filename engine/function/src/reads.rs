//! The properties that the functions of a workflow read.
//!
//! Owns: [`Reads`], recorded while functions are bound. Never: looks at a property: a function reads the properties of its kind, whether they are
//! set or not.

use crate::openapi::operation::SchemeUse;

/// The properties that the functions of one workflow read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reads {
    pub(crate) documents: Vec<DocumentReads>,
    pub(crate) functions: Vec<FunctionReads>,
    /// gRPC services, with and without their packages.
    pub(crate) services: Vec<String>,
    /// Properties that the text of the workflow names, because an expression may read them as `$SECRET`.
    pub(crate) in_text: Vec<String>,
    /// Whether the key of a document is unknown, because it would come from the title of a document that cannot be read.
    pub(crate) lacks_a_key: bool,
}

/// The settings of one `OpenAPI` document, as one function reads them.
#[derive(Debug, Clone)]
pub(crate) struct DocumentReads {
    /// The key of its credentials in the properties.
    pub(crate) key: String,
    /// The name of its REST client.
    pub(crate) client: String,
    /// Keys by other strategies, which authors may confuse with its key.
    pub(crate) other_keys: Vec<String>,
    /// Whether calls choose one of several clients, whose names begin with that of the document.
    pub(crate) has_choice: bool,
    /// `None` if the document cannot be read, so that it may have any schemes.
    pub(crate) schemes: Option<SchemeReads>,
}

/// The security schemes of a document.
#[derive(Debug, Clone)]
pub(crate) struct SchemeReads {
    /// Schemes that the function's operation requires.
    pub(crate) used: Vec<SchemeUse>,
    /// Names of all schemes, as in the properties.
    pub(crate) defined: Vec<String>,
}

/// The settings below `kogito.sw.functions.<name>.`.
#[derive(Debug, Clone)]
pub(crate) struct FunctionReads {
    pub(crate) name: String,
    pub(crate) kind: FunctionReadsKind,
}

/// Which of these settings a function reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FunctionReadsKind {
    /// The address, credentials and the time limit.
    Rest,
    /// Credentials and the time limit; the operation has the address.
    Service,
    /// The time limit.
    Timeout,
    /// None: its settings are below the key of its document.
    OpenApi { key: String },
    /// None.
    Nothing,
    /// Any, because the kind of the function is not known.
    Unknown,
}
