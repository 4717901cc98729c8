//! Binds the functions of a workflow to what they call, when its definition is loaded.
//!
//! Owns: [`Bindings`]. Promises: whatever would make every call of a function fail is an error at the function's operation; what may go wrong in
//! some calls is a warning, such as arguments that an operation does not take (a required parameter may be missing in a path that never runs).
//! Records which properties it reads, so that unread ones can be reported. Never: talks to the services, or knows the dialect of the definition.

mod arguments;
mod open_api;
mod results;
mod services;

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use rondo_definition::{Code, Diagnostic, Pointer, Properties, Resources, Severity, Source, codes, settings};
use rondo_program::{Authentication, Declarations, Function, FunctionKind, HttpFunction};

use crate::auth::authorization;
use crate::binding::{Binding, Target};
use crate::channel::Channel;
use crate::encoding::percent_decode;
use crate::headers::AskedHeaders;
use crate::http_target::HttpTarget;
use crate::key::KeyStrategy;
use crate::openapi::document::SpecDocument;
use crate::reads::{FunctionReads, FunctionReadsKind, Reads};
use crate::rest_address::{AddressProblem, base_address};
use crate::specs::Specs;

/// The bindings of the functions of one workflow.
#[derive(Debug, Clone, Default)]
pub struct Bindings {
    by_name: HashMap<String, Arc<Binding>>,
    reads: Reads,
}

impl Bindings {
    /// The binding of a function; `None` for a name that is not declared.
    pub fn get(&self, name: &str) -> Option<&Arc<Binding>> {
        self.by_name.get(name)
    }

    /// The properties that the functions read.
    pub(crate) fn reads(&self) -> &Reads {
        &self.reads
    }

    /// The functions that receive a message, each with the name of its channel, which is the type of the event that they wait for.
    pub fn received(&self) -> BTreeMap<String, String> {
        let channels = self.by_name.iter().filter_map(|(name, binding)| match &binding.target {
            Target::Channel(channel) if !channel.sends => Some((name.clone(), channel.name.clone())),
            _ => None,
        });
        channels.collect()
    }

    /// The channel that a function of the type `asyncapi` sends to or receives from; `None` for another function. The runtime sends and awaits
    /// its messages, and does not [call](crate::Caller::call) such a function.
    pub fn channel_of(&self, name: &str) -> Option<&Channel> {
        match &self.by_name.get(name)?.target {
            Target::Channel(channel) => Some(channel),
            _ => None,
        }
    }
}

/// Binds the functions that a workflow declares.
///
/// `source` is the workflow's document, at whose places problems are reported; `workflow` is its id; `specs` are the `OpenAPI` documents read so
/// far for the same folder. Returns bindings even if there are errors: a function that cannot be called fails its calls.
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
        reads: Reads::default(),
    };
    let strategy = binder.strategy();
    let mut bindings = Bindings::default();
    let asked_headers = Arc::new(AskedHeaders::in_text(source.text()));
    for function in &declarations.functions {
        let target = match &function.kind {
            FunctionKind::OpenApi(open_api) => binder.open_api(function, open_api, strategy),
            FunctionKind::Http(http) => binder.http(function, http),
            FunctionKind::Knative(knative) => binder.knative(function, knative),
            FunctionKind::GraphQl(graph_ql) => binder.graph_ql(function, graph_ql),
            FunctionKind::OData(odata) => binder.odata(function, odata),
            FunctionKind::Python(python) => binder.python(function, python),
            FunctionKind::JwtParser(operation) => Target::JwtParser(*operation),
            FunctionKind::Grpc(grpc) => binder.grpc(function, grpc),
            FunctionKind::AsyncApi(async_api) => binder.async_api(function, async_api),
            FunctionKind::Unusable { reason } => Target::Unusable(reason.clone()),
        };
        binder.record_function(function, &target);
        let binding =
            Binding { name: function.name.clone(), target, asked_headers: Arc::clone(&asked_headers) };
        bindings.by_name.insert(function.name.clone(), Arc::new(binding));
    }
    binder.check_calls(&declarations.calls, &bindings);
    if source.text().contains("$SECRET") {
        let in_text = properties.keys_with_prefix("").filter(|key| has_word(source.text(), key));
        binder.reads.in_text = in_text.map(str::to_owned).collect();
    }
    bindings.reads = binder.reads;
    (bindings, binder.diagnostics)
}

type Opened = Result<Arc<SpecDocument>, String>;

struct Binder<'a> {
    workflow: &'a str,
    source: &'a Source,
    resources: &'a Resources,
    properties: &'a Properties,
    specs: &'a Specs,
    /// Documents opened so far for this workflow, by base and URI: most functions name the same one.
    opened: RefCell<HashMap<(String, String), Opened>>,
    /// Warnings reported so far. A warning that concerns every function of a document is reported at the first function only.
    warned: HashSet<String>,
    diagnostics: Vec<Diagnostic>,
    reads: Reads,
}

impl Binder<'_> {
    /// The strategy by which settings are named. The check of the properties reports an unknown strategy.
    fn strategy(&self) -> KeyStrategy {
        let text = settings::KEY_STRATEGY.text(self.properties).ok().flatten();
        text.and_then(|text| KeyStrategy::parse(&text)).unwrap_or_default()
    }

    fn http(&mut self, function: &Function, http: &HttpFunction) -> Target {
        let address = self.resources.resolve_alias(&http.address);
        let http = HttpFunction { address, ..http.clone() };
        if let Err(problem) = base_address(&http, &function.name, self.properties) {
            let help = match &problem {
                AddressProblem::Missing(key) => {
                    format!("set `{key}`, or write the whole address into the operation")
                }
                _ => String::new(),
            };
            self.warn(codes::NO_ADDRESS, function, &format!("cannot be called: {problem}"), &help);
        }
        Target::Http(HttpTarget::Rest(http))
    }

    /// Records which settings of functions this one reads.
    fn record_function(&mut self, function: &Function, target: &Target) {
        let kind = match target {
            Target::OpenApi(open_api) => FunctionReadsKind::OpenApi { key: open_api.key.clone() },
            Target::Http(HttpTarget::Rest(_)) => FunctionReadsKind::Rest,
            Target::Http(_) => FunctionReadsKind::Service,
            Target::Python(_) => FunctionReadsKind::Timeout,
            #[cfg(feature = "grpc")]
            Target::Grpc(grpc) => {
                let short = grpc.service.rsplit('.').next().unwrap_or_default();
                self.reads.services.extend([grpc.service.clone(), short.to_owned()]);
                FunctionReadsKind::Service
            }
            Target::JwtParser(_) | Target::Channel(_) => FunctionReadsKind::Nothing,
            Target::Unusable(_) => FunctionReadsKind::Unknown,
        };
        self.reads.functions.push(FunctionReads { name: function.name.clone(), kind });
    }

    /// The `Authorization` header for fetching the document of a function.
    fn document_authorization(
        &mut self,
        function: &Function,
        authentication: Option<&Authentication>,
    ) -> Result<Option<String>, Target> {
        let Some(authentication) = authentication else { return Ok(None) };
        authorization(authentication, self.properties).map(Some).map_err(|problem| {
            let problem = format!("has the auth `{}`, which {problem}", authentication.name);
            self.refuse(codes::INVALID_AUTH, function, &problem, "basic and bearer can be used")
        })
    }

    /// Reports that a function cannot be called.
    fn refuse(&mut self, code: Code, function: &Function, problem: &str, help: &str) -> Target {
        let message = format!("function `{}` {problem}", function.name);
        let error = Diagnostic::error(code, self.source, &function.at, message.clone());
        self.diagnostics.push(if help.is_empty() { error } else { error.help(help) });
        Target::Unusable(message)
    }

    /// Reports that the document of a function cannot be used, once for each document, at the first function that needs it.
    fn refuse_document(&mut self, function: &Function, uri: &str, problem: &str) -> Target {
        let problem = format!("needs the document `{uri}`: {}", without_repeated_name(problem, uri));
        if self.warned.insert(problem.clone()) {
            self.refuse(codes::API_DOCUMENT, function, &problem, "")
        } else {
            Target::Unusable(format!("function `{}` {problem}", function.name))
        }
    }

    /// Warns at a place in the document, and points to its key if it has one.
    fn warn_at(&mut self, code: Code, at: &Pointer, message: String, help: String) {
        let warning = Diagnostic::warning(code, self.source, at, message).on_key(self.source, at);
        self.diagnostics.push(if help.is_empty() { warning } else { warning.help(help) });
    }

    /// Reports a problem of a property, once.
    fn report_property(&mut self, severity: Severity, code: Code, key: &str, message: String) {
        if self.warned.insert(message.clone()) {
            self.diagnostics.push(self.properties.diagnostic_at(severity, code, key, message));
        }
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

/// Replaces the document's name in a problem by `it`, if the message has already named the document by its URI.
fn without_repeated_name<'p>(problem: &'p str, uri: &str) -> Cow<'p, str> {
    let named = problem.strip_prefix('`').and_then(|rest| rest.split_once('`'));
    let Some((name, rest)) = named else { return Cow::Borrowed(problem) };
    let is_same = name.ends_with(uri) || percent_decode(name) == uri;
    if is_same { Cow::Owned(format!("it{rest}")) } else { Cow::Borrowed(problem) }
}

/// Whether a text contains the name of a property, and not only as a part of a longer name.
fn has_word(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let next = text.get(at + name.len()..).and_then(|rest| rest.chars().next());
        !next.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'))
    })
}

/// The first operation ids in alphabetical order, for a message.
pub(crate) fn first_ids<'a>(ids: impl Iterator<Item = &'a str>) -> String {
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
