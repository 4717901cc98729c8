//! Binds the functions of a workflow to what they call, when its definition is loaded.
//!
//! Owns: [`Bindings`]. Promises: whatever would make every call of a function fail is an error here, at the function's
//! operation; what only may go wrong is a warning. Never: checks arguments (a required parameter may be left out in a
//! path that is never taken), talks to the services, or knows the dialect of the definition.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rondo_definition::{Code, Diagnostic, Properties, Resources, Source, codes, did_you_mean, settings};
use rondo_program::{
    Declarations, Function, FunctionKind, GraphQlFunction, HttpFunction, KnativeFunction, ODataFunction,
    OpenApiFunction, PythonFunction,
};

use crate::auth::authorization;
use crate::binding::{Binding, OpenApiTarget, Target};
use crate::headers::AskedHeaders;
use crate::http_target::HttpTarget;
use crate::key::{KeyParts, KeyStrategy, client_key};
use crate::knative;
use crate::openapi;
use crate::openapi::document::SpecDocument;
use crate::openapi::operation::SchemeUse;
use crate::settings::ClientSettings;
use crate::specs::Specs;

/// What the functions of one workflow are bound to.
#[derive(Debug, Clone, Default)]
pub struct Bindings {
    by_name: HashMap<String, Arc<Binding>>,
}

impl Bindings {
    /// The binding of a function; `None` for a name that is not declared.
    pub fn get(&self, name: &str) -> Option<&Arc<Binding>> {
        self.by_name.get(name)
    }
}

/// Binds the functions that a workflow declares.
///
/// `source` is the workflow's document, at whose places problems are reported; `workflow` is its id; `specs` are the
/// `OpenAPI` documents read so far for the same folder. The bindings are there even if there are errors: a function that
/// cannot be called fails its calls.
pub fn bind(
    declarations: &Declarations,
    source: &Source,
    workflow: &str,
    resources: &Resources,
    properties: &Properties,
    specs: &Specs,
) -> (Bindings, Vec<Diagnostic>) {
    let mut binder = Binder {
        workflow,
        source,
        resources,
        properties,
        specs,
        opened: RefCell::default(),
        warned: HashSet::new(),
        diagnostics: Vec::new(),
    };
    let strategy = binder.strategy();
    let mut bindings = Bindings::default();
    let asked_headers = Arc::new(AskedHeaders::in_text(source.text()));
    for function in &declarations.functions {
        let target = match &function.kind {
            FunctionKind::OpenApi(open_api) => binder.open_api(function, open_api, strategy),
            FunctionKind::Http(http) => Target::Http(HttpTarget::Rest(HttpFunction {
                address: binder.resources.resolve_alias(&http.address),
                ..http.clone()
            })),
            FunctionKind::Knative(knative) => binder.knative(function, knative),
            FunctionKind::GraphQl(graph_ql) => binder.graph_ql(function, graph_ql),
            FunctionKind::OData(odata) => binder.odata(function, odata),
            FunctionKind::Python(python) => binder.python(function, python),
            FunctionKind::Grpc(_) | FunctionKind::AsyncApi(_) => {
                Target::Unusable(format!("function `{}` is of a type that cannot be called", function.name))
            }
            FunctionKind::Unusable { reason } => Target::Unusable(reason.clone()),
        };
        let binding =
            Binding { name: function.name.clone(), target, asked_headers: Arc::clone(&asked_headers) };
        bindings.by_name.insert(function.name.clone(), Arc::new(binding));
    }
    (bindings, binder.diagnostics)
}

type Opened = Result<Arc<SpecDocument>, String>;

struct Binder<'a> {
    workflow: &'a str,
    source: &'a Source,
    resources: &'a Resources,
    properties: &'a Properties,
    specs: &'a Specs,
    /// Documents that the functions bound so far name, by base and URI: most functions name the same one.
    opened: RefCell<HashMap<(String, String), Opened>>,
    /// Warnings reported so far: one that concerns every function of a document is reported at the first function.
    warned: HashSet<String>,
    diagnostics: Vec<Diagnostic>,
}

impl Binder<'_> {
    /// How settings are named. The check of the properties reports an unknown strategy.
    fn strategy(&self) -> KeyStrategy {
        let text = settings::KEY_STRATEGY.text(self.properties).ok().flatten();
        text.and_then(|text| KeyStrategy::parse(&text)).unwrap_or_default()
    }

    fn knative(&mut self, function: &Function, knative: &KnativeFunction) -> Target {
        if let Err(problem) = knative::address(knative, self.properties) {
            self.warn(codes::NO_ADDRESS, function, &format!("cannot be called: {problem}"), "");
        }
        Target::Http(HttpTarget::Knative(knative.clone()))
    }

    fn graph_ql(&mut self, function: &Function, graph_ql: &GraphQlFunction) -> Target {
        match self.endpoint(function, &graph_ql.address) {
            Ok(address) => Target::Http(HttpTarget::GraphQl(GraphQlFunction { address, ..graph_ql.clone() })),
            Err(unusable) => unusable,
        }
    }

    fn odata(&mut self, function: &Function, odata: &ODataFunction) -> Target {
        match self.endpoint(function, &odata.address) {
            Ok(address) => Target::Http(HttpTarget::OData(ODataFunction { address, ..odata.clone() })),
            Err(unusable) => unusable,
        }
    }

    fn python(&mut self, function: &Function, python: &PythonFunction) -> Target {
        // A value that cannot be read is reported with the other properties.
        if settings::PYTHON_ENABLED.flag(self.properties).unwrap_or(true) {
            return Target::Python(python.clone());
        }
        let problem = "runs Python code, which `rondo.python.enabled=false` forbids";
        self.refuse(codes::FUNCTION_TYPE, function, problem, "remove the property, or replace the function")
    }

    /// The address of an endpoint that the operation itself names.
    fn endpoint(&mut self, function: &Function, address: &str) -> Result<String, Target> {
        let resolved = self.resources.resolve_alias(address);
        if resolved.starts_with("http://") || resolved.starts_with("https://") {
            return Ok(resolved);
        }
        let problem = format!("calls `{address}`, which is no HTTP address");
        Err(self.refuse(codes::CUSTOM_OPERATION, function, &problem, "begin it with `https://`"))
    }

    fn open_api(&mut self, function: &Function, target: &OpenApiFunction, strategy: KeyStrategy) -> Target {
        let (uri, id) = (target.document.as_str(), target.operation.as_str());
        let authorization = match &target.document_authentication {
            None => None,
            Some(authentication) => match authorization(authentication, self.properties) {
                Ok(authorization) => Some(authorization),
                Err(problem) => {
                    let problem = format!("has the auth `{}`, which {problem}", authentication.name);
                    return self.refuse(
                        codes::INVALID_AUTH,
                        function,
                        &problem,
                        "basic and bearer can be used",
                    );
                }
            },
        };
        let document = match self.open(self.source.path(), uri, authorization.as_deref()) {
            Ok(document) => document,
            Err(problem) => {
                let problem = format!("needs the document `{uri}`: {problem}");
                return self.refuse(codes::API_DOCUMENT, function, &problem, "");
            }
        };
        let Some(at) = document.operation(id).cloned() else {
            let help = match did_you_mean(id, document.operation_ids()) {
                Some(other) => format!("there is `{other}`"),
                None => first_ids(document.operation_ids()),
            };
            let problem = format!("calls `{id}`, but `{uri}` has no such operation");
            return self.refuse(codes::UNKNOWN_OPERATION, function, &problem, &help);
        };
        let open = |from: &SpecDocument, file: &str| self.open(&from.uri, file, authorization.as_deref());
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
        let parts =
            KeyParts { uri, title: &document.title, workflow: self.workflow, function: &function.name };
        let key = target.alias.clone().unwrap_or_else(|| client_key(strategy, parts));
        let knows_address =
            operation.server.as_ref().is_some_and(|server| server.contains("://")) || target.has_config_key;
        if !knows_address {
            self.check_address(function, &key);
        }
        self.check_credentials(function, &key, &operation.security);
        let has_config_key = target.has_config_key;
        Target::OpenApi(Box::new(OpenApiTarget { operation, key, has_config_key }))
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

    /// Warns when the properties give no address for the calls. With a `configKey` only a call says which one it needs.
    fn check_address(&mut self, function: &Function, key: &str) {
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

    /// Warns when a configured credential has no value: otherwise only the service's refusal would show it.
    fn check_credentials(&mut self, function: &Function, key: &str, schemes: &[SchemeUse]) {
        let settings = ClientSettings { properties: self.properties, key, choice: None };
        for scheme in schemes {
            for name in ["bearer-token", "username", "password", "api-key"] {
                if let Some(error) = settings.auth_problem(&scheme.name, name) {
                    let problem = format!("is called without these credentials: {error}");
                    self.warn(
                        codes::MISSING_CREDENTIALS,
                        function,
                        &problem,
                        "set the environment variable, or remove the property",
                    );
                }
            }
        }
    }

    /// Reports that a function cannot be called.
    fn refuse(&mut self, code: Code, function: &Function, problem: &str, help: &str) -> Target {
        let message = format!("function `{}` {problem}", function.name);
        let error = Diagnostic::error(code, self.source, &function.at, message.clone());
        self.diagnostics.push(if help.is_empty() { error } else { error.help(help) });
        Target::Unusable(message)
    }

    fn warn(&mut self, code: Code, function: &Function, problem: &str, help: &str) {
        if !self.warned.insert(format!("{problem}\n{help}")) {
            return;
        }
        let message = format!("function `{}` {problem}", function.name);
        let warning = Diagnostic::warning(code, self.source, &function.at, message);
        self.diagnostics.push(if help.is_empty() { warning } else { warning.help(help) });
    }
}

/// The first operation ids in alphabetical order, for a message.
fn first_ids<'a>(ids: impl Iterator<Item = &'a str>) -> String {
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
