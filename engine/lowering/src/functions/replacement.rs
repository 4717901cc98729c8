//! Replaces the operations of functions by those that properties name.
//!
//! Owns: `rondo.functions.<name>.replacement`. A workflow that calls Java code, or another thing that this engine does not have, runs
//! unchanged when a service answers for it. Never: changes the text of a document or its revision.

use rondo_definition::{
    Diagnostic, Document, Project, Properties, codes, did_you_mean,
    model::{self, FunctionKind},
};

use super::property_part;

/// The types that the text of an operation does not show. A replacement begins with one of them and a colon.
const TYPES: [(&str, FunctionKind); 5] = [
    ("asyncapi", FunctionKind::AsyncApi),
    ("rpc", FunctionKind::Rpc),
    ("graphql", FunctionKind::GraphQl),
    ("odata", FunctionKind::OData),
    ("expression", FunctionKind::Expression),
];

/// The beginnings of the properties and their end.
const PREFIX: &str = "rondo.functions.";
const SUFFIX: &str = ".replacement";

/// Gives the functions of a document the operations that `rondo.functions.<name>.replacement` names. Call it before [`crate::lower`]; the
/// workflow then is lowered as if its author had written those.
///
/// The problems are values that have no form of an operation, or cannot be read.
pub fn replace_functions(document: &mut Document, properties: &Properties) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let source = &document.source;
    for function in document.workflow.functions.values_mut() {
        let key = format!("{PREFIX}{}{SUFFIX}", property_part(&function.name));
        let problem = match properties.resolve(&key) {
            Ok(None) => continue,
            Ok(Some(text)) => match parse_replacement(text.trim()) {
                Ok((kind, operation)) => {
                    replace(function, kind, operation);
                    continue;
                }
                Err(problem) => format!("the property `{key}` {problem}"),
            },
            Err(error) => error.to_string(),
        };
        let message = format!("function `{}` is not replaced: {problem}", function.name);
        let error = Diagnostic::error(codes::CUSTOM_OPERATION, source, &function.operation.at, message);
        diagnostics.push(
            error.help("write it as `rest:post:https://service.example/path` or `specs/api.yaml#operation`"),
        );
    }
    diagnostics
}

/// Warns of replacements in the files of a project for functions that none of its workflows has: a misspelt name would leave the function
/// as it is. `documents` are those of the folder; a replacement of the root project may be for any of them.
pub fn unused_replacements(documents: &[Document], project: &Project) -> Vec<Diagnostic> {
    let properties = &project.properties;
    let names: Vec<&str> = documents
        .iter()
        .filter(|document| project.is_root() || document.project.folder == project.folder)
        .flat_map(|document| document.workflow.functions.keys().map(String::as_str))
        .collect();
    let keys = properties.own_keys().filter(|key| key.starts_with(PREFIX) && key.ends_with(SUFFIX));
    let unused = keys.filter_map(|key| {
        let name = key.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.trim_matches('"');
        (!names.contains(&name)).then_some((key, name))
    });
    unused
        .map(|(key, name)| {
            let message = format!("no workflow has a function `{name}`, which is to be replaced");
            let severity = rondo_definition::Severity::Warning;
            let warning = properties.diagnostic_at(severity, codes::UNUSED_PROPERTY, key, message);
            match did_you_mean(name, names.iter().copied()) {
                Some(known) => warning.help(format!("did you mean `{known}`?")),
                None => warning,
            }
        })
        .collect()
}

fn replace(function: &mut model::Function, kind: FunctionKind, operation: &str) {
    function.kind = kind;
    operation.clone_into(&mut function.operation.value);
}

/// The type and the operation that a text means.
fn parse_replacement(text: &str) -> Result<(FunctionKind, &str), &'static str> {
    if text.is_empty() {
        return Err("is empty");
    }
    for (name, kind) in TYPES {
        if let Some(operation) = text.strip_prefix(name).and_then(|rest| rest.strip_prefix(':')) {
            let marks = match kind {
                FunctionKind::Rpc | FunctionKind::GraphQl => 2,
                FunctionKind::Expression => return Ok((kind, operation.trim())),
                _ => 1,
            };
            let has_form = operation.matches('#').count() == marks;
            return if has_form {
                Ok((kind, operation.trim()))
            } else {
                Err("has not the parts of its type")
            };
        }
    }
    let is_custom = ["rest:", "knative:", "script:", "service:", "jwt-parser", "sysout"]
        .iter()
        .any(|beginning| text.starts_with(beginning));
    match text.matches('#').count() {
        _ if is_custom => Ok((FunctionKind::Custom, text)),
        1 => Ok((FunctionKind::Rest, text)),
        2 if text.contains("#query#") || text.contains("#mutation#") => Ok((FunctionKind::GraphQl, text)),
        2 => Ok((FunctionKind::Rpc, text)),
        _ => Err("is no operation"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_of_a_replacement_follows_from_its_form() {
        for (text, expected) in [
            ("rest:post:https://h.test/a#b", Ok((FunctionKind::Custom, "rest:post:https://h.test/a#b"))),
            ("service:python:m::f", Ok((FunctionKind::Custom, "service:python:m::f"))),
            ("specs/a.yaml#op", Ok((FunctionKind::Rest, "specs/a.yaml#op"))),
            ("a.proto#S#M", Ok((FunctionKind::Rpc, "a.proto#S#M"))),
            ("rpc:a.proto#S#M", Ok((FunctionKind::Rpc, "a.proto#S#M"))),
            ("https://h.test/q#query#pet", Ok((FunctionKind::GraphQl, "https://h.test/q#query#pet"))),
            ("odata:https://h.test#Pets", Ok((FunctionKind::OData, "https://h.test#Pets"))),
            ("asyncapi:a.yaml#op", Ok((FunctionKind::AsyncApi, "a.yaml#op"))),
            ("expression: {a: .b}", Ok((FunctionKind::Expression, "{a: .b}"))),
            ("asyncapi:a.yaml", Err("has not the parts of its type")),
            ("https://h.test/a", Err("is no operation")),
            ("", Err("is empty")),
        ] {
            assert_eq!(parse_replacement(text), expected, "{text}");
        }
    }
}
