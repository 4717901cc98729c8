//! Checks the environment variables that begin with `RONDO_`: each must set a property or be one that the program reads itself.
//!
//! Promises: a misspelt variable is an error, as a misspelt property is, because with `RONDO_AUTH_TOKENS` instead of `RONDO_AUTH_TOKEN`
//! the engine would answer requests without a token.

use super::{ALL, OWN_PREFIX};
use crate::{Diagnostic, Properties, Severity, codes, did_you_mean, properties};

/// Variables that are not properties: options of the command line, the encryption key, failpoints of tests.
pub const PROGRAM_VARIABLES: &[&str] = &[
    "RONDO_FAILPOINTS",
    "RONDO_LISTEN",
    "RONDO_LOG_FORMAT",
    "RONDO_SECRET_KEY",
    "RONDO_STORE",
    "RONDO_TOKEN",
    "RONDO_URL",
    "RONDO_WORKFLOWS",
];

/// Reports variables with the prefix that neither set a property nor are read by the program.
pub(super) fn check_variables(properties: &Properties) -> Vec<Diagnostic> {
    let own = || ALL.iter().filter(|setting| setting.is_own()).map(|setting| setting.name);
    let prefix = properties::variable_name(OWN_PREFIX);
    let mut found = Vec::new();
    for name in properties.variables().filter(|name| properties::variable_name(name).starts_with(&prefix)) {
        let is_known =
            PROGRAM_VARIABLES.contains(&name) || own().any(|key| properties::is_variable_of(name, key));
        if is_known || properties.refers_to(name) || is_set_by_kubernetes(name) {
            continue;
        }
        let candidates: Vec<String> = own()
            .map(properties::variable_name)
            .chain(PROGRAM_VARIABLES.iter().map(|name| (*name).to_owned()))
            .collect();
        let candidates = || candidates.iter().map(String::as_str);
        // A workflow may read the variable as `$SECRET.NAME`, so it is only a warning, unless its name is similar to a known one.
        let (severity, code, help) = if let Some(name) = did_you_mean(name, candidates()) {
            (Severity::Error, codes::MISSPELT_VARIABLE, format!("did you mean `{name}`?"))
        } else {
            let there_are = candidates().collect::<Vec<_>>().join("`, `");
            (Severity::Warning, codes::UNKNOWN_ENVIRONMENT, format!("there are `{there_are}`"))
        };
        let place = format!("environment variable {name}");
        let message = "no property is called so; it is seen as `$SECRET` only";
        found.push(Diagnostic::file(severity, code, &place, message).help(help));
    }
    found
}

/// Whether Kubernetes sets the variable: in a namespace with a service called `rondo` or `rondo-…`, it sets such variables in every pod.
fn is_set_by_kubernetes(name: &str) -> bool {
    if name.ends_with("_SERVICE_HOST") || name.ends_with("_SERVICE_PORT") || name.contains("_SERVICE_PORT_") {
        return true;
    }
    // `RONDO_PORT`, or `RONDO_PORT_8080_TCP`, which may end with `_ADDR`, `_PORT` or `_PROTO`.
    let Some((_, rest)) = name.split_once("_PORT") else { return false };
    let mut words = rest.split('_');
    let is_number = |word: &str| word.parse::<u16>().is_ok();
    match (words.next(), words.next(), words.next()) {
        (Some(""), None, None) => true,
        (Some(""), Some(number), Some("TCP" | "UDP" | "SCTP")) => is_number(number),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_set_by_kubernetes;

    #[test]
    fn variables_of_kubernetes_are_recognized_by_their_form() {
        for (name, expected) in [
            ("RONDO_SERVICE_HOST", true),
            ("RONDO_SERVICE_PORT", true),
            ("RONDO_SERVICE_PORT_HTTP", true),
            ("RONDO_PORT", true),
            ("RONDO_PORT_8080_TCP", true),
            ("RONDO_PORT_8080_TCP_ADDR", true),
            ("RONDO_PORT_8080_TCP_PORT", true),
            ("RONDO_PORT_8080_TCP_PROTO", true),
            ("RONDO_TEST_PORT_53_UDP_PROTO", true),
            ("RONDO_PORT_9_SCTP", true),
            ("RONDO_PORTS", false),
            ("RONDO_PORT_HTTP", false),
            ("RONDO_PORT_8080", false),
            ("RONDO_AUTH_TOKENS", false),
        ] {
            assert_eq!(is_set_by_kubernetes(name), expected, "{name}");
        }
    }
}
