//! The target of one function of a workflow.
//!
//! Owns: [`Binding`], made when a definition is loaded, and immutable. Never: holds a credential, or an address that a property gives; each call
//! looks these up.

use std::sync::Arc;

use rondo_program::{JwtOperation, PythonFunction};

use crate::channel::Channel;
#[cfg(feature = "grpc")]
use crate::grpc::GrpcTarget;
use crate::headers::AskedHeaders;
use crate::http_target::HttpTarget;
use crate::openapi::operation::Operation;

/// A function and its target.
#[derive(Debug, Clone)]
pub struct Binding {
    pub(crate) name: String,
    pub(crate) target: Target,
    /// The headers with credentials that its workflow may see in answers.
    pub(crate) asked_headers: Arc<AskedHeaders>,
}

/// The target of a function.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    OpenApi(Box<OpenApiTarget>),
    Http(HttpTarget),
    Python(PythonFunction),
    JwtParser(Option<JwtOperation>),
    #[cfg(feature = "grpc")]
    Grpc(GrpcTarget),
    /// The runtime sends or awaits the message itself.
    Channel(Channel),
    /// The function cannot be called, for this reason.
    Unusable(String),
}

/// An operation and the name of its settings.
#[derive(Debug, Clone)]
pub(crate) struct OpenApiTarget {
    pub(crate) operation: Operation,
    /// Key in `quarkus.rest-client.<key>…`.
    pub(crate) key: String,
    /// Whether a call chooses one of several services; see [`crate::Request::config_key`].
    pub(crate) has_config_key: bool,
}
