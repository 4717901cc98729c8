//! Calls that an `OpenAPI` document describes: reading the document, making the request, reading the answer.
//!
//! Never: touches the network; what comes out is a [`crate::request_builder::RequestBuilder`], what goes in is an answer's bytes.

pub(crate) mod answer;
pub(crate) mod body;
mod convert;
pub(crate) mod document;
mod extract;
mod multipart;
pub(crate) mod operation;
mod paths;
mod reference;
pub(crate) mod request;
mod result;
mod schema;
pub(crate) mod shape;
mod style;
mod swagger;

pub(crate) use extract::extract;
pub(crate) use paths::find_referred;
