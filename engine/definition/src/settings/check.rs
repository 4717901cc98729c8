//! Checks the properties of a folder's projects.
//!
//! Promises: an invalid property of Rondo is an error. An invalid property of `SonataFlow` is an error if Quarkus refuses it too; otherwise it is
//! a warning, because folders that work on SonataFlow may contain invalid properties that no workflow uses.

use std::{collections::BTreeSet, fs, mem, ops::Range, path::Path};

use super::{ALL, Kind, OWN_PREFIX, Setting, find_setting, is_engine_wide, kind, variables};
use crate::{Diagnostic, Properties, PropertyError, Severity, codes, did_you_mean, properties, resources};

/// The problems of the properties of the root project. `root` is the folder of workflows.
pub fn check(properties: &Properties, root: &Path) -> Vec<Diagnostic> {
    let mut found = variables::check_variables(properties);
    let fixed = ALL.iter().filter(|setting| !setting.name.contains('<'));
    let places = Places { root, project: "" };
    let mut told = BTreeSet::new();
    for setting in fixed {
        found.extend(check_value(properties, places, setting, setting.name));
        if is_engine_wide(setting.name)
            && let Err(PropertyError::Cycle { circle, .. }) = properties.resolve(setting.name)
        {
            told.extend(circle);
        }
    }
    for key in properties.own_keys() {
        if let Some(family) = find_setting(key).filter(|setting| setting.name.contains('<')) {
            found.extend(check_value(properties, places, family, key));
        }
        check_key(properties, key, &mut told, &mut found);
    }
    found
}

/// The problems of the properties that the files of another project set. `root` is the folder of workflows, and `folder` that of the project
/// below it.
pub fn check_project(properties: &Properties, root: &Path, folder: &str) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (key, file, position) in properties.own_engine_wide_keys() {
        let message = format!("the property `{key}` has no effect here: it is about the whole engine");
        let warning = Diagnostic::file(Severity::Warning, codes::ENGINE_WIDE_SETTING, file, message);
        let help = "set it in application.properties of the served folder, or as environment variable";
        found.push(warning.at_position(position).help(help));
    }
    let places = Places { root, project: folder };
    let mut told = BTreeSet::new();
    for key in properties.own_keys() {
        if let Some(setting) = find_setting(key).filter(|_| !is_engine_wide(key)) {
            found.extend(check_value(properties, places, setting, key));
        }
        check_key(properties, key, &mut told, &mut found);
    }
    found
}

/// The problems that a key of a file has whatever it is for. `told`: properties of circles that are reported already, for one problem is
/// told once.
fn check_key(properties: &Properties, key: &str, told: &mut BTreeSet<String>, found: &mut Vec<Diagnostic>) {
    let setting = find_setting(key);
    if setting.is_none() && key.starts_with(OWN_PREFIX) {
        found.push(unknown_property(properties, key));
    }
    if properties.is_unterminated(key) {
        let message = format!("the value of the property `{key}` has a `${{` without closing brace");
        let fault = properties.diagnostic_at(Severity::Warning, codes::UNCLOSED_REFERENCE, key, message);
        found.push(fault.help("write `${NAME}`, or `$${` for the characters themselves"));
    }
    // An engine-wide property is read when the folder is loaded, so `check_value` reports it.
    let is_read_later = setting.is_none() || !is_engine_wide(key);
    if !is_read_later || told.contains(key) {
        return;
    }
    let Err(error) = properties.resolve(key) else { return };
    let PropertyError::Cycle { circle, .. } = &error else { return };
    // A property that only leads to a circle is none of its causes.
    if !circle.is_empty() && !circle.iter().any(|member| member == key) {
        return;
    }
    let message = format!("{error}, so it has no value, and what reads it fails");
    let fault = properties.diagnostic_at(Severity::Warning, codes::UNREADABLE_PROPERTY, key, message);
    let variable = properties::variable_name(key);
    let help =
        format!("only the environment variable `{variable}` gives it a value; a default after `:` does not");
    found.push(fault.help(help));
    told.extend(circle.iter().cloned());
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
fn check_value(properties: &Properties, places: Places, setting: &Setting, key: &str) -> Vec<Diagnostic> {
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
        Err(error @ PropertyError::Cycle { .. }) if is_engine_wide(key) => {
            let message = error.to_string();
            return vec![properties.diagnostic_at(Severity::Error, codes::PROPERTY_CYCLE, key, message)];
        }
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
        Kind::Folder if !places.have_folder(value) => {
            vec![missing(format!("`{key}`: there is no folder `{value}` below that of the workflows"))]
        }
        Kind::Files => kind::split_list(value)
            .filter_map(|file| fs::File::open(file).err().map(|error| (file, error)))
            .map(|(file, error)| missing(format!("`{key}`: the file `{file}` cannot be read: {error}")))
            .collect(),
        _ => Vec::new(),
    }
}

/// Where folders are looked for that properties name.
#[derive(Clone, Copy)]
struct Places<'p> {
    root: &'p Path,
    /// The folder of the project below the root.
    project: &'p str,
}

impl Places<'_> {
    fn have_folder(self, path: &str) -> bool {
        let own = resources::below(self.project, path);
        resources::has_folder(self.root, &own) || resources::has_folder(self.root, path)
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

/// The text of a properties file without the values of secrets, to show lines of it. Line breaks stay where they are.
///
/// Only the values of properties that Rondo reads, and that are no secrets, stay. Any other may be one: its key may be a misspelt one of a
/// secret, and expressions read every property as `$SECRET`.
pub fn without_secrets(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut lines = text_lines(text);
    while let Some((first, end)) = lines.next() {
        let mut entry = vec![(first, end)];
        // An entry goes on in the next line behind a backslash, even its key may.
        let mut whole = first.to_owned();
        let is_comment = first.trim_start().starts_with(['#', '!']);
        while !is_comment
            && goes_on(&whole)
            && let Some((next, end)) = lines.next()
        {
            whole.pop();
            whole.push_str(next.trim_start_matches([' ', '\t', '\x0c']));
            entry.push((next, end));
        }
        let is_secret = !is_comment && may_be_secret(properties::key_and_value(&whole).0);
        for (number, (line, end)) in entry.into_iter().enumerate() {
            match number {
                _ if !is_secret => shown.push_str(line),
                0 => {
                    let (_, at) = properties::key_and_value(line);
                    shown.push_str(line.get(..at).unwrap_or_default());
                    shown.push_str(if at < line.len() { "***" } else { "" });
                }
                _ => shown.push_str("***"),
            }
            shown.push_str(end);
        }
    }
    shown
}

/// The same for a file of which only some ranges of lines, counted from 1, are properties. The other lines stay.
pub(crate) fn without_secrets_in(text: &str, properties: &[Range<usize>]) -> String {
    let is_property = |line: usize| properties.iter().any(|lines| lines.contains(&line));
    let mut shown = String::with_capacity(text.len());
    let mut part = String::new();
    for (index, (line, end)) in text_lines(text).enumerate() {
        if is_property(index + 1) {
            part.push_str(line);
            part.push_str(end);
            continue;
        }
        shown.push_str(&without_secrets(&mem::take(&mut part)));
        shown.push_str(line);
        shown.push_str(end);
    }
    shown.push_str(&without_secrets(&part));
    shown
}

/// The lines of a text, each with its line break.
fn text_lines(mut rest: &str) -> impl Iterator<Item = (&str, &str)> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let at = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let (line, behind) = rest.split_at(at);
        let length = if behind.starts_with("\r\n") { 2 } else { behind.len().min(1) };
        let (end, next) = behind.split_at(length);
        rest = next;
        Some((line, end))
    })
}

/// Whether an entry goes on in the next line: behind an odd number of backslashes.
fn goes_on(line: &str) -> bool {
    (line.len() - line.trim_end_matches('\\').len()) % 2 == 1
}

/// Whether the value of a key, as it is written, may be a secret. Quotes in a key do not count where a property is looked up, so all that
/// the key can be read as has to be known as no secret.
fn may_be_secret(written: &str) -> bool {
    let key = unescaped(written);
    let plain = key.strip_prefix('%').and_then(|profiled| profiled.split_once('.'));
    let key = plain.map_or(key.as_str(), |(_, key)| key);
    !(is_known_as_no_secret(key) && is_known_as_no_secret(&key.replace('"', "")))
}

fn is_known_as_no_secret(key: &str) -> bool {
    let mut settings = ALL.iter().filter(|setting| setting.matches_key(key)).peekable();
    settings.peek().is_some() && settings.all(|setting| !matches!(setting.kind, Kind::Secret | Kind::Tokens))
}

/// A key without its escapes; one that is not valid stays.
fn unescaped(written: &str) -> String {
    let mut key = String::with_capacity(written.len());
    let mut rest = written;
    while let Some((before, escaped)) = rest.split_once('\\') {
        key.push_str(before);
        let code = escaped.strip_prefix('u').and_then(|code| code.get(..4));
        let code = code.and_then(|code| char::from_u32(u32::from_str_radix(code, 16).ok()?));
        rest = match code {
            Some(character) => {
                key.push(character);
                escaped.get(5..).unwrap_or_default()
            }
            None => escaped,
        };
    }
    key.push_str(rest);
    key
}
