//! The functions that a workflow declares and its calls name.
//!
//! Owns: the form in which the lowering passes functions to the code that binds them to services. Promises: the rules of a dialect are not
//! needed to read it; a function that cannot be called says why. Never: reads a document that a function names, or contains the value
//! of a property. Functions that the engine computes itself (expressions, log lines) are instructions of the program and not declared.

use std::fmt;

use rondo_definition::Pointer;

use crate::CallSite;

/// The declarations of a workflow, in the order of its document.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Declarations {
    /// The functions that call a service. Their names are unique.
    pub functions: Vec<Function>,
    /// The calls of these functions.
    pub calls: Vec<CallSite>,
}

/// A function that [`Instruction::Call`](crate::Instruction::Call) names.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// Its name in the definition.
    pub name: String,
    /// What a call does.
    pub kind: FunctionKind,
    /// The place of its `operation` in the document, for diagnostics.
    pub at: Pointer,
}

/// What a call of a function does.
#[derive(Debug, Clone, PartialEq)]
pub enum FunctionKind {
    /// Calls an operation of an `OpenAPI` document.
    OpenApi(OpenApiFunction),
    /// Sends a plain HTTP request.
    Http(HttpFunction),
    /// Calls a Knative service.
    Knative(KnativeFunction),
    /// Asks a GraphQL endpoint.
    GraphQl(GraphQlFunction),
    /// Reads an `OData` service.
    OData(ODataFunction),
    /// Runs Python code.
    Python(PythonFunction),
    /// Reads the claims of a JSON Web Token. `None`: the argument `operation` says which.
    JwtParser(Option<JwtOperation>),
    /// Calls a method of a gRPC service.
    Grpc(GrpcFunction),
    /// Sends or receives a message, as an `AsyncAPI` document describes it.
    AsyncApi(AsyncApiFunction),
    /// Fails each call. The problem is an error when a definition is loaded, but a stored revision that an older build accepted still runs.
    Unusable {
        /// What is wrong, as a sentence whose subject is the function.
        reason: String,
    },
}

/// An operation of an `OpenAPI` document.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenApiFunction {
    /// Path or URI of the document, relative to the file of the workflow.
    pub document: String,
    /// The alias of the document in the workflow. The properties of its service are looked up with this name instead of one derived from
    /// the path.
    pub alias: Option<String>,
    /// `operationId`.
    pub operation: String,
    /// Whether each call selects one of several configured services (`config_key` of
    /// [`Instruction::Call`](crate::Instruction::Call)).
    pub has_config_key: bool,
    /// The credentials for fetching the document from its host. The calls do not use them.
    pub document_authentication: Option<Authentication>,
}

/// A plain HTTP request.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpFunction {
    /// Method in upper case.
    pub method: HttpMethod,
    /// An absolute URL, or a path whose host is configured by properties. `{name}` is replaced by an argument.
    pub address: String,
    /// Whether an answer with an error status fails the call; otherwise the answer is the result of the call.
    pub fails_on_error_status: bool,
}

/// A request to a Knative service, whose address is configured by a property or known to the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnativeFunction {
    /// The service in the cluster: `services.v1.serving.knative.dev/<namespace>/<name>`, or without namespace.
    pub service: String,
    /// Path below the address of the service; begins with `/`, or is empty.
    pub path: String,
    /// `GET` or `POST`.
    pub method: HttpMethod,
    /// Whether the arguments are a `CloudEvent`, which is sent as such.
    pub as_cloud_event: bool,
}

/// A field of the query or mutation type of a GraphQL endpoint. The arguments of a call are `{arguments, selectionSet}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphQlFunction {
    /// Absolute URL of the endpoint.
    pub address: String,
    /// Whether the field belongs to the mutation type; otherwise to the query type.
    pub is_mutation: bool,
    /// Name of the field.
    pub field: String,
}

/// An entity set of an `OData` service. The arguments of a call are `{queryOptions, key}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ODataFunction {
    /// Absolute URL of the service.
    pub address: String,
    /// Name of the entity set, or a path of names.
    pub entity_set: String,
}

/// Python code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PythonFunction {
    /// Runs the argument `script`; the other arguments are variables of it.
    Script,
    /// Calls a function of a module with the arguments.
    Service {
        /// Name of the module, which may have dots.
        module: String,
        /// Name of the function in it.
        function: String,
    },
}

/// Which claims of a token are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JwtOperation {
    /// All claims.
    Parse,
    /// Those that say who the user is.
    ExtractUser,
    /// The claim that the argument `claim` names.
    ExtractClaim,
}

/// A method of a gRPC service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrpcFunction {
    /// Path or URI of the `.proto` file, relative to the file of the workflow.
    pub document: String,
    /// Name of the service, with or without its package.
    pub service: String,
    /// Name of the method.
    pub method: String,
}

/// An operation of an `AsyncAPI` document.
#[derive(Debug, Clone, PartialEq)]
pub struct AsyncApiFunction {
    /// Path or URI of the document, relative to the file of the workflow.
    pub document: String,
    /// The operation.
    pub operation: String,
    /// The credentials for fetching the document from its host.
    pub document_authentication: Option<Authentication>,
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

/// The credentials of an `auth` definition (spec-0.8, "Auth Definition").
#[derive(Debug, Clone, PartialEq)]
pub struct Authentication {
    /// Name of the definition, for messages.
    pub name: String,
    /// The scheme, with its credentials.
    pub scheme: AuthenticationScheme,
}

/// An HTTP authentication scheme, with its credentials.
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

/// A user name, password or token. `Debug` does not print the text.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// The text itself, as written in the document.
    Text(String),
    /// Name of the property that holds the text.
    Secret(String),
    /// A property that holds a JSON object, and the member of it that is the text.
    SecretMember {
        /// Name of the property.
        secret: String,
        /// Name of the member.
        member: String,
    },
}

impl JwtOperation {
    /// The operation with this name; `None` if there is none.
    pub fn parse(name: &str) -> Option<Self> {
        let names = [
            ("parse", Self::Parse),
            ("extractUser", Self::ExtractUser),
            ("extractClaim", Self::ExtractClaim),
        ];
        names.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, operation)| operation)
    }
}

impl HttpMethod {
    /// All methods.
    pub const ALL: [Self; 7] =
        [Self::Get, Self::Post, Self::Put, Self::Delete, Self::Patch, Self::Head, Self::Options];

    /// The method as written in a request.
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

    /// The method with this name, in upper or lower case; `None` if there is none.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str().eq_ignore_ascii_case(name))
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("***"),
            Self::Secret(name) => write!(f, "the property `{name}`"),
            Self::SecretMember { secret, member } => write!(f, "`{member}` of the property `{secret}`"),
        }
    }
}
