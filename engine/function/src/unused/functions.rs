//! Properties of functions, `kogito.sw.functions.<name>.…`, and of gRPC services, `quarkus.grpc.clients.<service>.…`.

use super::known::{Known, split_name, split_setting};
use super::names::{self, INERT_OF_GRPC, READ_OF_GRPC, UNSUPPORTED_OF_GRPC};
use super::{GRPC_CLIENTS, Unused};
use crate::reads::FunctionReadsKind;
use crate::rest_address::FUNCTIONS;
use crate::settings::{REST_CLIENT, URL};

/// Settings of functions.
const ADDRESS: [&str; 3] = ["protocol", "host", "port"];
const CREDENTIALS: [&str; 5] = ["username", "password", "access_token", "api_key", "api_key_prefix"];
const TIMEOUT: &str = "timeout";

/// Examines a key; `rest` follows `kogito.sw.functions.`.
pub(super) fn functions(known: &Known<'_>, rest: &str) -> Option<Unused> {
    if rest == "port" {
        return None;
    }
    let all = || ADDRESS.into_iter().chain(CREDENTIALS).chain([TIMEOUT]);
    let named = split_name(rest, known.functions.keys().copied());
    let named =
        named.or_else(|| split_setting(rest, all()).map(|(name, setting)| (name.to_owned(), setting)));
    let Some((name, setting)) = named else {
        let form = format!("write `{FUNCTIONS}<function>.<setting>`");
        return Some(Unused::name("it names no function".to_owned(), Some(form)));
    };
    let Some(kinds) = known.functions.get(name.as_str()) else {
        let why = format!("no function that calls a service has the name `{name}`");
        let help = match names::nearest(&name, known.functions.keys().copied()) {
            Some(near) => Some(format!("did you mean `{FUNCTIONS}{near}.{setting}`?")),
            None => (!known.functions.is_empty())
                .then(|| format!("there are {}", names::listed(known.functions.keys().copied()))),
        };
        return known.is_complete.then(|| Unused::name(why, help));
    };
    if kinds.iter().any(|kind| reads(kind, setting)) {
        return None;
    }
    let of_document = kinds.iter().find_map(|kind| match kind {
        FunctionReadsKind::OpenApi { key } => Some(key),
        _ => None,
    });
    if let Some(key) = of_document {
        let why = format!("the function `{name}` is called as its document says");
        let url = format!("{REST_CLIENT}{key}.{}", URL.name);
        let help = format!("the settings of its service begin with `{REST_CLIENT}{key}.`, as `{url}` does");
        return Some(Unused::name(why, Some(help)));
    }
    let near = names::nearest(setting, all()).filter(|near| kinds.iter().any(|kind| reads(kind, near)));
    let help = near.map(|near| format!("did you mean `{FUNCTIONS}{name}.{near}`?"));
    Some(Unused::name(format!("the function `{name}` has no setting `{setting}`"), help))
}

fn reads(kind: &FunctionReadsKind, setting: &str) -> bool {
    match kind {
        FunctionReadsKind::Rest => {
            ADDRESS.contains(&setting) || CREDENTIALS.contains(&setting) || setting == TIMEOUT
        }
        FunctionReadsKind::Service => CREDENTIALS.contains(&setting) || setting == TIMEOUT,
        FunctionReadsKind::Timeout => setting == TIMEOUT,
        FunctionReadsKind::OpenApi { .. } | FunctionReadsKind::Nothing => false,
        FunctionReadsKind::Unknown => true,
    }
}

/// Examines a key; `rest` follows `quarkus.grpc.clients.`.
pub(super) fn services(known: &Known<'_>, rest: &str) -> Option<Unused> {
    let all = || READ_OF_GRPC.into_iter().chain(UNSUPPORTED_OF_GRPC.iter().map(|(name, ..)| *name));
    let (name, setting) = match split_name(rest, known.services.iter().copied()) {
        Some((name, setting)) => (name, setting),
        None => split_setting(rest, all()).map(|(name, setting)| (name.to_owned(), setting))?,
    };
    if !known.services.contains(name.as_str()) {
        let why = format!("no function calls a gRPC service `{name}`");
        let help = match names::nearest(&name, known.services.iter().copied()) {
            Some(near) => Some(format!("did you mean `{GRPC_CLIENTS}{near}.{setting}`?")),
            None => (!known.services.is_empty())
                .then(|| format!("there are {}", names::listed(known.services.iter().copied()))),
        };
        return known.is_complete.then(|| Unused::name(why, help));
    }
    if names::is_one_of(setting, READ_OF_GRPC.into_iter().chain(INERT_OF_GRPC)) {
        return None;
    }
    let unsupported = UNSUPPORTED_OF_GRPC.iter().find(|(known, ..)| names::is_named(setting, known));
    if let Some((_, why, help)) = unsupported {
        return Some(Unused::unsupported(why, help));
    }
    let near = names::nearest(setting, READ_OF_GRPC.into_iter().chain(INERT_OF_GRPC));
    let help = near.map(|near| format!("did you mean `{GRPC_CLIENTS}{name}.{near}`?"));
    Some(Unused::name(format!("a gRPC client has no setting `{setting}`"), help))
}
