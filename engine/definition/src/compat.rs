//! Where the specification and `SonataFlow` disagree: which of the two holds.

use crate::{Properties, PropertyError};

/// `rondo.compat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compat {
    /// What published workflows rely on holds; what `SonataFlow` never looks at is a warning and counts as absent.
    #[default]
    SonataFlow,
    /// The text of the specification holds.
    Spec,
}

impl Compat {
    /// The choice that the configuration makes: `sonataflow` (default) or `spec`.
    pub fn of(properties: &Properties) -> Result<Self, PropertyError> {
        let key = "rondo.compat";
        match properties.resolve(key)?.as_deref().map(str::trim) {
            None | Some("sonataflow") => Ok(Self::SonataFlow),
            Some("spec") => Ok(Self::Spec),
            Some(_) => Err(PropertyError::Type { key: key.to_owned(), expected: "`sonataflow` or `spec`" }),
        }
    }
}
