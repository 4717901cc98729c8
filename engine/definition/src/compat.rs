//! Where the specification and `SonataFlow` disagree: which of the two holds.

use crate::{Properties, PropertyError, settings};

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
        match settings::COMPAT.text(properties)?.as_deref().map(str::to_ascii_lowercase).as_deref() {
            None | Some("sonataflow") => Ok(Self::SonataFlow),
            Some("spec") => Ok(Self::Spec),
            Some(_) => Err(settings::COMPAT.wrong(settings::COMPAT.name)),
        }
    }
}
