//! Properties of the REST clients of documents: `quarkus.rest-client.<key>.…` and `<key>/mp-rest/…`.

use super::Unused;
use super::known::{Known, split_name, split_setting};
use super::names::{self, INERT_OF_CLIENTS, UNSUPPORTED_OF_CLIENTS};
use crate::settings::{CLIENT_SETTINGS, MICRO_PROFILE, REST_CLIENT, camel_case, generated_package};

/// Examines a key of Quarkus; `rest` follows `quarkus.rest-client.`.
pub(super) fn quarkus(known: &Known<'_>, key: &str, rest: &str) -> Option<Unused> {
    let all = all_settings();
    // The value of a `configKey` follows the name of a client, so the name of a shorter client may fit too.
    if let Some((name, setting)) = split_setting(rest, all.iter().copied())
        && all.contains(&setting)
        && known.is_choice(name, |_, document| document.client.to_owned())
    {
        return of_client(known, key, setting, &|setting| format!("{REST_CLIENT}{name}.{setting}"));
    }
    let named = split_name(rest, known.documents.values().map(|document| document.client));
    if let Some((name, setting)) = &named
        && is_client(known, name)
    {
        return of_client(known, key, setting, &|setting| format!("{REST_CLIENT}{name}.{setting}"));
    }
    if named.is_none() && (!rest.contains('.') || is_of_all_clients(rest)) {
        return of_all_clients(known, key, rest);
    }
    let (name, setting) = if let Some((name, setting)) = named {
        (name, setting.to_owned())
    } else {
        let (name, setting) = split_setting(rest, all)?;
        (name.to_owned(), setting.to_owned())
    };
    unknown_client(known, &name, &|client| format!("{REST_CLIENT}{client}.{setting}"))
}

/// Examines a key of `MicroProfile`; `client` and `setting` are the parts before and after `/mp-rest/`.
pub(super) fn micro_profile(known: &Known<'_>, key: &str, client: &str, setting: &str) -> Option<Unused> {
    let client = client.trim_matches('"');
    if is_client(known, client) {
        // Some settings without effect have names such as `connectionTTL`.
        let is_inert = |name: &&str| name.replace('-', "").eq_ignore_ascii_case(setting);
        let name = all_settings().into_iter().find(|name| camel_case(name) == setting);
        let name = name.or_else(|| INERT_OF_CLIENTS.into_iter().find(is_inert));
        let setting = name.unwrap_or(setting);
        if name.is_none() && setting.contains('-') {
            let near = names::nearest(&camel_case(setting), CLIENT_SETTINGS.iter().map(|known| known.name));
            let help =
                near.map(|near| format!("did you mean `{client}{MICRO_PROFILE}{}`?", camel_case(near)));
            return Some(Unused::name(format!("MicroProfile has no setting `{setting}`"), help));
        }
        let to_key = |name: &str| format!("{client}{MICRO_PROFILE}{}", camel_case(name));
        return of_client(known, key, setting, &to_key);
    }
    unknown_client(known, client, &|client| format!("{client}{MICRO_PROFILE}{setting}"))
}

/// Whether calls read the settings of a client of this name.
fn is_client(known: &Known<'_>, name: &str) -> bool {
    known.documents.values().any(|document| document.client == name)
        || known.documents.keys().any(|key| name.starts_with(&generated_package(key)))
        || known.is_choice(name, |_, document| document.client.to_owned())
}

fn unknown_client(known: &Known<'_>, name: &str, to_key: &dyn Fn(&str) -> String) -> Option<Unused> {
    if !known.is_complete {
        return None;
    }
    if let Some(document) = known.documents.get(name) {
        let why = format!("the client of the document `{name}` is called `{}`", document.client);
        return Some(Unused::name(why, Some(format!("write `{}`", to_key(document.client)))));
    }
    let client_of =
        |key: &str| known.documents.get(key).map_or(key.to_owned(), |known| known.client.to_owned());
    let (why, help) = known.unknown_document(name, |key| to_key(&client_of(key)));
    Some(Unused::name(why, help))
}

fn all_settings() -> Vec<&'static str> {
    let read = CLIENT_SETTINGS.iter().map(|setting| setting.name);
    let unsupported = UNSUPPORTED_OF_CLIENTS.iter().map(|(name, ..)| *name);
    read.chain(unsupported).chain(INERT_OF_CLIENTS).filter(|name| !name.ends_with(['.', '/'])).collect()
}

/// Whether the key is one for all clients although it contains a dot: `logging.scope`, `headers.x`.
fn is_of_all_clients(rest: &str) -> bool {
    let unsupported = UNSUPPORTED_OF_CLIENTS.iter().map(|(name, ..)| *name);
    let mut beginnings = unsupported.chain(INERT_OF_CLIENTS).filter(|name| name.ends_with('.'));
    beginnings.any(|beginning| rest.starts_with(beginning))
}

/// Examines a setting for all clients.
fn of_all_clients(known: &Known<'_>, key: &str, name: &str) -> Option<Unused> {
    let global = || CLIENT_SETTINGS.iter().filter(|setting| setting.is_global).map(|setting| setting.name);
    if global().any(|known| known == name) {
        return None;
    }
    if is_known_to_quarkus(name) {
        return unsupported(known, key, name);
    }
    let why = format!("`{name}` is no setting of all clients");
    let near = names::nearest(name, global());
    let help = match near {
        Some(near) => format!("did you mean `{REST_CLIENT}{near}`?"),
        None => format!("write `{REST_CLIENT}<key>.{name}` with the key of a document"),
    };
    Some(Unused::name(why, Some(help)))
}

/// Examines a setting of one client; `to_key` makes the key of another setting.
fn of_client(known: &Known<'_>, key: &str, name: &str, to_key: &dyn Fn(&str) -> String) -> Option<Unused> {
    if CLIENT_SETTINGS.iter().any(|setting| setting.name == name) {
        return None;
    }
    if is_known_to_quarkus(name) {
        return unsupported(known, key, name);
    }
    let near = names::nearest(name, all_settings());
    let help = near.map(|near| format!("did you mean `{}`?", to_key(near)));
    Some(Unused::name(format!("a client has no setting `{name}`"), help))
}

fn is_known_to_quarkus(name: &str) -> bool {
    let unsupported = UNSUPPORTED_OF_CLIENTS.iter().map(|(name, ..)| *name);
    names::is_one_of(name, unsupported.chain(INERT_OF_CLIENTS))
}

/// The warning about a setting that only Quarkus has; `None` if it makes no difference, or has the value that Rondo implements.
fn unsupported(known: &Known<'_>, key: &str, name: &str) -> Option<Unused> {
    let (setting, why, help) =
        UNSUPPORTED_OF_CLIENTS.iter().find(|(known, ..)| names::is_named(name, known))?;
    let value = known.properties.get(key).unwrap_or_default();
    let is_default = match *setting {
        "verify-host" => value.trim() == "true",
        _ => matches!(value.trim(), "" | "none"),
    };
    (!is_default).then(|| Unused::unsupported(why, help))
}
