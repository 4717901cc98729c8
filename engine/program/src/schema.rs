//! The schema of a workflow's input or output.

use rondo_definition::Pointer;
use serde_json::Value;

/// A schema, and what happens when data violates it.
#[derive(Debug, Clone, PartialEq)]
pub struct SchemaReference {
    /// The schema.
    pub source: SchemaSource,
    /// Its place in the document, for diagnostics.
    pub at: Pointer,
    /// Whether data that violates the schema is refused; otherwise the violation is only logged.
    pub is_strict: bool,
}

/// Where a schema is written.
#[derive(Debug, Clone, PartialEq)]
pub enum SchemaSource {
    /// In a document of its own, with this path or URI.
    Uri(String),
    /// In the definition.
    Inline(Value),
}
