//! Binds functions that an `OpenAPI` document describes.

use rondo_definition::{PropertyError, Severity, codes, did_you_mean};
use rondo_program::{Function, OpenApiFunction};

use super::{Binder, Opened, first_ids};
use crate::binding::{OpenApiTarget, Target};
use crate::client_options::ClientOptions;
use crate::key::{KeyParts, KeyStrategy, client_key, mangle};
use crate::oidc::{self, OidcProblem};
use crate::openapi;
use crate::openapi::document::SpecDocument;
use crate::openapi::operation::{Scheme, SchemeUse};
use crate::reads::{DocumentReads, SchemeReads};
use crate::settings::{ClientSettings, DEFAULT_SCHEME, PROXY_ADDRESS, camel_case, lookup};

impl Binder<'_> {
    pub(super) fn open_api(
        &mut self,
        function: &Function,
        target: &OpenApiFunction,
        strategy: KeyStrategy,
    ) -> Target {
        let (uri, id) = (target.document.as_str(), target.operation.as_str());
        let authorization =
            match self.document_authorization(function, target.document_authentication.as_ref()) {
                Ok(authorization) => authorization,
                Err(unusable) => return unusable,
            };
        let document = self.open(self.source.path(), uri, authorization.as_deref()).and_then(|document| {
            document.check_version().map_err(|problem| format!("`{}` {problem}", document.uri))?;
            Ok(document)
        });
        let document = match document {
            Ok(document) => document,
            Err(problem) => {
                self.record_document(function, target, strategy, None, None);
                return self.refuse_document(function, uri, &problem);
            }
        };
        let open = |from: &SpecDocument, file: &str| self.open(&from.uri, file, authorization.as_deref());
        let found = match document.operation(id) {
            Some(place) => Ok(place.clone()),
            None => openapi::find_referred(&document, id, &open),
        };
        let at = match found {
            Ok(at) => at,
            Err((referred, problems)) => {
                let ids = || document.operation_ids().chain(referred.iter().map(String::as_str));
                let help = match (did_you_mean(id, ids()), problems.first()) {
                    (Some(other), _) => format!("there is `{other}`"),
                    (None, Some(problem)) => format!("some of its paths cannot be read: {problem}"),
                    (None, None) => first_ids(ids()),
                };
                self.record_document(function, target, strategy, Some(&document), None);
                let problem = format!("calls `{id}`, but `{uri}` has no such operation");
                return self.refuse(codes::UNKNOWN_OPERATION, function, &problem, &help);
            }
        };
        let default_scheme = lookup(self.properties, DEFAULT_SCHEME);
        let default_scheme = default_scheme.as_deref().map(str::trim);
        let (operation, problems) = match openapi::extract(&document, &at, default_scheme, &open) {
            Ok(extracted) => extracted,
            Err(problem) => {
                self.record_document(function, target, strategy, Some(&document), None);
                let problem = format!("calls `{id}` of `{uri}`, which {problem}");
                return self.refuse(codes::API_DOCUMENT, function, &problem, "");
            }
        };
        for problem in problems {
            self.warn(codes::API_DOCUMENT_PART, function, &format!("calls `{id}` of `{uri}`: {problem}"), "");
        }
        let used = Some(operation.security.as_slice());
        let key = self.record_document(function, target, strategy, Some(&document), used);
        if operation.address().is_none() && !target.has_config_key {
            self.check_address(function, &key, operation.server.as_deref(), &document.uri);
        }
        self.check_client(&key);
        self.check_credentials(function, &key, &operation.security);
        let has_config_key = target.has_config_key;
        Target::OpenApi(Box::new(OpenApiTarget { operation, key, has_config_key }))
    }

    /// The key of the settings of a document. Records it with the other settings that are read for the document. Without the document, or the
    /// schemes of the operation, any scheme may be used.
    fn record_document(
        &mut self,
        function: &Function,
        target: &OpenApiFunction,
        strategy: KeyStrategy,
        document: Option<&SpecDocument>,
        used: Option<&[SchemeUse]>,
    ) -> String {
        let title = document.map_or("", |document| document.title.as_str());
        let uri = target.document.as_str();
        let parts = KeyParts { uri, title, workflow: self.workflow, function: &function.name };
        let key = target.alias.clone().unwrap_or_else(|| client_key(strategy, parts));
        let others = [KeyStrategy::FileName, KeyStrategy::FullUri, KeyStrategy::SpecTitle];
        let others = others.map(|strategy| client_key(strategy, parts));
        self.reads.lacks_a_key |=
            document.is_none() && target.alias.is_none() && strategy == KeyStrategy::SpecTitle;
        let schemes = document.zip(used).map(|(document, used)| SchemeReads {
            used: used.to_vec(),
            defined: document.security_schemes().iter().map(|name| mangle(name)).collect(),
        });
        let settings = ClientSettings { properties: self.properties, key: &key, choice: None };
        self.reads.documents.push(DocumentReads {
            client: settings.client_key(),
            other_keys: others.into_iter().filter(|other| *other != key && !other.is_empty()).collect(),
            has_choice: target.has_config_key,
            schemes,
            key: key.clone(),
        });
        key
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

    /// Warns if the properties give no address for the calls. Not for a function with `configKey`, whose calls each choose the address.
    fn check_address(&mut self, function: &Function, key: &str, server: Option<&str>, document: &str) {
        let settings = ClientSettings { properties: self.properties, key, choice: None };
        let why = match (settings.base_url(), server) {
            (Ok(Some(_)), _) => return,
            (Ok(None), Some(server)) => {
                let mut why = format!("the server `{server}` of its document is no http or https address");
                if document.contains("://") {
                    why.push_str(", and the host that the document comes from is not the service");
                }
                why
            }
            (Ok(None), None) => "its document names no server".to_owned(),
            (Err(error), _) => error.to_string(),
        };
        let problem = format!("cannot be called, because no address is known: {why}");
        let help =
            format!("set `quarkus.rest-client.{}.url` in {}", settings.client_key(), self.properties.place());
        self.warn(codes::NO_ADDRESS, function, &problem, &help);
    }

    /// Warns if a setting of a client has no value, or is no proxy; the check of the properties reports other wrong values.
    fn check_client(&mut self, key: &str) {
        let settings = ClientSettings { properties: self.properties, key, choice: None };
        let Err(error) = ClientOptions::read(&settings) else { return };
        let is_proxy = error.key().ends_with(PROXY_ADDRESS.name)
            || error.key().ends_with(&camel_case(PROXY_ADDRESS.name));
        if matches!(error, PropertyError::Type { .. }) && !is_proxy {
            return;
        }
        let message = format!("no call of the document `{key}` can be made: {error}");
        self.report_property(Severity::Warning, codes::UNUSABLE_CLIENT, error.key(), message);
    }

    /// Reports credentials that have no value or cannot be used; otherwise only the service's refusal would reveal them.
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
            let fetches_token = matches!(scheme.scheme, Scheme::OAuth2 { .. } | Scheme::OpenId { .. });
            if fetches_token && !settings.propagates(&scheme.name) {
                self.check_token_request(function, scheme);
            }
        }
    }

    fn check_token_request(&mut self, function: &Function, scheme: &SchemeUse) {
        match oidc::check_client(self.properties, scheme) {
            Ok(()) => {}
            Err(OidcProblem::NoValue(error)) => {
                let problem = format!("cannot be called, because there is no token for it: {error}");
                let help = "set the environment variable, or remove the property";
                self.warn(codes::MISSING_CREDENTIALS, function, &problem, help);
            }
            Err(problem) => {
                let message =
                    format!("calls with the security scheme `{}` get no token: {problem}", scheme.name);
                self.report_property(Severity::Error, codes::TOKEN_CLIENT, problem.key(), message);
            }
        }
    }
}
