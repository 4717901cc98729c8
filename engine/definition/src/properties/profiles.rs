//! The active profiles of a set of properties.
//!
//! Owns: their names, and the meaning of `%profile.key`. Source: Quarkus, "Configuration Reference Guide", profiles.

use super::{Environment, PropertiesFile};

/// The names of the active profiles. Of two entries of one file that of the later profile wins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Profiles(Vec<String>);

impl Profiles {
    /// The profiles that `QUARKUS_PROFILE` names, else the `quarkus.profile` of the first file that has one, else `prod`.
    pub(crate) fn of<'f>(env: &Environment, files: impl IntoIterator<Item = &'f PropertiesFile>) -> Self {
        let variable = env.get("QUARKUS_PROFILE").map(String::as_str);
        let names = variable.or_else(|| files.into_iter().find_map(|file| file.last("quarkus.profile")));
        let names = names.unwrap_or("prod").split(',').map(str::trim).filter(|name| !name.is_empty());
        Self(names.map(str::to_owned).collect())
    }

    /// The names, the one that wins first.
    pub(crate) fn strongest_first(&self) -> impl Iterator<Item = &str> {
        self.0.iter().rev().map(String::as_str)
    }

    /// The key without `%profile.`, and the rank of its profile: 0 without profile, and a higher one wins. `None` if its profile is not
    /// active.
    pub(super) fn strip<'k>(&self, key: &'k str) -> Option<(&'k str, usize)> {
        let Some(profiled) = key.strip_prefix('%') else { return Some((key, 0)) };
        let (names, key) = profiled.split_once('.')?;
        let rank = self.0.iter().rposition(|active| names.split(',').any(|name| name.trim() == active))?;
        Some((key, rank + 1))
    }
}
