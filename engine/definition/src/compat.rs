//! `rondo.compat`: the choice between the specification and `SonataFlow` where they disagree.

use crate::{Properties, PropertyError, settings};

/// The value of `rondo.compat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compat {
    /// The behaviour of `SonataFlow`, on which published workflows rely. An invalid property that `SonataFlow` ignores is a warning, and counts as
    /// absent.
    #[default]
    SonataFlow,
    /// The behaviour that the specification defines.
    Spec,
}

impl Compat {
    /// Reads the property: `sonataflow` (default) or `spec`.
    pub fn of(properties: &Properties) -> Result<Self, PropertyError> {
        match settings::COMPAT.text(properties)?.as_deref().map(str::to_ascii_lowercase).as_deref() {
            None | Some("sonataflow") => Ok(Self::SonataFlow),
            Some("spec") => Ok(Self::Spec),
            Some(_) => Err(settings::COMPAT.type_error(settings::COMPAT.name)),
        }
    }
}
