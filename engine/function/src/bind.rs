//! Binds the functions of a workflow to what they call, when its definition is loaded.
//!
//! Owns: [`Bindings`]. Promises: whatever would make every call of a function fail is an error here, at the function's
//! operation; what only may go wrong is a warning. Never: checks arguments (a required parameter may be left out in a
//! path that is never taken) or talks to the services.

use std::collections::HashMap;
use std::sync::Arc;

use rondo_definition::model::{Function, FunctionKind, Workflow};
use rondo_definition::{Diagnostic, Properties, Source, did_you_mean};
use serde_json::Value;

use crate::binding::{Binding, OpenApiTarget, Target};
use crate::codes;
use crate::key::{KeyParts, KeyStrategy, STRATEGIES, client_key};
use crate::openapi;
use crate::openapi::document::SpecDocument;
use crate::rest;
use crate::settings::{ClientSettings, lookup};
use crate::sysout::Level;

/// What the functions of one workflow are bound to.
#[derive(Debug, Clone, Default)]
pub struct Bindings {
    by_name: HashMap<String, Arc<Binding>>,
}

impl Bindings {
    /// The binding of a function; `None` for expression functions and names that are not defined.
    pub fn get(&self, name: &str) -> Option<&Arc<Binding>> {
        self.by_name.get(name)
    }
}

/// Binds the functions of a workflow.
pub(crate) fn bind_workflow(
    workflow: &Workflow,
    source: &Source,
    documents: &dyn Documents,
    properties: &Properties,
) -> (Bindings, Vec<Diagnostic>) {
    let mut binder = Binder { workflow, source, documents, properties, diagnostics: Vec::new() };
    let strategy = binder.strategy();
    let mut bindings = Bindings::default();
    for function in workflow.functions.values() {
        if function.kind == FunctionKind::Expression {
            continue;
        }
        let target = binder.target(function, strategy).unwrap_or_else(|problem| {
            let reason = problem.message.clone();
            binder.diagnostics.push(problem);
            Target::Unsupported(reason)
        });
        let config_key = function.metadata.get("configKey").and_then(Value::as_str).map(str::to_owned);
        let binding = Binding { name: function.name.clone(), config_key, target };
        bindings.by_name.insert(function.name.clone(), Arc::new(binding));
    }
    (bindings, binder.diagnostics)
}

/// A document as it was found.
pub(crate) struct Found {
    /// Where: the name that messages show and relative references start from.
    pub(crate) uri: String,
    pub(crate) document: Arc<SpecDocument>,
}

/// Opens the documents that operations name.
pub(crate) trait Documents {
    /// The document at a URI, as written in the workflow or in the document `from`; for a function with `authRef`
    /// with the value of the `Authorization` header.
    fn open(&self, from: Option<&str>, uri: &str, auth: Option<&str>) -> Result<Found, String>;
}

struct Binder<'a> {
    workflow: &'a Workflow,
    source: &'a Source,
    documents: &'a dyn Documents,
    properties: &'a Properties,
    diagnostics: Vec<Diagnostic>,
}

impl Binder<'_> {
    fn strategy(&mut self) -> KeyStrategy {
        const PROPERTY: &str = "kogito.sw.operationIdStrategy";
        let Some(text) = lookup(self.properties, PROPERTY) else { return KeyStrategy::default() };
        KeyStrategy::parse(&text).unwrap_or_else(|| {
            let message = format!("`{PROPERTY}` is `{text}`, which is none of `{}`", STRATEGIES.join("`, `"));
            self.diagnostics.push(Diagnostic::file(
                rondo_definition::Severity::Warning,
                codes::PROPERTY,
                "application.properties",
                message,
            ));
            KeyStrategy::default()
        })
    }

    fn target(&mut self, function: &Function, strategy: KeyStrategy) -> Result<Target, Diagnostic> {
        match function.kind {
            FunctionKind::Rest => self.openapi(function, strategy),
            FunctionKind::Custom => self.custom(function),
            other => {
                let name = match other {
                    FunctionKind::AsyncApi => "asyncapi",
                    FunctionKind::Rpc => "rpc",
                    FunctionKind::GraphQl => "graphql",
                    _ => "odata",
                };
                let message = format!(
                    "function `{}` is of the type `{name}`, which Rondo cannot call: `{}`",
                    function.name, function.operation.value
                );
                Err(self.error(codes::UNSUPPORTED, function, message)
                    .help("`rest` with an OpenAPI document, `custom` with `rest:<method>:<URL>` and `expression` can be used"))
            }
        }
    }

    fn custom(&self, function: &Function) -> Result<Target, Diagnostic> {
        let operation = function.operation.value.trim();
        let (kind, rest) = operation.split_once(':').unwrap_or((operation, ""));
        match kind {
            "rest" => {
                let fail = function.metadata.get("failOnStatusCode");
                let fail_on_status = !matches!(fail, Some(Value::Bool(false)))
                    && fail.and_then(Value::as_str) != Some("false");
                rest::parse(rest, fail_on_status).map(Target::Rest).map_err(|problem| {
                    let message = format!("function `{}`: operation `{operation}` {problem}", function.name);
                    self.error(codes::OPERATION, function, message)
                })
            }
            "sysout" => Level::parse(rest).map(Target::Sysout).ok_or_else(|| {
                let message = format!("function `{}`: `{rest}` is no level of a log", function.name);
                self.error(codes::OPERATION, function, message)
                    .help("the levels are TRACE, DEBUG, INFO, WARN and ERROR")
            }),
            "knative" | "script" | "service" => {
                let message =
                    format!("function `{}` calls `{operation}`, which Rondo cannot do", function.name);
                Err(self.error(codes::UNSUPPORTED, function, message).help(
                    "a service with an OpenAPI document, or `rest:<method>:<URL>`, can stand in for it",
                ))
            }
            _ => {
                let message =
                    format!("function `{}`: Rondo has no custom operation `{operation}`", function.name);
                Err(self
                    .error(codes::UNSUPPORTED, function, message)
                    .help("there are `rest:<method>:<path or URL>` and `sysout`"))
            }
        }
    }

    fn openapi(&mut self, function: &Function, strategy: KeyStrategy) -> Result<Target, Diagnostic> {
        let operation = function.operation.value.as_str();
        let parts: Vec<&str> = operation.split('#').collect();
        let [place, id] = parts.as_slice() else {
            let message = format!("function `{}`: operation `{operation}` must have one `#`", function.name);
            return Err(self
                .error(codes::OPERATION, function, message)
                .help("write it as `<document>#<operationId>`"));
        };
        let (place, id) = (place.trim(), id.trim());
        let alias = self.workflow.uri_definitions.get(place).map(String::as_str);
        let uri = alias.unwrap_or(place);
        let auth = self.authorization(function)?;
        let found = self.documents.open(None, uri, auth.as_deref()).map_err(|problem| {
            let message = format!("function `{}`: document `{uri}` {problem}", function.name);
            self.error(codes::SPEC, function, message)
        })?;
        let document = found.document;
        let Some(at) = document.operation(id).cloned() else {
            let message = format!("function `{}`: `{uri}` has no operation `{id}`", function.name);
            let error = self.error(codes::UNKNOWN_OPERATION, function, message);
            return Err(match did_you_mean(id, document.operation_ids()) {
                Some(other) => error.help(format!("there is `{other}`")),
                None => error.help(some_of(document.operation_ids())),
            });
        };
        let open = |from: &SpecDocument, file: &str| {
            self.documents.open(Some(&from.uri), file, auth.as_deref()).map(|found| found.document)
        };
        let (operation, problems) = openapi::extract(&document, &at, &open).map_err(|problem| {
            let message = format!("function `{}`: operation `{id}` of `{uri}` {problem}", function.name);
            self.error(codes::SPEC, function, message)
        })?;
        for problem in problems {
            let message = format!("function `{}`: operation `{id}` of `{uri}`: {problem}", function.name);
            self.warn(codes::SPEC_PART, function, message, None);
        }
        let key = match alias {
            Some(_) => place.to_owned(),
            None => client_key(
                strategy,
                KeyParts {
                    uri: place,
                    title: &document.title,
                    workflow: &self.workflow.id,
                    function: &function.name,
                },
            ),
        };
        self.check_address(function, &key, operation.server.as_deref());
        Ok(Target::OpenApi(Box::new(OpenApiTarget { operation, key })))
    }

    /// With a `configKey` the address is only known when a call is made.
    fn check_address(&mut self, function: &Function, key: &str, server: Option<&str>) {
        if function.metadata.contains_key("configKey") || server.is_some_and(|server| server.contains("://"))
        {
            return;
        }
        let settings = ClientSettings { properties: self.properties, key, choice: None };
        let why = match settings.base_url() {
            Ok(Some(_)) => return,
            Ok(None) => "its document names no server".to_owned(),
            Err(error) => error.to_string(),
        };
        let message =
            format!("function `{}` cannot be called, because no address is known: {why}", function.name);
        let help = format!("set `quarkus.rest-client.{key}.url` in application.properties");
        self.warn(codes::NO_ADDRESS, function, message, Some(help));
    }

    /// The `Authorization` header for fetching the document, by the function's `authRef`.
    fn authorization(&self, function: &Function) -> Result<Option<String>, Diagnostic> {
        let Some(reference) = &function.auth_ref else { return Ok(None) };
        let named = |auth: &Value| auth.get("name").and_then(Value::as_str) == Some(reference.value.as_str());
        let Some(auth) = self.workflow.auth.iter().find(|auth| named(&auth.value)) else {
            // Reported with the definition.
            return Ok(None);
        };
        crate::auth::authorization(&auth.value, self.properties).map(Some).map_err(|problem| {
            let message = format!("function `{}`: auth `{}` {problem}", function.name, reference.value);
            Diagnostic::error(codes::AUTH, self.source, &auth.at, message)
        })
    }

    fn error(&self, code: &'static str, function: &Function, message: String) -> Diagnostic {
        Diagnostic::error(code, self.source, &function.operation.at, message)
    }

    fn warn(&mut self, code: &'static str, function: &Function, message: String, help: Option<String>) {
        let warning = Diagnostic::warning(code, self.source, &function.operation.at, message);
        self.diagnostics.push(match help {
            Some(help) => warning.help(help),
            None => warning,
        });
    }
}

/// The first operation ids in alphabetical order, for a message.
fn some_of<'a>(ids: impl Iterator<Item = &'a str>) -> String {
    const SHOWN: usize = 8;
    let mut ids: Vec<&str> = ids.collect();
    ids.sort_unstable();
    let more = if ids.len() > SHOWN { ", …" } else { "" };
    ids.truncate(SHOWN);
    if ids.is_empty() {
        "it has none at all".to_owned()
    } else {
        format!("it has `{}`{more}", ids.join("`, `"))
    }
}
