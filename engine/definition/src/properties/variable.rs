//! What the environment variable of a property is called.

/// Names of the environment variables that give a property its value, the first that is there.
pub(super) fn names(key: &str) -> [String; 3] {
    let mangled: String = key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let upper = mangled.to_ascii_uppercase();
    [key.to_owned(), mangled, upper]
}

/// The usual name of the environment variable of a property.
pub(crate) fn variable(key: &str) -> String {
    let [.., upper] = names(key);
    upper
}

/// Whether an environment variable gives a property its value.
pub(crate) fn gives(variable: &str, key: &str) -> bool {
    names(key).iter().any(|name| name == variable)
}
