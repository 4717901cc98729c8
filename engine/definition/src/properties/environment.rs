//! What the process gives to the properties of a folder.

use std::collections::{BTreeMap, HashSet};

use super::variable::fingerprint;

/// The environment variables of the process, which win over files, and values of the engine itself, which count where nothing else sets
/// their property: `kogito.service.url` is the address at which the engine listens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    /// Those of the names of `variables`. Each call asks for some fifty properties, and hardly one of them has a variable.
    fingerprints: HashSet<u64>,
    defaults: BTreeMap<String, String>,
}

impl Environment {
    /// No variables and no values.
    pub fn new() -> Self {
        Self::default()
    }

    /// The variable of this name.
    pub fn get(&self, variable: &str) -> Option<&String> {
        self.variables.get(variable)
    }

    /// Whether there may be a variable that sets a property, whose key is given in parts. Cheap, and never wrong when it says no.
    pub(super) fn may_set<'k>(&self, key: impl IntoIterator<Item = &'k str>) -> bool {
        self.fingerprints.contains(&fingerprint(key))
    }

    /// Sets a variable, if there is none of this name.
    pub(super) fn add(&mut self, variable: &str, value: &str) {
        self.fingerprints.insert(fingerprint([variable]));
        self.variables.entry(variable.to_owned()).or_insert_with(|| value.to_owned());
    }

    /// The names of the variables, in alphabetical order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }

    /// The same with a value for a property that neither a variable nor a file sets.
    #[must_use]
    pub fn with_default(mut self, property: &str, value: impl Into<String>) -> Self {
        self.defaults.insert(property.to_owned(), value.into());
        self
    }

    /// The value of the engine for a property.
    pub(super) fn default_of(&self, property: &str) -> Option<&String> {
        self.defaults.get(property)
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        let variables: BTreeMap<_, _> = variables.into_iter().collect();
        let fingerprints = variables.keys().map(|name| fingerprint([name.as_str()])).collect();
        Self { variables, fingerprints, defaults: BTreeMap::new() }
    }
}
