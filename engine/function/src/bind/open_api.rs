//! Binds functions that an `OpenAPI` document describes.

use rondo_definition::{codes, did_you_mean};
use rondo_program::{Function, OpenApiFunction};

use super::{Binder, Opened, first_ids};
use crate::binding::{OpenApiTarget, Target};
use crate::key::{KeyParts, KeyStrategy, client_key};
use crate::openapi;
use crate::openapi::document::SpecDocument;
use crate::openapi::operation::SchemeUse;
use crate::settings::ClientSettings;

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
                let problem = format!("needs the document `{uri}`: {problem}");
                return self.refuse(codes::API_DOCUMENT, function, &problem, "");
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
                let problem = format!("calls `{id}`, but `{uri}` has no such operation");
                return self.refuse(codes::UNKNOWN_OPERATION, function, &problem, &help);
            }
        };
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
        let help = format!("set `quarkus.rest-client.{key}.url` in {}", self.properties.place());
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
}
