//! The state that every handler shares.

use std::sync::Arc;

use rondo_runtime::Engine;

use crate::{
    Settings, database_probe::DatabaseProbe, open_connections::OpenConnections, request_memory::RequestMemory,
};

/// The engine that is served, and the settings of the interface.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) engine: Engine,
    pub(crate) settings: Arc<Settings>,
    pub(crate) memory: RequestMemory,
    pub(crate) connections: Arc<OpenConnections>,
    pub(crate) database: DatabaseProbe,
}
