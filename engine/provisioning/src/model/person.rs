//! Who asks, and who is meant.

use std::fmt;

/// Somebody who calls the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    /// Entity reference: `user:default/jane`.
    pub(crate) reference: String,
    /// Names of roles. `admin` may everything, `service` is a flow or another system.
    pub(crate) roles: Vec<String>,
    /// Entity references of groups: `group:default/team-a`.
    pub(crate) groups: Vec<String>,
}

impl Person {
    /// A user of this name.
    pub(crate) fn named(name: &str) -> Self {
        Self { reference: Principal::parse(name).to_string(), roles: Vec::new(), groups: Vec::new() }
    }

    /// Whether it acts for others: a flow, another system, or an admin.
    pub(crate) fn is_service(&self) -> bool {
        self.is_admin() || self.has_role("service")
    }

    /// The desk itself, where nobody asks.
    pub(crate) fn desk() -> Self {
        Self { reference: "desk".to_owned(), roles: vec!["admin".to_owned()], groups: Vec::new() }
    }

    /// Whether the person may everything.
    pub(crate) fn is_admin(&self) -> bool {
        self.has_role("admin")
    }

    /// Whether the person has a role.
    pub(crate) fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|own| own == role)
    }

    /// The entries of a list that mean the person, in the form in which they are compared.
    pub(crate) fn entries(&self) -> Vec<String> {
        let roles = self.roles.iter().map(|role| Principal::Role(role.clone()).to_string());
        let own = [Principal::Everyone.to_string(), self.reference.clone()];
        own.into_iter().chain(self.groups.iter().cloned()).chain(roles).collect()
    }

    /// Whether the person is meant by an entry of a list.
    pub(crate) fn is(&self, entry: &Principal) -> bool {
        match entry {
            Principal::Everyone => true,
            Principal::Role(role) => self.has_role(role),
            Principal::Group(_) => self.groups.iter().any(|group| *group == entry.to_string()),
            Principal::User(_) => self.reference == entry.to_string(),
        }
    }
}

/// One entry of a list of people: a user, a group, a role, or everyone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Principal {
    /// Whoever it is.
    Everyone,
    /// The holders of a role.
    Role(String),
    /// The members of a group, as `namespace/name`.
    Group(String),
    /// One person, as `namespace/name`.
    User(String),
}

impl Principal {
    /// Reads an entry: `everyone`, `role:reviewer`, `group:default/team-a`, `group:team-a`, `user:default/jane`, `jane`. Case does not
    /// matter but in roles, as in Backstage's entity references.
    pub(crate) fn parse(text: &str) -> Self {
        let text = text.trim();
        if text.eq_ignore_ascii_case("everyone") {
            return Self::Everyone;
        }
        let in_namespace = |name: &str| match name.split_once('/') {
            Some((namespace, name)) => format!("{}/{}", namespace.to_lowercase(), name.to_lowercase()),
            None => format!("default/{}", name.to_lowercase()),
        };
        match text.split_once(':') {
            Some(("role", role)) => Self::Role(role.to_owned()),
            Some((kind, name)) if kind.eq_ignore_ascii_case("group") => Self::Group(in_namespace(name)),
            Some((kind, name)) if kind.eq_ignore_ascii_case("user") => Self::User(in_namespace(name)),
            _ => Self::User(in_namespace(text)),
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everyone => formatter.write_str("everyone"),
            Self::Role(role) => write!(formatter, "role:{role}"),
            Self::Group(name) => write!(formatter, "group:{name}"),
            Self::User(name) => write!(formatter, "user:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_in_all_its_forms() {
        for (written, meant) in [
            ("everyone", "everyone"),
            ("role:reviewer", "role:reviewer"),
            ("group:team-a", "group:default/team-a"),
            ("group:ops/Team-A", "group:ops/team-a"),
            ("user:default/jane", "user:default/jane"),
            ("User:Default/Jane", "user:default/jane"),
            ("jane", "user:default/jane"),
            (" ops/jane ", "user:ops/jane"),
        ] {
            assert_eq!(Principal::parse(written).to_string(), meant, "{written}");
        }
    }
}
