//! What a workflow declares outside of its states: the functions that its calls name.
//!
//! Owns: the form in which a lowering hands functions to whatever binds them to services. Promises: no text here has to
//! be parsed by the rules of a dialect; a function that no build can call says why. Never: reads a document that a
//! function names, or holds the value of a property. Functions that are computed inside of the engine (expressions,
//! lines of the log) are not declared: they are part of the program's instructions.

use std::fmt;

use rondo_definition::Pointer;

/// What a workflow declares, in the order of its document.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Declarations {
    /// The functions that call something outside of the engine; their names differ from each other.
    pub functions: Vec<Function>,
}

/// A function that [`Instruction::Call`](crate::Instruction::Call) names.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// Name by which instructions call it.
    pub name: String,
    /// What a call does.
    pub kind: FunctionKind,
    /// Place in the document that says what it calls; problems with that are reported there.
    pub at: Pointer,
}

/// What a call of a function does.
#[derive(Debug, Clone, PartialEq)]
pub enum FunctionKind {
    /// Calls an operation of an `OpenAPI` document.
    OpenApi(OpenApiFunction),
    /// Sends a plain HTTP request.
    Http(HttpFunction),
    /// Fails each call. The problem has been reported as an error, but a revision that an older build accepted runs on.
    Unusable {
        /// Sentence that says what is wrong, beginning with the function.
        reason: String,
    },
}

/// An operation of an `OpenAPI` document.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenApiFunction {
    /// Path or URI of the document, relative to the file of the workflow.
    pub document: String,
    /// Name that the workflow has given to the document. The properties of its service are found by this name instead of
    /// one that is made of the path.
    pub alias: Option<String>,
    /// `operationId`.
    pub operation: String,
    /// Whether each call says which one of several configured services it goes to (`config_key` of
    /// [`Instruction::Call`](crate::Instruction::Call)).
    pub has_config_key: bool,
    /// What identifies the engine to the host of the document. It is not used for the calls.
    pub document_authentication: Option<Authentication>,
}

/// A plain HTTP request.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpFunction {
    /// Method in upper case.
    pub method: HttpMethod,
    /// Absolute URL, or a path whose host the properties give; `{name}` stands for an argument.
    pub address: String,
    /// Whether an answer with an error status fails the call; otherwise the answer is its result.
    pub fails_on_error_status: bool,
}

/// Method of a plain HTTP request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum HttpMethod {
    Get,
    Post,
    Put,
    Delete,
    Patch,
    Head,
    Options,
}

/// What identifies the engine to a host.
#[derive(Debug, Clone, PartialEq)]
pub struct Authentication {
    /// Name of the definition, for messages.
    pub name: String,
    /// How it is sent.
    pub scheme: AuthenticationScheme,
}

/// How a host is told who asks.
#[derive(Debug, Clone, PartialEq)]
pub enum AuthenticationScheme {
    /// HTTP basic.
    Basic {
        /// Name of the user.
        username: Credential,
        /// Password of the user.
        password: Credential,
    },
    /// A bearer token.
    Bearer {
        /// The token.
        token: Credential,
    },
}

/// A part of what identifies the engine. `Debug` does not print a text.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// The text itself, as the document gives it.
    Text(String),
    /// Name of the property that holds the text.
    Secret(String),
}

impl HttpMethod {
    /// All methods.
    pub const ALL: [Self; 7] =
        [Self::Get, Self::Post, Self::Put, Self::Delete, Self::Patch, Self::Head, Self::Options];

    /// The method as HTTP writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Patch => "PATCH",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
        }
    }

    /// The method of a name in any case of letters.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str().eq_ignore_ascii_case(name))
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("***"),
            Self::Secret(name) => write!(f, "the property `{name}`"),
        }
    }
}
