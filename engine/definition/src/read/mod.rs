//! Reads the value tree of a document into the model, with all problems.
//!
//! Owns: the shape of Serverless Workflow 0.8, one file for each part of the language. Promises: reading continues after a problem, so all
//! problems are reported. Never: resolves a reference; [`crate::validate`] does.

mod actions;
mod conditions;
mod definitions;
mod durations;
mod earlier_names;
mod events;
mod extensions;
mod fields;
mod filters;
mod next;
mod problems;
mod start;
mod states;
mod timeouts;
mod without_effect;
mod workflow;

use serde_json::Value;

use crate::{Code, Compat, Diagnostic, Pointer, Resources, Source, model::Workflow};
pub(crate) use fields::Fields;
pub(crate) use problems::suggest;

/// The result of reading a definition.
pub(crate) struct ReadWorkflow {
    /// The definition, as complete as possible; `None` if a part is missing that every workflow needs.
    pub(crate) workflow: Option<Workflow>,
    pub(crate) declared: Declared,
}

/// The names that a definition declares. They include the names of parts with errors, so that a reference to such a part is not a second
/// problem.
#[derive(Debug, Default)]
pub(crate) struct Declared {
    pub(crate) states: Vec<String>,
    pub(crate) functions: Vec<String>,
    pub(crate) events: Vec<String>,
    pub(crate) errors: Vec<String>,
    pub(crate) retries: Vec<String>,
    pub(crate) auth: Vec<String>,
    /// Prefixes of functions that need no definition, from the extension `workflow-function-namespaces`.
    pub(crate) namespaces: Vec<String>,
    /// Whether the document has an `errors` property.
    pub(crate) has_errors: bool,
}

/// The document that is being read, the files that it may name, and the problems.
pub(crate) struct Reader<'r> {
    /// The current document: the workflow, or a file with definitions.
    pub(crate) source: &'r Source,
    /// The document of the workflow.
    owner: &'r Source,
    pub(crate) compat: Compat,
    resources: &'r Resources,
    problems: &'r mut Vec<Diagnostic>,
}

impl<'r> Reader<'r> {
    pub(crate) fn new(
        source: &'r Source,
        compat: Compat,
        resources: &'r Resources,
        problems: &'r mut Vec<Diagnostic>,
    ) -> Self {
        Self { source, owner: source, compat, resources, problems }
    }

    /// Reads the whole document.
    pub(crate) fn workflow(&mut self, value: &Value) -> ReadWorkflow {
        workflow::read_workflow(self, value)
    }

    /// Reports an error: the definition is refused.
    pub(crate) fn error(
        &mut self,
        code: Code,
        at: &Pointer,
        message: impl Into<String>,
    ) -> PendingDiagnostic<'_> {
        self.report(Diagnostic::error(code, self.source, at, message))
    }

    /// Reports a warning: the definition is accepted.
    pub(crate) fn warning(
        &mut self,
        code: Code,
        at: &Pointer,
        message: impl Into<String>,
    ) -> PendingDiagnostic<'_> {
        self.report(Diagnostic::warning(code, self.source, at, message))
    }

    /// Reports an invalid property that `SonataFlow` ignores: as an error with `rondo.compat=spec`, else as a warning. In the second case the
    /// caller treats the property as absent.
    pub(crate) fn deviation(
        &mut self,
        code: Code,
        at: &Pointer,
        message: impl Into<String>,
    ) -> PendingDiagnostic<'_> {
        match self.compat {
            Compat::Spec => self.error(code, at, message),
            Compat::SonataFlow => self.warning(code, at, message),
        }
    }

    fn report(&mut self, diagnostic: Diagnostic) -> PendingDiagnostic<'_> {
        PendingDiagnostic { source: self.source, diagnostic: Some(diagnostic), problems: self.problems }
    }
}

/// A problem that is reported when it is dropped. Help can be added before.
pub(crate) struct PendingDiagnostic<'n> {
    source: &'n Source,
    diagnostic: Option<Diagnostic>,
    problems: &'n mut Vec<Diagnostic>,
}

impl PendingDiagnostic<'_> {
    /// Adds what would be right.
    pub(crate) fn help(mut self, help: impl Into<String>) {
        self.diagnostic = self.diagnostic.take().map(|diagnostic| diagnostic.help(help));
    }

    /// Suggests the most similar candidate, if one is close enough.
    pub(crate) fn did_you_mean<'c>(self, name: &str, candidates: impl IntoIterator<Item = &'c str>) {
        if let Some(similar) = crate::did_you_mean(name, candidates) {
            self.help(format!("`{similar}` has a similar name"));
        }
    }

    /// Points to the property's name.
    pub(crate) fn on_key(mut self) -> Self {
        let source = self.source;
        self.diagnostic = self.diagnostic.take().map(|diagnostic| {
            let at = diagnostic.pointer.clone().unwrap_or_default();
            diagnostic.on_key(source, &at)
        });
        self
    }
}

impl Drop for PendingDiagnostic<'_> {
    fn drop(&mut self) {
        self.problems.extend(self.diagnostic.take());
    }
}
