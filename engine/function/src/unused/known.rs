//! Collects the names of settings that the functions of some workflows read.

use std::collections::{BTreeMap, BTreeSet};

use rondo_definition::Properties;

use super::PropertiesUse;
use crate::openapi::operation::Scheme;
use crate::reads::FunctionReadsKind;
use crate::settings::choice_separator;

/// The settings that functions read, by name.
pub(super) struct Known<'a> {
    pub(super) properties: &'a Properties,
    /// Whether every existing name is listed here.
    pub(super) is_complete: bool,
    /// Documents by key.
    pub(super) documents: BTreeMap<&'a str, KnownDocument<'a>>,
    /// Functions by name; functions of one name may differ between workflows.
    pub(super) functions: BTreeMap<&'a str, Vec<&'a FunctionReadsKind>>,
    pub(super) services: BTreeSet<&'a str>,
    /// Properties that the texts of workflows name.
    pub(super) in_texts: BTreeSet<&'a str>,
    /// The separator between the name of a client and the value of a `configKey`.
    pub(super) separator: String,
}

/// All documents of one key.
#[derive(Default)]
pub(super) struct KnownDocument<'a> {
    pub(super) client: &'a str,
    pub(super) other_keys: BTreeSet<&'a str>,
    pub(super) has_choice: bool,
    /// Whether one of them cannot be read and so may have any security scheme.
    pub(super) may_have_any_scheme: bool,
    pub(super) used: BTreeMap<&'a str, &'a Scheme>,
    pub(super) defined: BTreeSet<&'a str>,
}

impl<'a> Known<'a> {
    pub(super) fn of(usage: &PropertiesUse<'a>) -> Self {
        let mut known = Self {
            properties: usage.properties,
            // In a folder without workflows the properties may be for later workflows.
            is_complete: usage.is_complete && !usage.bindings.is_empty(),
            documents: BTreeMap::new(),
            functions: BTreeMap::new(),
            services: BTreeSet::new(),
            in_texts: BTreeSet::new(),
            separator: choice_separator(usage.properties),
        };
        for reads in usage.bindings.iter().map(|bindings| bindings.reads()) {
            known.is_complete &= !reads.lacks_a_key;
            for document in &reads.documents {
                let all = known.documents.entry(&document.key).or_default();
                all.client = &document.client;
                all.other_keys.extend(document.other_keys.iter().map(String::as_str));
                all.has_choice |= document.has_choice;
                match &document.schemes {
                    None => all.may_have_any_scheme = true,
                    Some(schemes) => {
                        let used = schemes.used.iter();
                        all.used.extend(used.map(|scheme| (scheme.name.as_str(), &scheme.scheme)));
                        all.defined.extend(schemes.defined.iter().map(String::as_str));
                    }
                }
            }
            for function in &reads.functions {
                known.functions.entry(&function.name).or_default().push(&function.kind);
            }
            known.in_texts.extend(reads.in_text.iter().map(String::as_str));
            known.services.extend(reads.services.iter().map(String::as_str));
        }
        known
    }

    /// The document that an author means by a wrong name: one with a similar key, or with this name by another strategy.
    pub(super) fn meant_document(&self, name: &str) -> Option<&'a str> {
        let by_other = self.documents.iter().find(|(_, document)| document.other_keys.contains(name));
        by_other.map(|(key, _)| *key).or_else(|| super::names::nearest(name, self.documents.keys().copied()))
    }

    /// Whether a client of this name may be chosen by a `configKey`.
    pub(super) fn is_choice(&self, name: &str, of: impl Fn(&str, &KnownDocument<'a>) -> String) -> bool {
        self.documents.iter().filter(|(_, document)| document.has_choice).any(|(key, document)| {
            let base = of(key, document);
            let choice =
                name.strip_prefix(base.as_str()).and_then(|rest| rest.strip_prefix(&*self.separator));
            choice.is_some_and(|choice| !choice.is_empty())
        })
    }

    /// Why no document has this name, and which documents exist. `to_key` makes the property's key from a document's key.
    pub(super) fn unknown_document(
        &self,
        name: &str,
        to_key: impl Fn(&str) -> String,
    ) -> (String, Option<String>) {
        let why = format!("no function calls a document of the key `{name}`");
        let help = match self.meant_document(name) {
            Some(key) => format!("did you mean `{}`?", to_key(key)),
            None if self.documents.is_empty() => "no function calls an OpenAPI document at all".to_owned(),
            None => format!("there are {}", super::names::listed(self.documents.keys().copied())),
        };
        (why, Some(help))
    }
}

/// Splits the rest of a key into name and setting. A name in quotation marks ends with them; otherwise the longest known name counts, because
/// names may contain dots.
pub(super) fn split_name<'k, 'n>(
    rest: &'k str,
    known: impl IntoIterator<Item = &'n str>,
) -> Option<(String, &'k str)> {
    if let Some((name, setting)) = rest.strip_prefix('"').and_then(|quoted| quoted.split_once('"')) {
        return Some((name.to_owned(), setting.strip_prefix('.').unwrap_or(setting)));
    }
    let matching = known.into_iter().filter_map(|name| {
        let setting = rest.strip_prefix(name)?.strip_prefix('.')?;
        Some((name.to_owned(), setting))
    });
    matching.max_by_key(|(name, _)| name.len())
}

/// The same if no known name fits: the setting is the longest known one at the end, else everything after the first dot.
pub(super) fn split_setting<'k, 'n>(
    rest: &'k str,
    settings: impl IntoIterator<Item = &'n str>,
) -> Option<(&'k str, &'k str)> {
    let matching = settings.into_iter().filter_map(|setting| {
        let name = rest.strip_suffix(setting)?.strip_suffix('.').filter(|name| !name.is_empty())?;
        Some((name, rest.get(name.len() + 1..)?))
    });
    matching.min_by_key(|(name, _)| name.len()).or_else(|| rest.split_once('.'))
}
