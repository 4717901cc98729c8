//! A schema that input or output must satisfy.

use rondo_definition::Pointer;
use serde_json::Value;

/// Which schema, and what a violation does.
#[derive(Debug, Clone, PartialEq)]
pub struct SchemaReference {
    /// The schema.
    pub source: SchemaSource,
    /// Where it is written in the document.
    pub at: Pointer,
    /// Whether a violation refuses the data; otherwise it is only logged.
    pub is_strict: bool,
}

/// Where a schema is written.
#[derive(Debug, Clone, PartialEq)]
pub enum SchemaSource {
    /// In a document of its own: its path or URI.
    Uri(String),
    /// In the definition.
    Inline(Value),
}
