//! The state that every handler shares.

use std::sync::Arc;

use rondo_runtime::Engine;

use crate::Settings;

/// The engine that is served, and the settings of the interface.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) engine: Engine,
    pub(crate) settings: Arc<Settings>,
}
