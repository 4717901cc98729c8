//! Why a property has no value.

use std::borrow::Cow;

/// Why a property has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PropertyError {
    /// `${NAME}` is neither a property nor an environment variable.
    #[error(
        "the property `{key}` refers to `${{{reference}}}`, which is neither a property nor an environment variable"
    )]
    Unset {
        /// The property that was requested.
        key: String,
        /// The name that is not set.
        reference: String,
    },
    /// `${NAME}` refers to itself, also through other properties, or is nested too deep.
    #[error("the property `{key}` refers to itself by `${{{reference}}}`")]
    Cycle {
        /// The property that was requested.
        key: String,
        /// The reference that closes the cycle.
        reference: String,
        /// The properties that refer to each other in a circle; empty if the references are only too deep or too many.
        circle: Vec<String>,
    },
    /// The value does not have the kind of the property.
    #[error("the value of the property `{key}` is not {expected}")]
    Type {
        /// The property that was requested.
        key: String,
        /// A description of the valid values, such as `a number`.
        expected: Cow<'static, str>,
    },
}

impl PropertyError {
    /// The property that was requested.
    pub fn key(&self) -> &str {
        match self {
            Self::Unset { key, .. } | Self::Cycle { key, .. } | Self::Type { key, .. } => key,
        }
    }
}
