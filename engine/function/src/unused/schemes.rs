//! Properties of security schemes: `quarkus.openapi-generator.<key>.auth.<scheme>.…`, `quarkus.oidc-client.<scheme>.…` and
//! `sonataflow.security.auth.<scheme>.…`.

use std::collections::{BTreeMap, BTreeSet};

use rondo_definition::settings::parse_flag;

use super::known::{Known, KnownDocument, split_name, split_setting};
use super::names::{self, INERT_OF_OIDC, READ_OF_OIDC, UNSUPPORTED_OF_OIDC};
use super::{SECURITY, Unused};
use crate::key::mangle;
use crate::openapi::operation::Scheme;
use crate::settings::{DEFAULT_SCHEME, GENERATOR, OIDC_CLIENT};

/// Settings of a security scheme, by its kind.
const OF_API_KEY: [&str; 2] = ["api-key", "use-authorization-header-value"];
const OF_BASIC: [&str; 4] = ["username", "password", "token-propagation", "header-name"];
const OF_BEARER: [&str; 3] = ["bearer-token", "token-propagation", "header-name"];
const OF_OAUTH2: [&str; 2] = ["token-propagation", "header-name"];

/// Settings of Quarkus' code generator, of which calls read a few.
const CODEGEN: &str = "codegen.";
const CODEGEN_DOCUMENT: &str = "codegen.spec.";
const CONFIG_KEY: &str = ".config-key";

/// Examines a key of the generator; `rest` follows `quarkus.openapi-generator.`.
pub(super) fn generator(known: &Known<'_>, key: &str, rest: &str) -> Option<Unused> {
    if rest.starts_with(CODEGEN) {
        return codegen(known, key, rest);
    }
    let Some((name, scheme)) = rest.split_once(".auth.") else {
        let form = format!("write `{GENERATOR}<key>.auth.<scheme>.<setting>`");
        return Some(Unused::name("it is of no security scheme".to_owned(), Some(form)));
    };
    let name = name.replace('"', "");
    let Some(document) = find_document(known, &name) else {
        let (why, help) = known.unknown_document(&name, |key| format!("{GENERATOR}{key}.auth.{scheme}"));
        return known.is_complete.then(|| Unused::name(why, help));
    };
    let to_key = |rest: &str| format!("{GENERATOR}{name}.auth.{rest}");
    of_scheme(known, key, document, scheme, &to_key)
}

/// The document whose credentials have this name.
fn find_document<'k, 'a>(known: &'k Known<'a>, name: &str) -> Option<(&'a str, &'k KnownDocument<'a>)> {
    let mut documents = known.documents.iter();
    let found = documents.find(|(key, document)| {
        let is_choice = document.has_choice && {
            let choice = name.strip_prefix(**key).and_then(|rest| rest.strip_prefix(&*known.separator));
            choice.is_some_and(|choice| !choice.is_empty())
        };
        **key == name || mangle(key) == name || is_choice
    });
    found.map(|(key, document)| (*key, document))
}

/// Examines the name and a setting of a security scheme of a document.
fn of_scheme(
    known: &Known<'_>,
    key: &str,
    (document_key, document): (&str, &KnownDocument<'_>),
    rest: &str,
    to_key: &dyn Fn(&str) -> String,
) -> Option<Unused> {
    if document.may_have_any_scheme {
        return None;
    }
    let named = split_name(rest, document.defined.iter().copied());
    let all: BTreeSet<&str> = OF_API_KEY.into_iter().chain(OF_BASIC).chain(OF_BEARER).collect();
    let (scheme, setting) = match &named {
        Some((scheme, setting)) => (scheme.as_str(), *setting),
        None => split_setting(rest, all.iter().copied()).unwrap_or((rest, "")),
    };
    if !document.defined.contains(scheme) {
        let why = format!("the document `{document_key}` defines no security scheme `{scheme}`");
        let mangled = mangle(scheme);
        let exact = document.defined.get(mangled.as_str()).copied();
        let near = exact.or_else(|| names::nearest(scheme, document.defined.iter().copied()));
        let help = match near {
            Some(near) => format!("did you mean `{}`?", to_key(&format!("{near}.{setting}"))),
            None if document.defined.is_empty() => "it defines none".to_owned(),
            None => format!("it defines {}", names::listed(document.defined.iter().copied())),
        };
        return Some(Unused::name(why, Some(help)));
    }
    let Some(kind) = document.used.get(scheme) else {
        let is_known = is_setting_of_any(setting);
        let why = if is_known {
            format!("no call of the document `{document_key}` uses the security scheme `{scheme}`")
        } else {
            format!("a security scheme has no setting `{setting}`")
        };
        let help = is_known.then(|| {
            format!("the operation must ask for it; with `{DEFAULT_SCHEME}={scheme}` those do whose document asks for none")
        });
        return known.is_complete.then(|| Unused::name(why, help));
    };
    let (word, settings): (&str, &[&str]) = match kind {
        Scheme::ApiKey { .. } => ("apiKey", &OF_API_KEY),
        Scheme::Basic => ("http basic", &OF_BASIC),
        Scheme::Bearer => ("http bearer", &OF_BEARER),
        Scheme::OAuth2 { .. } => ("oauth2", &OF_OAUTH2),
        Scheme::OpenId { .. } => ("openIdConnect", &OF_OAUTH2),
    };
    if settings.contains(&setting) {
        return None;
    }
    if matches!(kind, Scheme::ApiKey { .. }) && OF_OAUTH2.contains(&setting) {
        // The header's name alone, or propagation that is switched off, has no effect.
        let is_on = setting == "token-propagation" && is_on(known, key);
        let help = format!("set `{}`", to_key(&format!("{scheme}.api-key")));
        return is_on.then(|| Unused::unsupported("no token is propagated to an API key", &help));
    }
    let why = format!("the scheme `{scheme}` is of the type {word} and has no setting `{setting}`");
    let help = match names::nearest(setting, settings.iter().copied()) {
        Some(near) => format!("did you mean `{}`?", to_key(&format!("{scheme}.{near}"))),
        None if matches!(kind, Scheme::OAuth2 { .. } | Scheme::OpenId { .. }) => {
            format!("set `{OIDC_CLIENT}{scheme}.client-id` and its neighbours")
        }
        None => format!("it has {}", names::listed(settings.iter().copied())),
    };
    Some(Unused::name(why, Some(help)))
}

fn is_on(known: &Known<'_>, key: &str) -> bool {
    known.properties.get(key).is_some_and(|value| parse_flag(&value) == Some(true))
}

fn is_setting_of_any(setting: &str) -> bool {
    OF_API_KEY.contains(&setting) || OF_BASIC.contains(&setting) || OF_BEARER.contains(&setting)
}

/// Examines settings of the code generator. Only the default scheme and the names of clients matter to calls.
fn codegen(known: &Known<'_>, key: &str, rest: &str) -> Option<Unused> {
    if !known.is_complete {
        return None;
    }
    if key == DEFAULT_SCHEME {
        let scheme = mangle(known.properties.get(key)?.trim());
        let mut documents = known.documents.values();
        let is_defined = documents.clone().any(|document| document.defined.contains(scheme.as_str()));
        if scheme.is_empty() || is_defined || documents.any(|document| document.may_have_any_scheme) {
            return None;
        }
        let all = || known.documents.values().flat_map(|document| document.defined.iter().copied());
        let help = match names::nearest(&scheme, all()) {
            Some(near) => Some(format!("did you mean `{near}`?")),
            None => all().next().is_some().then(|| format!("there are {}", names::listed(all()))),
        };
        let why = format!("no document that a function calls defines the security scheme `{scheme}`");
        return Some(Unused::name(why, help));
    }
    let name = rest.strip_prefix(CODEGEN_DOCUMENT)?.strip_suffix(CONFIG_KEY)?.replace('"', "");
    if known.documents.contains_key(name.as_str()) {
        return None;
    }
    let (why, help) =
        known.unknown_document(&name, |key| format!("{GENERATOR}{CODEGEN_DOCUMENT}{key}{CONFIG_KEY}"));
    Some(Unused::name(why, help))
}

/// Examines a key; `rest` follows `quarkus.oidc-client.`.
pub(super) fn oidc_client(known: &Known<'_>, rest: &str) -> Option<Unused> {
    let schemes = token_schemes(known);
    let named = split_name(rest, schemes.keys().copied());
    if let Some((scheme, setting)) = &named
        && let Some(fetches) = schemes.get(scheme.as_str())
    {
        if !fetches {
            let why = format!(
                "the scheme `{scheme}` is not of the type oauth2 or openIdConnect, so it has no client"
            );
            return Some(Unused::name(why, None));
        }
        return of_oidc_client(setting, &|setting| format!("{OIDC_CLIENT}{scheme}.{setting}"));
    }
    if !known.is_complete || known.documents.values().any(|document| document.may_have_any_scheme) {
        return None;
    }
    let clients = || schemes.iter().filter(|(_, fetches)| **fetches).map(|(name, _)| *name);
    if named.is_none() {
        if rest == "enabled" || rest.starts_with("devservices.") || names::is_one_of(rest, INERT_OF_OIDC) {
            return None;
        }
        let unsupported = UNSUPPORTED_OF_OIDC.iter().map(|(name, ..)| *name);
        if names::is_one_of(rest, READ_OF_OIDC.into_iter().chain(unsupported)) {
            let why = "it is of the client without a name, which no security scheme has".to_owned();
            let scheme = clients().next().unwrap_or("<scheme>");
            return Some(Unused::name(why, Some(format!("write `{OIDC_CLIENT}{scheme}.{rest}`"))));
        }
    }
    let (name, setting) = match &named {
        Some((name, setting)) => (name.as_str(), *setting),
        None => split_setting(rest, READ_OF_OIDC).unwrap_or((rest, "")),
    };
    let why = format!("no operation that a function calls asks for a security scheme `{name}`");
    let mangled = mangle(name);
    let near = clients().find(|known| *known == mangled).or_else(|| names::nearest(name, clients()));
    let help = match near {
        Some(near) => Some(format!("did you mean `{OIDC_CLIENT}{near}.{setting}`?")),
        None => clients().next().is_some().then(|| format!("there are {}", names::listed(clients()))),
    };
    Some(Unused::name(why, help))
}

/// The security schemes that operations require, and whether each gets a token from an endpoint.
fn token_schemes<'a>(known: &Known<'a>) -> BTreeMap<&'a str, bool> {
    let mut schemes: BTreeMap<&str, bool> = BTreeMap::new();
    for (name, scheme) in known.documents.values().flat_map(|document| &document.used) {
        *schemes.entry(*name).or_default() |= matches!(scheme, Scheme::OAuth2 { .. } | Scheme::OpenId { .. });
    }
    schemes
}

fn of_oidc_client(setting: &str, to_key: &dyn Fn(&str) -> String) -> Option<Unused> {
    if names::is_one_of(setting, READ_OF_OIDC.into_iter().chain(INERT_OF_OIDC)) {
        return None;
    }
    let unsupported = UNSUPPORTED_OF_OIDC.iter().find(|(known, ..)| names::is_named(setting, known));
    if let Some((_, why, help)) = unsupported {
        return Some(Unused::unsupported(why, help));
    }
    let near = names::nearest(setting, READ_OF_OIDC.into_iter().chain(INERT_OF_OIDC));
    let help = near.map(|near| format!("did you mean `{}`?", to_key(near)));
    Some(Unused::name(format!("an OpenID Connect client has no setting `{setting}`"), help))
}

/// Examines a key of token exchange; `rest` follows `sonataflow.security.auth.`.
pub(super) fn security(known: &Known<'_>, key: &str, rest: &str) -> Option<Unused> {
    const EXCHANGE: &str = ".token-exchange.";
    let Some((scheme, setting)) = rest.split_once(EXCHANGE) else {
        if rest.starts_with("token-exchange.") {
            return None;
        }
        let form = format!("write `{SECURITY}<scheme>{EXCHANGE}<setting>`");
        return Some(Unused::name("it is none of the exchange of tokens".to_owned(), Some(form)));
    };
    // Other settings of an exchange that is not switched on have no effect.
    let is_on = setting == "enabled" && is_on(known, key);
    let why =
        format!("Rondo exchanges no tokens, so the scheme `{scheme}` gets none for that of a start request");
    is_on.then(|| Unused::unsupported(&why, "let the start request carry a token that the service accepts"))
}
