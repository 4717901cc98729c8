//! The configuration of a project, by the rules of Quarkus: the environment over the project's own files over those of the root project.
//!
//! Owns: which of several values of a key counts, and the expansion of `${NAME:default}`. An environment variable goes before all files, a
//! nearer file before a farther one, and within a file an entry for an active profile (`%prod.key`) before one without. Promises:
//! each value knows its file and line; values appear in no error and no `Debug` output, since some are secrets. Never: reads a file
//! or the environment of the process; the caller passes them.

mod environment;
mod error;
mod expand;
mod file;
mod profiles;
mod variable;

use std::{
    collections::{BTreeMap, btree_map},
    fmt,
    sync::Arc,
};

use crate::{Code, Diagnostic, Position, Severity, settings};
pub use environment::Environment;
pub use error::PropertyError;
use file::Pair;
pub use file::PropertiesFile;
pub(crate) use file::key_and_value;
pub(crate) use profiles::Profiles;
pub(crate) use variable::{is_variable_of, variable_name};

/// The configuration of a project. Cheap to clone.
#[derive(Clone, Default)]
pub struct Properties(Arc<Layers>);

#[derive(Clone, Default)]
struct Layers {
    /// The file that a person would add a property to.
    place: Arc<str>,
    /// The files, the nearest first.
    files: Vec<Arc<PropertiesFile>>,
    /// How many of the files are the project's own; the others are those of the root project.
    own: usize,
    /// The entries that count; the keys have no `%profile.`.
    entries: BTreeMap<String, Entry>,
    /// The keys of `entries` that contain quotes, by the key without quotes.
    unquoted: BTreeMap<String, String>,
    profiles: Profiles,
    env: Arc<Environment>,
}

/// Where the value of a key stands.
#[derive(Clone, Copy)]
struct Entry {
    /// Its index in `files`.
    file: usize,
    /// Its index in the pairs of the file.
    pair: usize,
    /// The rank of its profile; 0 for an entry without profile.
    rank: usize,
}

impl Entry {
    /// Entries of nearer files win; in one file those of stronger profiles, and of several equal ones the last.
    fn wins_over(self, other: Self) -> bool {
        let strength = |entry: Self| (std::cmp::Reverse(entry.file), entry.rank, entry.pair);
        strength(self) > strength(other)
    }
}

impl Layers {
    /// These layers with the entries that count. Rondo's engine-wide properties count in the files of the root only.
    fn merged(mut self, is_root: bool) -> Self {
        self.profiles = Profiles::of(&self.env, self.files.iter().map(|file| &**file));
        for (file, layer) in self.files.iter().enumerate() {
            for (pair, Pair { key, .. }) in layer.pairs.iter().enumerate() {
                let Some((key, rank)) = self.profiles.strip(key) else { continue };
                let is_reserved = key.starts_with(settings::OWN_PREFIX) && settings::is_engine_wide(key);
                if is_reserved && file < self.own && !is_root {
                    continue;
                }
                let entry = Entry { file, pair, rank };
                match self.entries.entry(key.to_owned()) {
                    btree_map::Entry::Occupied(mut known) if entry.wins_over(*known.get()) => {
                        known.insert(entry);
                    }
                    btree_map::Entry::Occupied(_) => {}
                    btree_map::Entry::Vacant(free) => _ = free.insert(entry),
                }
            }
        }
        self.shadow_quoted_keys();
        self
    }

    /// Quotes in a key do not count, so of a key with quotes and the same one without, in different files, only that of the nearer file
    /// stays.
    fn shadow_quoted_keys(&mut self) {
        let quoted: Vec<String> = self.entries.keys().filter(|key| key.contains('"')).cloned().collect();
        for key in quoted {
            let plain = key.replace('"', "");
            let file_of = |key: &str| self.entries.get(key).map(|entry| entry.file);
            match (file_of(&key), file_of(&plain)) {
                (Some(file), Some(of_plain)) if of_plain < file => _ = self.entries.remove(&key),
                (Some(file), Some(of_plain)) => {
                    if file < of_plain {
                        self.entries.remove(&plain);
                    }
                    self.unquoted.insert(plain, key);
                }
                _ => _ = self.unquoted.insert(plain, key),
            }
        }
    }
}

impl Properties {
    /// The properties of one file, with the problems of its syntax.
    pub fn parse(file: &str, text: &str, env: Environment) -> (Self, Vec<Diagnostic>) {
        let (parsed, diagnostics) = PropertiesFile::parse(file, text);
        (Self::layered(file, vec![Arc::new(parsed)], env), diagnostics)
    }

    /// The properties of several files, the nearest first, under environment variables. `place` is the name of the file that a person would
    /// add a property to; it need not exist.
    ///
    /// The profile is `QUARKUS_PROFILE`, else the `quarkus.profile` of the nearest file that has one, else `prod`.
    pub fn layered(place: &str, files: Vec<Arc<PropertiesFile>>, env: impl Into<Arc<Environment>>) -> Self {
        let root =
            Layers { place: place.into(), own: files.len(), files, env: env.into(), ..Layers::default() };
        Self(Arc::new(root.merged(true)))
    }

    /// The properties of a project whose root project has these: its own files, the nearest first, over those of the root, all under the
    /// same environment. `place` is as for [`Self::layered`].
    ///
    /// Its own files do not set the engine-wide properties of Rondo (`rondo.http.timeout`, say): the root's hold for all projects.
    #[must_use]
    pub fn with_files_over(&self, place: &str, files: Vec<Arc<PropertiesFile>>) -> Self {
        let own = files.len();
        let files = files.into_iter().chain(self.0.files.iter().cloned()).collect();
        let env = Arc::clone(&self.0.env);
        let project = Layers { place: place.into(), own, files, env, ..Layers::default() };
        Self(Arc::new(project.merged(false)))
    }

    /// The same under more environment variables, of which those count that the environment does not have.
    pub(crate) fn with_variables_under(&self, variables: &[(String, String)]) -> Self {
        if variables.is_empty() {
            return self.clone();
        }
        let mut env = Environment::clone(&self.0.env);
        for (name, value) in variables {
            env.add(name, value);
        }
        Self(Arc::new(Layers { env: Arc::new(env), ..Layers::clone(&self.0) }))
    }

    /// The value of a property with its references expanded; `None` if it is absent or cannot be expanded. An environment variable with the same
    /// name (`A_B_C` for `a.b.c`) wins over the files. [`resolve`](Self::resolve) returns the reason if a value cannot be expanded.
    pub fn get(&self, key: &str) -> Option<String> {
        self.resolve(key).ok().flatten()
    }

    /// The value of a property with its references expanded; `None` if it is absent. The error says why the value cannot be expanded.
    ///
    /// A value that refers to its own key is an error also if the reference has a default, unless an environment variable sets the key: then the
    /// value is that of the variable. `X=${X:default}` is so on Quarkus.
    pub fn resolve(&self, key: &str) -> Result<Option<String>, PropertyError> {
        let Some(raw) = self.raw(key) else { return Ok(None) };
        expand::expand(raw, key, &|name| self.raw(name)).map(Some)
    }

    /// The keys of the files with this prefix, in alphabetical order, without those of inactive profiles.
    pub fn keys_with_prefix<'p>(&'p self, prefix: &'p str) -> impl Iterator<Item = &'p str> {
        let from = self.0.entries.range(prefix.to_owned()..);
        from.map(|(key, _)| key.as_str()).take_while(move |key| key.starts_with(prefix))
    }

    /// The keys that the project's own files set, in alphabetical order, without those of inactive profiles. In the root project these are
    /// all keys.
    pub fn own_keys(&self) -> impl Iterator<Item = &str> {
        let own = self.0.own;
        self.0.entries.iter().filter(move |(_, entry)| entry.file < own).map(|(key, _)| key.as_str())
    }

    /// The engine-wide keys in the project's own files, each with its file and place. Those of inactive profiles are not among them.
    pub(crate) fn own_engine_wide_keys(&self) -> impl Iterator<Item = (&str, &Arc<str>, Position)> {
        let layers = &self.0;
        let own = layers.files.get(..layers.own).unwrap_or_default();
        let pairs = own.iter().flat_map(|file| file.pairs.iter().map(move |pair| (pair, file.name())));
        pairs.filter_map(|(pair, file)| {
            let (key, _) = layers.profiles.strip(&pair.key)?;
            settings::is_engine_wide(key).then_some((key, file, pair.key_at))
        })
    }

    /// The name of the file that a person would add a property to.
    pub fn place(&self) -> &str {
        &self.0.place
    }

    /// The files, the nearest first, the root's included.
    pub fn files(&self) -> impl Iterator<Item = &Arc<PropertiesFile>> {
        self.0.files.iter()
    }

    /// The name of the file and the place of a key in it; `None` if no file has the key.
    pub fn position(&self, key: &str) -> Option<(Arc<str>, Position)> {
        let (file, pair) = self.entry(key)?;
        Some((Arc::clone(file), pair.key_at))
    }

    /// A diagnostic about the value of a property, at the value in its file, or at the environment variable that sets it.
    pub fn diagnostic_at(
        &self,
        severity: Severity,
        code: Code,
        key: &str,
        message: impl Into<String>,
    ) -> Diagnostic {
        if let Some(variable) = self.variable_that_sets(key) {
            return Diagnostic::file(severity, code, &format!("environment variable {variable}"), message);
        }
        match self.entry(key) {
            Some((file, pair)) => Diagnostic::file(severity, code, file, message).at_position(pair.value_at),
            None => Diagnostic::file(severity, code, &self.0.place, message),
        }
    }

    /// Whether the file's value of a key has a `${` without `}`.
    pub(crate) fn is_unterminated(&self, key: &str) -> bool {
        self.entry(key).is_some_and(|(_, pair)| expand::is_unterminated(&pair.raw))
    }

    /// The value before expansion: from the environment, else from the files, else the engine's own.
    fn raw(&self, key: &str) -> Option<&str> {
        let variable = self.variable_that_sets(key).and_then(|name| self.0.env.get(&name));
        let written = variable.or_else(|| self.entry(key).map(|(_, pair)| &pair.raw));
        written.or_else(|| self.0.env.default_of(key)).map(String::as_str)
    }

    /// Names of the environment variables.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.0.env.names()
    }

    /// Whether some value of the files has `${name}` or `${name:default}`.
    pub(crate) fn refers_to(&self, name: &str) -> bool {
        let (whole, defaulted) = (format!("${{{name}}}"), format!("${{{name}:"));
        let mut pairs = self.0.entries.values().filter_map(|entry| self.pair(*entry));
        pairs.any(|(_, pair)| pair.raw.contains(&whole) || pair.raw.contains(&defaulted))
    }

    /// The environment variable that sets a property; `None` if none does. One for an active profile (`_PROD_A_B` for `%prod.a.b`) wins.
    fn variable_that_sets(&self, key: &str) -> Option<String> {
        let env = &self.0.env;
        let is_set = |name: &String| env.get(name).is_some();
        let mut profiles =
            self.0.profiles.strongest_first().filter(|profile| env.may_set(["%", profile, ".", key]));
        let of_profile = profiles.find_map(|profile| {
            let [.., upper] = variable::variable_names(&format!("%{profile}.{key}"));
            Some(upper).filter(is_set)
        });
        of_profile.or_else(|| {
            env.may_set([key]).then(|| variable::variable_names(key).into_iter().find(is_set)).flatten()
        })
    }

    fn entry(&self, key: &str) -> Option<(&Arc<str>, &Pair)> {
        let layers = &self.0;
        let entry = layers.entries.get(key).or_else(|| {
            let is_plain = layers.unquoted.is_empty() && !key.contains('"');
            let plain = (!is_plain).then(|| key.replace('"', ""))?;
            let written = layers.unquoted.get(&plain).unwrap_or(&plain);
            layers.entries.get(written)
        });
        self.pair(*entry?)
    }

    fn pair(&self, entry: Entry) -> Option<(&Arc<str>, &Pair)> {
        let file = self.0.files.get(entry.file)?;
        Some((file.name(), file.pairs.get(entry.pair)?))
    }
}

/// Prints the keys only, because values may be secrets.
impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.entries.keys()).finish()
    }
}

#[cfg(test)]
mod tests;
