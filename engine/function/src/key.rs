//! The key of a document's settings in `application.properties`.
//!
//! Source: `apache/incubator-kie-kogito-runtimes`, `WorkflowOperationIdFactory` and its four strategies.

/// `kogito.sw.operationIdStrategy`: where the key of the settings of an `OpenAPI` document comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum KeyStrategy {
    /// The file name, `specs/my-api.yaml` → `my_api_yaml`.
    #[default]
    FileName,
    /// The whole path, → `specs_my_api_yaml`.
    FullUri,
    /// `info.title` of the document.
    SpecTitle,
    /// Workflow id and function name, → `flow_createIssue`.
    FunctionName,
}

impl KeyStrategy {
    /// Reads the property's value; case does not matter.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.trim().to_ascii_uppercase().as_str() {
            "FILE_NAME" => Some(Self::FileName),
            "FULL_URI" => Some(Self::FullUri),
            "SPEC_TITLE" => Some(Self::SpecTitle),
            "FUNCTION_NAME" => Some(Self::FunctionName),
            _ => None,
        }
    }
}

/// The values from which a key can be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyParts<'a> {
    pub(crate) uri: &'a str,
    pub(crate) title: &'a str,
    pub(crate) workflow: &'a str,
    pub(crate) function: &'a str,
}

/// The key by a strategy. Not for an alias of `workflow-uri-definitions`, which is the key itself.
pub(crate) fn client_key(strategy: KeyStrategy, parts: KeyParts<'_>) -> String {
    let path = path_of(parts.uri);
    match strategy {
        KeyStrategy::FileName => mangle(path.rsplit('/').next().unwrap_or(path)),
        KeyStrategy::FullUri => mangle(path.trim_start_matches('/')),
        KeyStrategy::SpecTitle => mangle(parts.title),
        KeyStrategy::FunctionName => format!("{}_{}", mangle(parts.workflow), mangle(parts.function)),
    }
}

/// Replaces characters other than letters and digits by `_`, in keys and in the names of security schemes.
pub(crate) fn mangle(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// The path of a URI or file name, without scheme, host, query and fragment.
fn path_of(uri: &str) -> &str {
    let end = uri.find(['?', '#']).unwrap_or(uri.len());
    let uri = uri.get(..end).unwrap_or(uri);
    match uri.split_once(':') {
        Some((scheme, rest)) if !scheme.contains('/') => match rest.strip_prefix("//") {
            // A file has no host: `file://api.json` means the file of that name.
            Some(rest) if scheme == "file" => rest,
            Some(rest) => rest.split_once('/').map_or("", |(_, path)| path),
            None => rest,
        },
        _ => uri,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_follow_the_strategy() {
        use KeyStrategy::{FileName, FullUri, FunctionName, SpecTitle};
        for (strategy, uri, expected) in [
            (FileName, "specs/my-api.yaml", "my_api_yaml"),
            (FileName, "classpath:/specs/openapi3.0-security.yaml", "openapi3_0_security_yaml"),
            (FileName, "https://host.test/a/b/jira.json?raw=1", "jira_json"),
            (FullUri, "subtraction/spec.yaml", "subtraction_spec_yaml"),
            (FullUri, "file:///specs/a.yaml", "specs_a_yaml"),
            (FileName, "file://api.json", "api_json"),
            (SpecTitle, "specs/a.yaml", "Issue_tracker"),
            (FunctionName, "specs/a.yaml", "fahrenheit_to_celsius_subtract"),
        ] {
            let parts = KeyParts {
                uri,
                title: "Issue tracker",
                workflow: "fahrenheit_to_celsius",
                function: "subtract",
            };
            assert_eq!(client_key(strategy, parts), expected, "{strategy:?} {uri}");
        }
    }
}
