//! The names of the environment variable for a property.

use std::hash::{DefaultHasher, Hasher};

/// The names of environment variables that set a property. The first one that exists wins.
pub(super) fn variable_names(key: &str) -> [String; 3] {
    let mangled: String = key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let upper = mangled.to_ascii_uppercase();
    [key.to_owned(), mangled, upper]
}

/// A number that a property and all names of its variable have in common; others seldom have the same. The name is given in parts.
pub(super) fn fingerprint<'n>(name: impl IntoIterator<Item = &'n str>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for letter in name.into_iter().flat_map(str::chars) {
        let letter = if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' };
        hasher.write_u32(letter.into());
    }
    hasher.finish()
}

/// The usual name of the environment variable for a property.
pub(crate) fn variable_name(key: &str) -> String {
    let [.., upper] = variable_names(key);
    upper
}

/// Whether an environment variable sets a property.
pub(crate) fn is_variable_of(variable: &str, key: &str) -> bool {
    variable_names(key).iter().any(|name| name == variable)
}
