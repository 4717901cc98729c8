//! The names of the environment variable for a property.

/// The names of environment variables that set a property. The first one that exists wins.
pub(super) fn variable_names(key: &str) -> [String; 3] {
    let mangled: String = key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let upper = mangled.to_ascii_uppercase();
    [key.to_owned(), mangled, upper]
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
