//! What one function of a workflow calls.
//!
//! Owns: [`Binding`], made when a definition is loaded; immutable, holds neither addresses nor credentials, which are
//! looked up when a call is made.

use crate::openapi::operation::Operation;
use crate::rest::RestTarget;
use crate::sysout::Level;

/// A function and what it calls.
#[derive(Debug, Clone)]
pub struct Binding {
    pub(crate) name: String,
    /// `metadata.configKey` as written.
    pub(crate) config_key: Option<String>,
    pub(crate) target: Target,
}

/// What a function calls.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    OpenApi(Box<OpenApiTarget>),
    Rest(RestTarget),
    Sysout(Level),
    /// Why it cannot be called.
    Unsupported(String),
}

/// An operation and the name of its settings.
#[derive(Debug, Clone)]
pub(crate) struct OpenApiTarget {
    pub(crate) operation: Operation,
    /// Key in `quarkus.rest-client.<key>…`.
    pub(crate) key: String,
}

impl Binding {
    /// Name of the function.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The expression in `metadata.configKey`; its value belongs into [`crate::Request::config_key`].
    pub fn config_key(&self) -> Option<&str> {
        self.config_key.as_deref()
    }

    /// Whether the call only writes a line to the log, so that it neither takes time nor can fail.
    pub fn is_log(&self) -> bool {
        matches!(self.target, Target::Sysout(_))
    }
}
