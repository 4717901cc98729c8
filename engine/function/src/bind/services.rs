//! Binds functions that no `OpenAPI` document describes: Knative, GraphQL, `OData`, Python, gRPC and `AsyncAPI`.

use std::cell::RefCell;

use rondo_definition::{codes, settings};
use rondo_program::{
    AsyncApiFunction, Function, GraphQlFunction, GrpcFunction, KnativeFunction, ODataFunction, PythonFunction,
};

use super::Binder;
use crate::async_api::{ChannelProblem, find_channel};
use crate::binding::Target;
#[cfg(feature = "grpc")]
use crate::grpc::{self, GrpcTarget, ProtoProblem};
use crate::http_target::HttpTarget;
use crate::knative;
use crate::specs;

impl Binder<'_> {
    pub(super) fn knative(&mut self, function: &Function, knative: &KnativeFunction) -> Target {
        if let Err(problem) = knative::address(&knative.service, self.properties) {
            self.warn(codes::NO_ADDRESS, function, &format!("cannot be called: {problem}"), "");
        }
        Target::Http(HttpTarget::Knative(knative.clone()))
    }

    pub(super) fn graph_ql(&mut self, function: &Function, graph_ql: &GraphQlFunction) -> Target {
        match self.endpoint(function, &graph_ql.address) {
            Ok(address) => Target::Http(HttpTarget::GraphQl(GraphQlFunction { address, ..graph_ql.clone() })),
            Err(unusable) => unusable,
        }
    }

    pub(super) fn odata(&mut self, function: &Function, odata: &ODataFunction) -> Target {
        match self.endpoint(function, &odata.address) {
            Ok(address) => Target::Http(HttpTarget::OData(ODataFunction { address, ..odata.clone() })),
            Err(unusable) => unusable,
        }
    }

    pub(super) fn python(&mut self, function: &Function, python: &PythonFunction) -> Target {
        // The check of the properties reports a value that cannot be read.
        if settings::PYTHON_ENABLED.flag(self.properties).unwrap_or(true) {
            return Target::Python(python.clone());
        }
        let problem = "runs Python code, which `rondo.python.enabled=false` forbids";
        self.refuse(codes::FUNCTION_TYPE, function, problem, "remove the property, or replace the function")
    }

    /// The address of an endpoint that the operation itself names.
    pub(super) fn endpoint(&mut self, function: &Function, address: &str) -> Result<String, Target> {
        let resolved = self.resources.resolve_alias(address);
        if resolved.starts_with("http://") || resolved.starts_with("https://") {
            return Ok(resolved);
        }
        let problem = format!("calls `{address}`, which is no HTTP address");
        Err(self.refuse(codes::CUSTOM_OPERATION, function, &problem, "begin it with `https://`"))
    }

    pub(super) fn async_api(&mut self, function: &Function, target: &AsyncApiFunction) -> Target {
        let authorization = self.document_authorization(function, target.document_authentication.as_ref());
        let authorization = match authorization {
            Ok(authorization) => authorization,
            Err(unusable) => return unusable,
        };
        let (uri, id) = (&target.document, &target.operation);
        let path = self.source.path();
        let read = self.specs.read(self.resources, self.source, path, uri, authorization.as_deref());
        let found = read
            .and_then(|(name, text)| specs::parse_value(&name, &text))
            .map_err(ChannelProblem::Document)
            .and_then(|document| find_channel(&document, id));
        match found {
            Ok(channel) => Target::Channel(channel),
            Err(ChannelProblem::Document(problem)) => self.refuse_document(function, uri, &problem),
            Err(ChannelProblem::UnknownOperation(help)) => {
                let problem = format!("calls `{id}`, but `{uri}` has no such operation");
                self.refuse(codes::UNKNOWN_OPERATION, function, &problem, &help)
            }
        }
    }

    #[cfg(feature = "grpc")]
    pub(super) fn grpc(&mut self, function: &Function, target: &GrpcFunction) -> Target {
        let document = &target.document;
        // An import is searched beside the file that the workflow names, and from the root of the folder.
        let base = RefCell::new(self.source.path().to_string());
        let read = |name: &str| {
            let from = base.borrow().clone();
            let (found, text) = self.specs.read(self.resources, self.source, &from, name, None)?;
            if name == document {
                base.replace(found);
            }
            Ok(text)
        };
        match grpc::find_method(document, &target.service, &target.method, &read) {
            Ok(method) => Target::Grpc(GrpcTarget { service: target.service.clone(), method }),
            Err(ProtoProblem::Document(problem)) => self.refuse_document(function, document, &problem),
            Err(ProtoProblem::Unknown(problem, help)) => {
                self.refuse(codes::UNKNOWN_OPERATION, function, &problem, &help)
            }
        }
    }

    #[cfg(not(feature = "grpc"))]
    pub(super) fn grpc(&mut self, function: &Function, _target: &GrpcFunction) -> Target {
        let problem = "calls a gRPC service, and this build of Rondo was made without gRPC";
        self.refuse(codes::FUNCTION_TYPE, function, problem, "build it with the feature `grpc`")
    }
}
