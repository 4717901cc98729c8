//! Checks the properties of a folder.
//!
//! Promises: an invalid property of Rondo is an error. An invalid property of `SonataFlow` is an error if Quarkus refuses it too; otherwise it is
//! a warning, because folders that work on SonataFlow may contain invalid properties that no workflow uses.

use std::{fs, path::Path};

use super::{ALL, Kind, OWN_PREFIX, Setting, find_setting, kind, variables};
use crate::{Diagnostic, Properties, PropertyError, Severity, codes, did_you_mean, properties, resources};

/// The problems of all properties. `root` is the folder of workflows.
pub fn check(properties: &Properties, root: &Path) -> Vec<Diagnostic> {
    let mut found = variables::check_variables(properties);
    let fixed = ALL.iter().filter(|setting| !setting.name.contains('<'));
    for setting in fixed {
        found.extend(check_value(properties, root, setting, setting.name));
    }
    for key in properties.keys_with_prefix("") {
        match find_setting(key) {
            Some(setting) if setting.name.contains('<') => {
                found.extend(check_value(properties, root, setting, key));
            }
            None if key.starts_with(OWN_PREFIX) => found.push(unknown_property(properties, key)),
            _ => {}
        }
        if properties.is_unterminated(key) {
            let message = format!("the value of the property `{key}` has a `${{` without closing brace");
            let fault = properties.diagnostic_at(Severity::Warning, codes::UNCLOSED_REFERENCE, key, message);
            found.push(fault.help("write `${NAME}`, or `$${` for the characters themselves"));
        }
    }
    found
}

fn unknown_property(properties: &Properties, key: &str) -> Diagnostic {
    let names = || ALL.iter().filter(|setting| setting.is_own()).map(|setting| setting.name);
    let help = match did_you_mean(key, names()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("there are `{}`", names().collect::<Vec<_>>().join("`, `")),
    };
    let message = format!("there is no property `{key}`");
    let fault = properties.diagnostic_at(Severity::Error, codes::UNKNOWN_SETTING, key, message).help(help);
    match properties.position(key) {
        Some((_, position)) => fault.at_position(position),
        None => fault,
    }
}

/// The problems of the value of a key.
fn check_value(properties: &Properties, root: &Path, setting: &Setting, key: &str) -> Vec<Diagnostic> {
    let severity = severity(setting);
    let report = |message: String| {
        let code = if severity == Severity::Error { codes::SETTING } else { codes::INVALID_FOREIGN_SETTING };
        properties.diagnostic_at(severity, code, key, message)
    };
    let missing =
        |message: String| properties.diagnostic_at(Severity::Error, codes::SETTING_FILE, key, message);
    let value = match properties.resolve(key) {
        Ok(Some(value)) => value,
        Ok(None) => return Vec::new(),
        // `Properties::parse` reports it.
        Err(PropertyError::Cycle { .. }) => return Vec::new(),
        Err(error) if setting.is_own() => return vec![report(error.to_string())],
        // The part of the engine that needs the property reports it.
        Err(_) => return Vec::new(),
    };
    let value = value.trim();
    if value.is_empty() && setting.kind != Kind::Tokens {
        return Vec::new();
    }
    if !setting.kind.allows(value, setting.is_own()) {
        return vec![report(setting.type_error(key).to_string())];
    }
    match setting.kind {
        Kind::Folder if !resources::has_folder(root, value) => {
            vec![missing(format!("`{key}`: there is no folder `{value}` below that of the workflows"))]
        }
        Kind::Files => kind::split_list(value)
            .filter_map(|file| fs::File::open(file).err().map(|error| (file, error)))
            .map(|(file, error)| missing(format!("`{key}`: the file `{file}` cannot be read: {error}")))
            .collect(),
        _ => Vec::new(),
    }
}

fn severity(setting: &Setting) -> Severity {
    match setting.kind {
        Kind::Text | Kind::Secret | Kind::Flag | Kind::Url | Kind::Choice(_) if !setting.is_own() => {
            Severity::Warning
        }
        _ => Severity::Error,
    }
}

/// The text of a properties file with stars instead of secrets, so that its lines can be shown.
pub fn without_secrets(text: &str) -> String {
    let shown = text.lines().map(|line| {
        let (key, at) = properties::key_and_value(line);
        let plain = key.strip_prefix('%').and_then(|profiled| profiled.split_once('.'));
        let setting = find_setting(plain.map_or(key, |(_, key)| key));
        match setting.map(|setting| setting.kind) {
            Some(Kind::Secret | Kind::Tokens) if at < line.len() => {
                format!("{}***", line.get(..at).unwrap_or_default())
            }
            _ => line.to_owned(),
        }
    });
    shown.collect::<Vec<_>>().join("\n")
}
