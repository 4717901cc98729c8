//! `$SECRET`: the properties of the served folder and the environment, by name.

use std::sync::Arc;

use rondo_definition::Properties;
use rondo_expression::{Lookup, Val};

/// What `$SECRET` shows: `$SECRET.a.b` is the property `a.b`, and null when there is none.
pub(crate) fn secrets(properties: &Properties) -> Val {
    Val::Lookup(Arc::new(Secret { properties: properties.clone(), name: String::new() }))
}

/// What opens the engine itself; workflows have no use for it, and it must not get into what they send.
fn is_own(name: &str) -> bool {
    let letters = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let variable: String = name.chars().map(letters).collect();
    matches!(variable.as_str(), "RONDO_AUTH_TOKEN" | "RONDO_SECRET_KEY")
}

/// A name so far.
struct Secret {
    properties: Properties,
    name: String,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "$SECRET.{}", self.name)
    }
}

impl Lookup for Secret {
    fn get(&self, key: &str) -> Result<Val, String> {
        let name = if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) };
        if is_own(&name) {
            return Ok(Val::Null);
        }
        if let Some(value) = self.properties.get(&name) {
            return Ok(Val::text(value));
        }
        Ok(Val::Lookup(Arc::new(Self { properties: self.properties.clone(), name })))
    }

    /// A name that has no value is null.
    fn value(&self) -> Val {
        Val::Null
    }
}
