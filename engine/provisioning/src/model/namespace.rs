//! Namespaces of users: which there are, and what they are called.

use serde::{Deserialize, Serialize};

/// A namespace of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Namespace {
    /// Whose: an entity reference.
    pub(crate) user: String,
    /// Name, unique in its cluster.
    pub(crate) name: String,
    /// `user`, `che`, or the type of an environment.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Name of the cluster.
    pub(crate) cluster: String,
    /// The space that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) space: Option<String>,
    /// The environment that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) environment: Option<String>,
    /// Named set of limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) profile: Option<String>,
    /// How far it is.
    pub(crate) state: NamespaceState,
    /// Version of the template that it was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
}

/// How far a namespace is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum NamespaceState {
    /// It is being made.
    Provisioning,
    /// It is being changed.
    Updating,
    /// It is there.
    Ready,
    /// It is half-made.
    Failed,
}

/// Longest name that what is made of it still fits into the 63 characters of a namespace.
const LONGEST_BASE: usize = 40;

/// What the names of a user's namespaces begin with: the name before an `@`, with other characters than letters and digits as `-`, beginning and
/// ending with a letter or a digit, and with a letter in it.
pub(crate) fn base_name(user: &str) -> String {
    let name = user.rsplit_once('/').map_or(user, |(_, name)| name);
    let name = name.split('@').next().unwrap_or_default().to_lowercase();
    let plain = name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' });
    let mut base: String = plain.take(LONGEST_BASE).collect();
    if base.chars().all(|letter| letter.is_ascii_digit()) {
        return format!("os-{base}-io").replace("--", "-");
    }
    if base.starts_with('-') {
        base.insert_str(0, "os");
    }
    if base.ends_with('-') {
        base.push_str("io");
    }
    base
}

/// The name of a namespace of a type.
pub(crate) fn namespace_name(base: &str, kind: &str) -> String {
    match kind {
        "user" => base.to_owned(),
        kind => format!("{base}-{kind}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_namespaces() {
        for (user, base) in [
            ("user:default/john", "john"),
            ("John.Doe+x@redhat.com", "john-doe-x"),
            ("_john_", "os-john-io"),
            ("1234", "os-1234-io"),
            ("@redhat.com", "os-io"),
            ("jöhn", "j-hn"),
        ] {
            assert_eq!(base_name(user), base, "{user}");
        }
        assert_eq!(namespace_name("john", "user"), "john");
        assert_eq!(namespace_name("john2", "che"), "john2-che");
        assert!(namespace_name(&base_name(&"-".repeat(500)), "custom").len() <= 63);
    }
}
