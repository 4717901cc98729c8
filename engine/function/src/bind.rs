//! Binds the functions of a workflow to what they call, when its definition is loaded.
//!
//! Owns: [`Bindings`]. Promises: whatever would make every call of a function fail is an error here, at the function's
//! operation; what only may go wrong is a warning. Never: checks arguments (a required parameter may be left out in a
//! path that is never taken) or talks to the services.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rondo_definition::model::{Function, FunctionKind, Workflow};
use rondo_definition::{
    Code, Diagnostic, Document, Properties, Resources, Source, codes, did_you_mean, settings,
};
use serde_json::Value;

use crate::binding::{Binding, OpenApiTarget, Target};
use crate::key::{KeyParts, KeyStrategy, client_key};
use crate::openapi;
use crate::openapi::document::SpecDocument;
use crate::openapi::operation::SchemeUse;
use crate::rest;
use crate::settings::ClientSettings;
use crate::specs::Specs;
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

/// Binds the functions of a workflow. `specs` are the documents read so far for the same folder.
pub fn bind(
    document: &Document,
    resources: &Resources,
    properties: &Properties,
    specs: &Specs,
) -> (Bindings, Vec<Diagnostic>) {
    let (workflow, source) = (&document.workflow, document.source.as_ref());
    let mut binder = Binder {
        workflow,
        source,
        resources,
        properties,
        specs,
        opened: RefCell::default(),
        told: HashSet::new(),
        diagnostics: Vec::new(),
    };
    let strategy = binder.strategy();
    let mut bindings = Bindings::default();
    for function in workflow.functions.values() {
        if function.kind == FunctionKind::Expression {
            continue;
        }
        let target = binder.target(function, strategy);
        let config_key = function.metadata.get("configKey").and_then(Value::as_str).map(str::to_owned);
        let binding = Binding { name: function.name.clone(), config_key, target };
        bindings.by_name.insert(function.name.clone(), Arc::new(binding));
    }
    (bindings, binder.diagnostics)
}

type Opened = Result<Arc<SpecDocument>, String>;

struct Binder<'a> {
    workflow: &'a Workflow,
    source: &'a Source,
    resources: &'a Resources,
    properties: &'a Properties,
    specs: &'a Specs,
    /// What the functions bound so far have opened, by base and URI: most name the same document.
    opened: RefCell<HashMap<(String, String), Opened>>,
    /// Warnings that concern every function of a document are told at the first one.
    told: HashSet<String>,
    diagnostics: Vec<Diagnostic>,
}

impl Binder<'_> {
    /// A strategy that there is not is reported with the properties.
    fn strategy(&self) -> KeyStrategy {
        let text = settings::KEY_STRATEGY.text(self.properties).ok().flatten();
        text.and_then(|text| KeyStrategy::parse(&text)).unwrap_or_default()
    }

    fn target(&mut self, function: &Function, strategy: KeyStrategy) -> Target {
        let kind = match function.kind {
            FunctionKind::Rest => return self.openapi(function, strategy),
            FunctionKind::Custom => return self.custom(function),
            FunctionKind::AsyncApi => "asyncapi",
            FunctionKind::Rpc => "rpc",
            FunctionKind::GraphQl => "graphql",
            FunctionKind::OData => "odata",
            FunctionKind::Expression => "expression",
        };
        let operation = &function.operation.value;
        let problem = format!("is of the type `{kind}`, which Rondo cannot call: `{operation}`");
        self.refuse(codes::FUNCTION_TYPE, function, &problem, CALLABLE)
    }

    fn custom(&mut self, function: &Function) -> Target {
        let operation = function.operation.value.trim();
        let (kind, rest) = operation.split_once(':').unwrap_or((operation, ""));
        match kind {
            "rest" => {
                let fail = function.metadata.get("failOnStatusCode");
                let fail_on_status = !matches!(fail, Some(Value::Bool(false)))
                    && fail.and_then(Value::as_str) != Some("false");
                let rest = match rest.split_once(':') {
                    Some((method, place)) => {
                        format!("{method}:{}", self.resources.resolve_alias(place.trim()))
                    }
                    None => rest.to_owned(),
                };
                match rest::parse(&rest, fail_on_status) {
                    Ok(target) => Target::Rest(target),
                    Err(problem) => {
                        let problem = format!("has the operation `{operation}`: {problem}");
                        self.refuse(codes::CUSTOM_OPERATION, function, &problem, "write it as `rest:get:/numbers`")
                    }
                }
            }
            "sysout" => {
                let Some(level) = Level::parse(rest) else {
                    let problem = format!("logs at `{rest}`, which is no level");
                    let help = "the levels are TRACE, DEBUG, INFO, WARN and ERROR";
                    return self.refuse(codes::CUSTOM_OPERATION, function, &problem, help);
                };
                Target::Sysout(level)
            }
            "knative" | "script" | "service" => {
                let problem = format!("calls `{operation}`, which Rondo cannot do");
                self.refuse(codes::FUNCTION_TYPE, function, &problem, CALLABLE)
            }
            _ => {
                let problem = format!("has the custom operation `{operation}`, which Rondo does not know");
                self.refuse(codes::FUNCTION_TYPE, function, &problem, CALLABLE)
            }
        }
    }

    fn openapi(&mut self, function: &Function, strategy: KeyStrategy) -> Target {
        let operation = function.operation.value.as_str();
        let Some((place, id)) = operation.split_once('#') else {
            // Reported with the definition.
            return Target::Unsupported(format!("operation `{operation}` is not `<document>#<operationId>`"));
        };
        let (place, id) = (place.trim(), id.trim());
        let alias = self.workflow.uri_definitions.get(place).map(String::as_str);
        let uri = alias.unwrap_or(place);
        let auth = match self.authorization(function) {
            Ok(auth) => auth,
            Err(problem) => {
                return self.refuse(codes::AUTH, function, &problem, "basic and bearer can be used");
            }
        };
        let document = match self.open(self.source.path(), uri, auth.as_deref()) {
            Ok(document) => document,
            Err(problem) => {
                let problem = format!("needs the document `{uri}`: {problem}");
                return self.refuse(codes::API_DOCUMENT, function, &problem, "");
            }
        };
        let Some(at) = document.operation(id).cloned() else {
            let help = match did_you_mean(id, document.operation_ids()) {
                Some(other) => format!("there is `{other}`"),
                None => some_of(document.operation_ids()),
            };
            let problem = format!("calls `{id}`, but `{uri}` has no such operation");
            return self.refuse(codes::UNKNOWN_OPERATION, function, &problem, &help);
        };
        let open = |from: &SpecDocument, file: &str| self.open(&from.uri, file, auth.as_deref());
        let (operation, problems) = match openapi::extract(&document, &at, &open) {
            Ok(extracted) => extracted,
            Err(problem) => {
                let problem = format!("calls `{id}` of `{uri}`, which {problem}");
                return self.refuse(codes::API_DOCUMENT, function, &problem, "");
            }
        };
        for problem in problems {
            self.warn(codes::API_DOCUMENT_PART, function, &format!("calls `{id}` of `{uri}`: {problem}"), "");
        }
        let parts = KeyParts {
            uri: place,
            title: &document.title,
            workflow: &self.workflow.id,
            function: &function.name,
        };
        let key = if alias.is_some() { place.to_owned() } else { client_key(strategy, parts) };
        self.check_address(function, &key, operation.server.as_deref());
        self.check_credentials(function, &key, &operation.security);
        Target::OpenApi(Box::new(OpenApiTarget { operation, key }))
    }

    fn open(&self, base: &str, uri: &str, auth: Option<&str>) -> Opened {
        let key = (base.to_owned(), uri.to_owned());
        if let Some(known) = self.opened.borrow().get(&key) {
            return known.clone();
        }
        let opened = self.specs.open(self.resources, self.source, base, uri, auth);
        self.opened.borrow_mut().insert(key, opened.clone());
        opened
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
        let problem = format!("cannot be called, because no address is known: {why}");
        let help = format!("set `quarkus.rest-client.{key}.url` in application.properties");
        self.warn(codes::NO_ADDRESS, function, &problem, &help);
    }

    /// A credential that is configured but has no value would be missed only when the service refuses the call.
    fn check_credentials(&mut self, function: &Function, key: &str, schemes: &[SchemeUse]) {
        let settings = ClientSettings { properties: self.properties, key, choice: None };
        for scheme in schemes {
            for name in ["bearer-token", "username", "password", "api-key"] {
                if let Some(error) = settings.auth_problem(&scheme.name, name) {
                    let problem = format!("is called without these credentials: {error}");
                    self.warn(
                        codes::CREDENTIALS,
                        function,
                        &problem,
                        "set the environment variable, or remove the property",
                    );
                }
            }
        }
    }

    /// The `Authorization` header for fetching the document, by the function's `authRef`.
    fn authorization(&self, function: &Function) -> Result<Option<String>, String> {
        let Some(reference) = &function.auth_ref else { return Ok(None) };
        let named = |auth: &Value| auth.get("name").and_then(Value::as_str) == Some(reference.value.as_str());
        // One that is not there is reported with the definition.
        let Some(auth) = self.workflow.auth.iter().find(|auth| named(&auth.value)) else { return Ok(None) };
        crate::auth::authorization(&auth.value, self.properties)
            .map(Some)
            .map_err(|problem| format!("has the auth `{}`, which {problem}", reference.value))
    }

    /// Reports that a function cannot be called.
    fn refuse(&mut self, code: Code, function: &Function, problem: &str, help: &str) -> Target {
        let message = format!("function `{}` {problem}", function.name);
        let error = Diagnostic::error(code, self.source, &function.operation.at, message.clone());
        self.diagnostics.push(if help.is_empty() { error } else { error.help(help) });
        Target::Unsupported(message)
    }

    fn warn(&mut self, code: Code, function: &Function, problem: &str, help: &str) {
        if !self.told.insert(format!("{problem}\n{help}")) {
            return;
        }
        let message = format!("function `{}` {problem}", function.name);
        let warning = Diagnostic::warning(code, self.source, &function.operation.at, message);
        self.diagnostics.push(if help.is_empty() { warning } else { warning.help(help) });
    }
}

/// What can stand in for a kind of function that cannot be called.
const CALLABLE: &str = "an OpenAPI document, `custom` with `rest:<method>:<path or URL>` or `sysout`, and `expression` can be used";

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
