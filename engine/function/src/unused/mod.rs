//! Reports properties about calls that nothing reads.
//!
//! Owns: the families of properties whose names contain names of documents, security schemes, functions and services. Promises: a key is not
//! reported if one function of one workflow reads it, or if Quarkus knows it and it affects no call. Never: shows a value.

mod clients;
mod functions;
mod known;
mod names;
mod schemes;

use std::collections::BTreeMap;
use std::sync::Arc;

use rondo_definition::settings::is_referred_to;
use rondo_definition::{Code, Diagnostic, Position, Properties, Severity, codes};

use crate::bind::Bindings;
use crate::rest_address::FUNCTIONS;
use crate::settings::{GENERATOR, MICRO_PROFILE, OIDC_CLIENT, REST_CLIENT};
use known::Known;

/// Properties and the workflows that read them.
#[derive(Debug)]
pub struct PropertiesUse<'a> {
    /// The properties.
    pub properties: &'a Properties,
    /// The bindings of these workflows, made with these properties.
    pub bindings: Vec<&'a Bindings>,
    /// Whether these are all workflows that read the properties. If some could not be read, it is unknown which names exist.
    pub is_complete: bool,
}

/// Warns of each property about calls that nothing reads, at its key. If several properties share an entry of a file, it is reported only if none
/// of them reads it.
pub fn unused_properties(uses: &[PropertiesUse<'_>]) -> Vec<Diagnostic> {
    let mut entries: BTreeMap<(Arc<str>, Position), Option<Diagnostic>> = BTreeMap::new();
    for usage in uses {
        let known = Known::of(usage);
        for key in usage.properties.keys_with_prefix("") {
            let Some((file, position)) = usage.properties.position(key) else { continue };
            let unused = examine(&known, key).map(|unused| unused.at(key, &file, position));
            entries
                .entry((file, position))
                .and_modify(|known| {
                    if unused.is_none() {
                        *known = None;
                    }
                })
                .or_insert(unused);
        }
    }
    entries.into_values().flatten().collect()
}

/// A key that nothing reads, and the reason.
struct Unused {
    code: Code,
    /// Follows `nothing reads the property …: `.
    why: String,
    help: Option<String>,
}

impl Unused {
    /// A name does not exist; the help says which names do.
    fn name(why: String, help: Option<String>) -> Self {
        Self { code: codes::UNREAD_PROPERTY, why, help }
    }

    /// This engine does not have a setting of Quarkus.
    fn unsupported(why: &str, help: &str) -> Self {
        let help = (!help.is_empty()).then(|| help.to_owned());
        Self { code: codes::UNSUPPORTED_SETTING, why: why.to_owned(), help }
    }

    fn at(self, key: &str, file: &str, position: Position) -> Diagnostic {
        let message = format!("nothing reads the property `{key}`: {}", self.why);
        let warning = Diagnostic::file(Severity::Warning, self.code, file, message).at_position(position);
        match self.help {
            Some(help) => warning.help(help),
            None => warning,
        }
    }
}

const GRPC_CLIENTS: &str = "quarkus.grpc.clients.";
const SECURITY: &str = "sonataflow.security.auth.";

/// The prefixes of the families. An author who misspells a prefix means one of them.
const FAMILIES: [&str; 6] = [REST_CLIENT, GENERATOR, OIDC_CLIENT, FUNCTIONS, GRPC_CLIENTS, SECURITY];

/// Examines a key; `None` if something reads it, or it makes no difference.
fn examine(known: &Known<'_>, key: &str) -> Option<Unused> {
    // Expressions and other properties may read any property.
    find_in_families(known, key)
        .filter(|_| !known.in_texts.contains(key) && !is_referred_to(known.properties, key))
}

/// Examines a key by the rules of its family.
fn find_in_families(known: &Known<'_>, key: &str) -> Option<Unused> {
    if let Some((client, setting)) = key.split_once(MICRO_PROFILE) {
        return clients::micro_profile(known, key, client, setting);
    }
    if let Some(rest) = key.strip_prefix(REST_CLIENT) {
        return clients::quarkus(known, key, rest);
    }
    if let Some(rest) = key.strip_prefix(GENERATOR) {
        return schemes::generator(known, key, rest);
    }
    if let Some(rest) = key.strip_prefix(OIDC_CLIENT) {
        return schemes::oidc_client(known, rest);
    }
    if let Some(rest) = key.strip_prefix(SECURITY) {
        return schemes::security(known, key, rest);
    }
    if let Some(rest) = key.strip_prefix(FUNCTIONS) {
        return functions::functions(known, rest);
    }
    if let Some(rest) = key.strip_prefix(GRPC_CLIENTS) {
        return functions::services(known, rest);
    }
    misspelt_family(key)
}

/// Finds a key whose prefix is almost that of a family. Two letters may differ, and the case of all: `quarkus.rest-clients.`.
fn misspelt_family(key: &str) -> Option<Unused> {
    const MOST_DIFFERENCES: usize = 2;
    FAMILIES.into_iter().find_map(|family| {
        let name = family.trim_end_matches('.');
        if key == name {
            let why = "a key ends at its first blank, `=` or `:`".to_owned();
            return Some(Unused::name(why, Some(format!("write `{family}<name>.<setting>`"))));
        }
        let parts = name.matches('.').count() + 1;
        let beginning: Vec<&str> = key.splitn(parts + 1, '.').take(parts).collect();
        let beginning = beginning.join(".");
        let rest = key.get(beginning.len()..)?.strip_prefix('.')?;
        let is_near = strsim::osa_distance(&beginning.to_lowercase(), name) <= MOST_DIFFERENCES;
        is_near.then(|| {
            let why = format!("no property begins with `{beginning}.`");
            Unused::name(why, Some(format!("did you mean `{family}{rest}`?")))
        })
    })
}
