//! What every handler sees.

use std::sync::Arc;

use rondo_runtime::Engine;

use crate::Settings;

/// The engine that is served, and how.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) engine: Engine,
    pub(crate) settings: Arc<Settings>,
}
