//! Workflow documents: parsing with locations, the 0.8 model, references and validation.

pub mod codes;
mod diagnostic;
pub mod duration;
mod load;
pub mod model;
mod pointer;
mod properties;
mod source;
mod spots;

pub use diagnostic::{Diagnostic, Severity, did_you_mean};
pub use duration::{DurationError, parse_duration};
pub use load::{Limits, Loaded, load};
pub use pointer::Pointer;
pub use properties::{Environment, Properties, PropertyError};
pub use source::{Format, Position, Source};
