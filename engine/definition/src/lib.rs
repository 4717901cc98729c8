//! Workflow documents: parsing with locations, the 0.8 model, references and validation.

pub mod model;
