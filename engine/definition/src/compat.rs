//! The choice between the specification and `SonataFlow` where they disagree.

use crate::{Properties, PropertyError, settings};

/// `rondo.compat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compat {
    /// The behaviour that published workflows rely on. An invalid property that `SonataFlow` ignores is a warning and counts as absent.
    #[default]
    SonataFlow,
    /// The text of the specification.
    Spec,
}

impl Compat {
    /// Reads the property: `sonataflow` (default) or `spec`.
    pub fn of(properties: &Properties) -> Result<Self, PropertyError> {
        match settings::COMPAT.text(properties)?.as_deref().map(str::to_ascii_lowercase).as_deref() {
            None | Some("sonataflow") => Ok(Self::SonataFlow),
            Some("spec") => Ok(Self::Spec),
            Some(_) => Err(settings::COMPAT.wrong(settings::COMPAT.name)),
        }
    }
}
