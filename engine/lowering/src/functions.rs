//! Lowers the functions of a 0.8 document to declarations.
//!
//! Owns: the meaning of `type` and `operation` of a function, with the custom operations of `SonataFlow` (`rest:…`, `sysout:…`), and of its
//! `auth` definition. Promises: a problem that makes every call of a function fail is an error at the function's operation, if it
//! can be found without reading another file.

use rondo_definition::{
    Code, Diagnostic, Document, codes,
    model::{self, Workflow},
};
use rondo_program::{
    Authentication, AuthenticationScheme, Credential, Declarations, Function, FunctionKind, HttpFunction,
    HttpMethod, LogLevel, OpenApiFunction,
};
use serde_json::Value;

/// Help for a function of a type that cannot be called: the types that can.
const CALLABLE_TYPES: &str = "an OpenAPI document, `custom` with `rest:<method>:<path or URL>` or `sysout`, and `expression` can be used";

/// The declarations of a document.
///
/// They are returned even if there are errors. A function with an error is [`FunctionKind::Unusable`], or is not declared if no call
/// instruction is lowered for it.
pub(crate) fn lower_functions(document: &Document) -> (Declarations, Vec<Diagnostic>) {
    let workflow = &document.workflow;
    let mut declarations = Declarations::default();
    let mut diagnostics = Vec::new();
    for function in workflow.functions.values() {
        let kind = match function_kind(workflow, function) {
            Ok(Some(kind)) => kind,
            Ok(None) => continue,
            Err(Problem { code, message, help }) => {
                let reason = format!("function `{}` {message}", function.name);
                let error = Diagnostic::error(code, &document.source, &function.operation.at, reason.clone());
                diagnostics.push(error.help(help));
                FunctionKind::Unusable { reason }
            }
        };
        let (name, at) = (function.name.clone(), function.operation.at.clone());
        declarations.functions.push(Function { name, kind, at });
    }
    (declarations, diagnostics)
}

/// Why a function cannot be called.
#[derive(Debug)]
struct Problem {
    code: Code,
    /// The sentence after the name of the function.
    message: String,
    help: &'static str,
}

impl Problem {
    fn unsupported(message: String) -> Self {
        Self { code: codes::FUNCTION_TYPE, message, help: CALLABLE_TYPES }
    }
}

/// The kind of a function; `None` for a function that becomes an instruction of the program.
fn function_kind(workflow: &Workflow, function: &model::Function) -> Result<Option<FunctionKind>, Problem> {
    let name = match function.kind {
        model::FunctionKind::Rest => return open_api_function(workflow, function).map(Some),
        model::FunctionKind::Custom => return custom_function(function),
        model::FunctionKind::Expression => return Ok(None),
        model::FunctionKind::AsyncApi => "asyncapi",
        model::FunctionKind::Rpc => "rpc",
        model::FunctionKind::GraphQl => "graphql",
        model::FunctionKind::OData => "odata",
    };
    let operation = &function.operation.value;
    Err(Problem::unsupported(format!("is of the type `{name}`, which Rondo cannot call: `{operation}`")))
}

fn custom_function(function: &model::Function) -> Result<Option<FunctionKind>, Problem> {
    let operation = function.operation.value.trim();
    let (kind, rest) = operation.split_once(':').unwrap_or((operation, ""));
    match kind {
        "rest" => {
            let parsed = parse_rest_operation(rest).map_err(|problem| Problem {
                code: codes::CUSTOM_OPERATION,
                message: format!("has the operation `{operation}`: {problem}"),
                help: "write it as `rest:get:/numbers`",
            });
            let (method, address) = parsed?;
            let fail_on_status = function.metadata.get("failOnStatusCode");
            let fails_on_error_status = !matches!(fail_on_status, Some(Value::Bool(false)))
                && fail_on_status.and_then(Value::as_str) != Some("false");
            Ok(Some(FunctionKind::Http(HttpFunction { method, address, fails_on_error_status })))
        }
        "sysout" if parse_log_level(rest).is_some() => Ok(None),
        "sysout" => Err(Problem {
            code: codes::CUSTOM_OPERATION,
            message: format!("logs at `{rest}`, which is no level"),
            help: "the levels are TRACE, DEBUG, INFO, WARN and ERROR",
        }),
        "knative" | "script" | "service" => {
            Err(Problem::unsupported(format!("calls `{operation}`, which Rondo cannot do")))
        }
        _ => Err(Problem::unsupported(format!(
            "has the custom operation `{operation}`, which Rondo does not know"
        ))),
    }
}

/// Parses the part of an operation after `rest:` to method and path or URL.
fn parse_rest_operation(operation: &str) -> Result<(HttpMethod, String), String> {
    let (name, address) = operation
        .split_once(':')
        .map(|(name, address)| (name.trim(), address.trim()))
        .filter(|(_, address)| !address.is_empty())
        .ok_or("must be `rest:<method>:<path or URL>`, such as `rest:get:/numbers`")?;
    let Some(method) = HttpMethod::parse(name) else {
        let methods = HttpMethod::ALL.map(|method| method.as_str().to_ascii_lowercase());
        return Err(format!("`{name}` is none of the methods {}", methods.join(", ")));
    };
    Ok((method, address.to_owned()))
}

/// The level at which a function logs; `None` for a function of another kind. An unknown level counts as INFO, because [`lower_functions`]
/// reports it.
pub(super) fn log_level(function: &model::Function) -> Option<LogLevel> {
    let operation = function.operation.value.trim();
    let (kind, rest) = operation.split_once(':').unwrap_or((operation, ""));
    let logs = function.kind == model::FunctionKind::Custom && kind == "sysout";
    logs.then(|| parse_log_level(rest).unwrap_or(LogLevel::Info))
}

/// Parses the part of an operation after `sysout:`. An empty text is INFO.
fn parse_log_level(text: &str) -> Option<LogLevel> {
    match text.trim().to_ascii_uppercase().as_str() {
        "" | "INFO" => Some(LogLevel::Info),
        "TRACE" => Some(LogLevel::Trace),
        "DEBUG" => Some(LogLevel::Debug),
        "WARN" | "WARNING" => Some(LogLevel::Warn),
        "ERROR" => Some(LogLevel::Error),
        _ => None,
    }
}

fn open_api_function(workflow: &Workflow, function: &model::Function) -> Result<FunctionKind, Problem> {
    let operation = function.operation.value.as_str();
    let Some((document, operation_id)) = operation.split_once('#') else {
        // The check of the document reports the missing `#`.
        let reason = format!("operation `{operation}` is not `<document>#<operationId>`");
        return Ok(FunctionKind::Unusable { reason });
    };
    let document = document.trim();
    let uri = workflow.uri_definitions.get(document);
    Ok(FunctionKind::OpenApi(OpenApiFunction {
        document: uri.map_or(document, String::as_str).to_owned(),
        alias: uri.map(|_| document.to_owned()),
        operation: operation_id.trim().to_owned(),
        has_config_key: function.metadata.get("configKey").is_some_and(Value::is_string),
        document_authentication: authentication(workflow, function)?,
    }))
}

/// The `auth` definition of a function's `authRef` (spec-0.8, "Auth Definition").
fn authentication(
    workflow: &Workflow,
    function: &model::Function,
) -> Result<Option<Authentication>, Problem> {
    let Some(reference) = &function.auth_ref else { return Ok(None) };
    let name = &reference.value;
    let has_name = |auth: &Value| auth.get("name").and_then(Value::as_str) == Some(name);
    // The check of the document reports a missing definition.
    let Some(auth) = workflow.auth.iter().find(|auth| has_name(&auth.value)) else { return Ok(None) };
    match authentication_scheme(&auth.value) {
        Ok(scheme) => Ok(Some(Authentication { name: name.clone(), scheme })),
        Err(problem) => Err(Problem {
            code: codes::INVALID_AUTH,
            message: format!("has the auth `{name}`, which {problem}"),
            help: "basic and bearer can be used",
        }),
    }
}

/// The scheme of an `auth` definition. No error message contains a credential.
fn authentication_scheme(auth: &Value) -> Result<AuthenticationScheme, String> {
    let property = |name: &str| {
        let value = auth.get("properties").and_then(|properties| properties.get(name));
        let text = value.and_then(Value::as_str).ok_or_else(|| format!("has no property `{name}`"))?;
        parse_credential(text)
    };
    match auth.get("scheme").and_then(Value::as_str).unwrap_or("basic") {
        "basic" => Ok(AuthenticationScheme::Basic {
            username: property("username")?,
            password: property("password")?,
        }),
        "bearer" => Ok(AuthenticationScheme::Bearer { token: property("token")? }),
        other => Err(format!("is of the scheme `{other}`; basic and bearer can be used to fetch a document")),
    }
}

/// Parses a credential: `${ $SECRETS.NAME }` names a secret, any other text is the credential itself.
fn parse_credential(text: &str) -> Result<Credential, String> {
    let Some(expression) = text.trim().strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else {
        return Ok(Credential::Text(text.to_owned()));
    };
    let expression = expression.trim();
    let name = expression.strip_prefix("$SECRETS.").or_else(|| expression.strip_prefix("$SECRET."));
    match name {
        Some(name) => Ok(Credential::Secret(name.to_owned())),
        None => Err(format!("has the expression `{expression}`; only `$SECRETS.<name>` can be used there")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    #[test]
    fn a_rest_operation_needs_a_method_and_an_address() {
        for (operation, expected) in [
            ("get", "must be `rest:<method>:<path or URL>`, such as `rest:get:/numbers`"),
            ("get:", "must be `rest:<method>:<path or URL>`, such as `rest:get:/numbers`"),
            ("fetch:/a", "`fetch` is none of the methods get, post, put, delete, patch, head, options"),
        ] {
            assert_eq!(parse_rest_operation(operation).unwrap_err(), expected);
        }
        let expected = (HttpMethod::Get, "https://h.test/{a}".to_owned());
        assert_eq!(parse_rest_operation(" Get: https://h.test/{a}").unwrap(), expected);
    }
}
