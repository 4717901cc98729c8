//! Codes of the problems that binding reports: `RON03xx`, except those of functions that cannot be declared
//! (`RON0301`, `RON0304`). A number is never given to another problem.

/// The document that an operation names cannot be read.
pub const SPEC: &str = "RON0302";
/// The document has no such operation.
pub const UNKNOWN_OPERATION: &str = "RON0303";
/// Something in the document that the call does without.
pub const SPEC_PART: &str = "RON0305";
/// No address is known for the calls.
pub const NO_ADDRESS: &str = "RON0306";
/// An `auth` definition that cannot be used.
pub const AUTH: &str = "RON0308";
/// Credentials that are configured but have no value.
pub const CREDENTIALS: &str = "RON0309";
