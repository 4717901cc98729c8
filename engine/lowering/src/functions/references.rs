//! Functions whose operation names a document or an endpoint and a part of it, with `#` between.
//!
//! Owns: the forms of the types `rest`, `asyncapi`, `rpc`, `graphql` and `odata` (spec-0.8, "Function Definition"). The check of the
//! document reports an operation with too few or too many `#`.

use rondo_definition::{
    codes,
    model::{self, Workflow},
};
use rondo_program::{
    AsyncApiFunction, FunctionKind, GraphQlFunction, GrpcFunction, ODataFunction, OpenApiFunction,
};
use serde_json::Value;

use super::{Problem, authentication::authentication};

/// `<document>#<operationId>` of an `OpenAPI` document.
pub(super) fn open_api_function(
    workflow: &Workflow,
    function: &model::Function,
) -> Result<FunctionKind, Problem> {
    let Some((document, operation)) = function.operation.value.split_once('#') else {
        return Ok(malformed(function, "<document>#<operationId>"));
    };
    let (document, alias) = resolve_document(workflow, document);
    Ok(FunctionKind::OpenApi(OpenApiFunction {
        document,
        alias,
        operation: operation.trim().to_owned(),
        has_config_key: function.metadata.get("configKey").is_some_and(Value::is_string),
        document_authentication: authentication(workflow, function)?,
    }))
}

/// `<document>#<operationId>` of an `AsyncAPI` document.
pub(super) fn async_api_function(
    workflow: &Workflow,
    function: &model::Function,
) -> Result<FunctionKind, Problem> {
    let Some((document, operation)) = function.operation.value.split_once('#') else {
        return Ok(malformed(function, "<document>#<operationId>"));
    };
    Ok(FunctionKind::AsyncApi(AsyncApiFunction {
        document: resolve_document(workflow, document).0,
        operation: operation.trim().to_owned(),
        document_authentication: authentication(workflow, function)?,
    }))
}

/// `<file>.proto#<service>#<method>`.
pub(super) fn grpc_function(workflow: &Workflow, function: &model::Function) -> FunctionKind {
    let Some((document, service, method)) = three_parts(&function.operation.value) else {
        return malformed(function, "<file>.proto#<service>#<method>");
    };
    FunctionKind::Grpc(GrpcFunction {
        document: resolve_document(workflow, document).0,
        service: service.to_owned(),
        method: method.to_owned(),
    })
}

/// `<URL>#query#<field>` or `<URL>#mutation#<field>`.
pub(super) fn graph_ql_function(function: &model::Function) -> Result<FunctionKind, Problem> {
    let Some((address, operation, field)) = three_parts(&function.operation.value) else {
        return Ok(malformed(function, "<URL>#query#<field>"));
    };
    let problem = |message: String, help: &str| Problem::new(codes::CUSTOM_OPERATION, message, help);
    let is_mutation = match operation {
        "query" => false,
        "mutation" => true,
        other => {
            let message = format!("has the GraphQL operation `{other}`; Rondo sends `query` and `mutation`");
            return Err(problem(message, "write it as `https://service.example/graphql#query#pet`"));
        }
    };
    let is_name = !field.is_empty()
        && field.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !field.starts_with(|first: char| first.is_ascii_digit());
    if !is_name {
        let message = format!("asks for `{field}`, which is no name of a GraphQL field");
        return Err(problem(message, "a name has letters, digits and `_` only"));
    }
    let (address, field) = (address.to_owned(), field.to_owned());
    Ok(FunctionKind::GraphQl(GraphQlFunction { address, is_mutation, field }))
}

/// `<URL>#<entity set>`.
pub(super) fn odata_function(function: &model::Function) -> Result<FunctionKind, Problem> {
    let Some((address, entity_set)) = function.operation.value.split_once('#') else {
        return Ok(malformed(function, "<URL>#<entity set>"));
    };
    let entity_set = entity_set.trim().trim_matches('/');
    let is_path = !entity_set.is_empty()
        && entity_set.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '/' | '-'));
    if !is_path {
        return Err(Problem::new(
            codes::CUSTOM_OPERATION,
            format!("reads `{entity_set}`, which is no name of an OData entity set"),
            "write it as `https://service.example/odata#Customers`",
        ));
    }
    let (address, entity_set) = (address.trim().to_owned(), entity_set.to_owned());
    Ok(FunctionKind::OData(ODataFunction { address, entity_set }))
}

/// The place of a document, and the alias that the workflow gives it (`workflow-uri-definitions`).
fn resolve_document(workflow: &Workflow, document: &str) -> (String, Option<String>) {
    let document = document.trim();
    let uri = workflow.uri_definitions.get(document);
    (uri.map_or(document, String::as_str).to_owned(), uri.map(|_| document.to_owned()))
}

fn three_parts(operation: &str) -> Option<(&str, &str, &str)> {
    let (first, rest) = operation.split_once('#')?;
    let (second, third) = rest.split_once('#')?;
    Some((first.trim(), second.trim(), third.trim()))
}

/// A function whose operation has not the form of its type, which the check of the document reports.
fn malformed(function: &model::Function, form: &str) -> FunctionKind {
    let reason = format!("operation `{}` is not `{form}`", function.operation.value);
    FunctionKind::Unusable { reason }
}
