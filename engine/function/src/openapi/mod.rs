//! Calls that an `OpenAPI` document describes: reads the document, makes the request, reads the answer.
//!
//! Never: touches the network. Its output is a [`crate::request_builder::RequestBuilder`], its input the bytes of an answer.

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
