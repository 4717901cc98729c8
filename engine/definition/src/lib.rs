//! Workflow documents: parsing with places, the model of specification 0.8, references and validation.
//!
//! Owns: everything from the files of a folder to [`model::Workflow`]. [`Folder::load`] reads a whole folder, [`parse`] one document.
//! Promises: all problems are returned together, each with its line; any text gives a document or diagnostics. Never: evaluates an
//! expression, or opens the network.

mod anchor;
mod byte_order_mark;
pub mod codes;
mod compat;
mod custom_resource;
mod diagnostic;
pub mod duration;
mod folder;
mod load;
pub mod model;
mod nearest_file;
mod parallel;
mod parse;
mod pointer;
mod positions;
mod project;
mod properties;
mod read;
mod render;
mod resources;
pub mod settings;
mod similar;
mod source;
mod userinfo;
mod validate;
mod visible;

pub use anchor::find_anchor;
pub use byte_order_mark::without_byte_order_mark;
pub use codes::Code;
pub use compat::Compat;
pub use custom_resource::{CustomResourceProject, custom_resource_projects};
pub use diagnostic::{Diagnostic, Severity};
pub use duration::{DurationError, parse_duration, parse_moment};
pub use folder::Folder;
pub use load::{Limits, Loaded, load, load_as_json};
pub use parallel::in_parallel;
pub use parse::{Document, Options, parse, parse_with};
pub use pointer::Pointer;
pub use project::Project;
pub use properties::{Environment, Properties, PropertiesFile, PropertyError};
pub use resources::{Fetch, MAX_BYTES, Resource, ResourceError, Resources};
pub use similar::did_you_mean;
pub use source::{Format, Position, Source};
pub use userinfo::without_userinfo;
pub use validate::{RESERVED_PATHS, reachable};
pub use visible::{is_control, visible};
