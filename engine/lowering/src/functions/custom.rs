//! The operations of `type: custom`, which belong to the runtime: those of `SonataFlow`.
//!
//! Owns: the forms `rest:…`, `sysout:…`, `knative:…`, `script:…` and `service:…`. Source: `apache/incubator-kie-kogito-runtimes`, the
//! implementations of `FunctionTypeHandler`.

use rondo_definition::{codes, did_you_mean, model};
use rondo_program::{
    FunctionKind, HttpFunction, HttpMethod, JwtOperation, KnativeFunction, LogLevel, PythonFunction,
};
use serde_json::Value;

use super::Problem;

/// The custom operations that can be called, for the help of a problem.
const KNOWN: &str = "Rondo itself calls `rest:<method>:<path or URL>`, `knative:<service>`, `script:python`, \
    `service:python:<module>::<function>`, `jwt-parser` and `sysout`";

/// The first words of custom operations.
const KINDS: [&str; 6] = ["rest", "sysout", "knative", "script", "service", "jwt-parser"];

/// The kind of a custom function; `None` for one that writes to the log.
pub(super) fn custom_function(function: &model::Function) -> Result<Option<FunctionKind>, Problem> {
    let operation = function.operation.value.trim();
    let (kind, rest) = operation.split_once(':').unwrap_or((operation, ""));
    let malformed = |problem: String, help: &str| {
        let message = format!("has the operation `{operation}`: {problem}");
        Problem::new(codes::CUSTOM_OPERATION, message, help)
    };
    match kind {
        "rest" => {
            let parsed = parse_rest_operation(rest);
            let (method, address) =
                parsed.map_err(|problem| malformed(problem, "write it as `rest:get:/numbers`"))?;
            let fail_on_status = function.metadata.get("failOnStatusCode");
            let fails_on_error_status = !matches!(fail_on_status, Some(Value::Bool(false)))
                && fail_on_status.and_then(Value::as_str) != Some("false");
            Ok(Some(FunctionKind::Http(HttpFunction { method, address, fails_on_error_status })))
        }
        "sysout" if parse_log_level(rest).is_some() => Ok(None),
        "sysout" => Err(Problem::new(
            codes::CUSTOM_OPERATION,
            format!("logs at `{rest}`, which is no level"),
            "the levels are TRACE, DEBUG, INFO, WARN and ERROR",
        )),
        "knative" => {
            let knative = parse_knative_operation(rest).map_err(|problem| {
                malformed(
                    problem,
                    "write it as `knative:services.v1.serving.knative.dev/<namespace>/<name>?path=/<path>`",
                )
            })?;
            Ok(Some(FunctionKind::Knative(knative)))
        }
        "script" if rest.trim().eq_ignore_ascii_case("python") => {
            Ok(Some(FunctionKind::Python(PythonFunction::Script)))
        }
        "service" => service_function(function, rest),
        "jwt-parser" if rest.is_empty() => Ok(Some(FunctionKind::JwtParser(None))),
        "jwt-parser" => match JwtOperation::parse(rest.trim()) {
            Some(known) => Ok(Some(FunctionKind::JwtParser(Some(known)))),
            None => Err(malformed(
                format!("`{rest}` is no operation of `jwt-parser`"),
                "there are `jwt-parser:parse`, `jwt-parser:extractUser` and `jwt-parser:extractClaim`",
            )),
        },
        "script" if rest.trim().is_empty() => {
            let message =
                "runs a script without naming its language, so it is one of Java, and Rondo runs Python only";
            Err(Problem::unsupported(function, message.to_owned()))
        }
        "script" => {
            Err(Problem::unsupported(function, format!("runs a script in `{rest}`, which Rondo cannot do")))
        }
        // A document and one of its operations, which is what the type `rest` has.
        _ if operation.contains('#') => Err(Problem::new(
            codes::FUNCTION_TYPE,
            format!("has the operation `{operation}`, which is none of the type `custom`"),
            "write `type: rest` for an operation of an OpenAPI document",
        )),
        _ => {
            let mut problem = Problem::unsupported(
                function,
                format!("has the custom operation `{operation}`, which Rondo does not know"),
            );
            problem.help = match did_you_mean(kind, KINDS) {
                Some(known) => format!("did you mean `{known}`? Otherwise {}; {KNOWN}", problem.help),
                None => format!("{}; {KNOWN}", problem.help),
            };
            Err(problem)
        }
    }
}

/// `service:<language>:<class>::<method>`; without language it is Java.
fn service_function(function: &model::Function, rest: &str) -> Result<Option<FunctionKind>, Problem> {
    let Some(target) = rest.strip_prefix("python:") else {
        let message = format!("calls a class of Java by `service:{rest}`, and Rondo has no Java");
        return Err(Problem::unsupported(function, message));
    };
    let parts = target.split_once("::").map(|(module, name)| (module.trim(), name.trim()));
    match parts.filter(|(module, name)| is_python_name(module, true) && is_python_name(name, false)) {
        Some((module, name)) => Ok(Some(FunctionKind::Python(PythonFunction::Service {
            module: module.to_owned(),
            function: name.to_owned(),
        }))),
        None => Err(Problem::new(
            codes::CUSTOM_OPERATION,
            format!("has the operation `service:{rest}`, which names no function of a Python module"),
            "write it as `service:python:math::factorial`",
        )),
    }
}

/// Whether a text is a name of Python, or several with dots between.
fn is_python_name(text: &str, may_have_dots: bool) -> bool {
    let is_name = |part: &str| {
        let mut characters = part.chars();
        characters.next().is_some_and(|first| first.is_alphabetic() || first == '_')
            && characters.all(|c| c.is_alphanumeric() || c == '_')
    };
    if may_have_dots { text.split('.').all(is_name) } else { is_name(text) }
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

/// Parses the part of an operation after `knative:`: a service, and `path`, `method` and `asCloudEvent` as a query.
fn parse_knative_operation(operation: &str) -> Result<KnativeFunction, String> {
    let (service, query) = operation.split_once('?').unwrap_or((operation, ""));
    let service = service.trim();
    let names: Vec<&str> = service.split('/').collect();
    let is_service = (1..=3).contains(&names.len()) && names.iter().all(|name| is_resource_name(name));
    if !is_service {
        return Err(format!("`{service}` names no service"));
    }
    let mut function = KnativeFunction {
        service: service.to_owned(),
        path: String::new(),
        method: HttpMethod::Post,
        as_cloud_event: false,
    };
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match name {
            "path" if value.is_empty() || value.starts_with('/') => value.clone_into(&mut function.path),
            "path" => function.path = format!("/{value}"),
            "method" => {
                let method = HttpMethod::parse(value);
                function.method = method
                    .filter(|method| matches!(method, HttpMethod::Get | HttpMethod::Post))
                    .ok_or_else(|| format!("the method `{value}` is neither GET nor POST"))?;
            }
            "asCloudEvent" => function.as_cloud_event = value.eq_ignore_ascii_case("true"),
            other => return Err(format!("`{other}` is none of `path`, `method` and `asCloudEvent`")),
        }
    }
    if function.as_cloud_event && function.method == HttpMethod::Get {
        return Err("a GET has no body, so it cannot send a CloudEvent".to_owned());
    }
    Ok(function)
}

/// Whether a text can be the name of a resource of the cluster, or of its group and version. Such a name becomes a part of a host name.
fn is_resource_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
}

/// The level at which a function logs; `None` for a function of another kind. An unknown level counts as INFO, because
/// [`super::lower_functions`] reports it.
pub(crate) fn log_level(function: &model::Function) -> Option<LogLevel> {
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

    #[test]
    fn a_knative_operation_is_a_service_and_how_it_is_asked() {
        let function = |service: &str, path: &str, method, as_cloud_event| KnativeFunction {
            service: service.to_owned(),
            path: path.to_owned(),
            method,
            as_cloud_event,
        };
        let (get, post) = (HttpMethod::Get, HttpMethod::Post);
        let service = "services.v1.serving.knative.dev/default/greet";
        for (operation, expected) in [
            (service.to_owned(), Ok(function(service, "", post, false))),
            ("s.dev/receiver".to_owned(), Ok(function("s.dev/receiver", "", post, false))),
            (format!("{service}?path=/p/q&method=get"), Ok(function(service, "/p/q", get, false))),
            (format!("{service}?asCloudEvent=true&path=p"), Ok(function(service, "/p", post, true))),
            (format!("{service}?method=PUT"), Err("the method `PUT` is neither GET nor POST")),
            (
                format!("{service}?asCloudEvents=true"),
                Err("`asCloudEvents` is none of `path`, `method` and `asCloudEvent`"),
            ),
            (
                format!("{service}?asCloudEvent=true&method=GET"),
                Err("a GET has no body, so it cannot send a CloudEvent"),
            ),
            ("a/../b".to_owned(), Err("`a/../b` names no service")),
            ("a//b".to_owned(), Err("`a//b` names no service")),
            ("a/b:80".to_owned(), Err("`a/b:80` names no service")),
            (String::new(), Err("`` names no service")),
        ] {
            let parsed = parse_knative_operation(&operation);
            assert_eq!(parsed, expected.map_err(str::to_owned), "{operation}");
        }
    }
}
