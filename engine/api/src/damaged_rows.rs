//! Logs the instances whose data are not JSON, each once. The store itself logs the rows that it cannot read.

use std::{collections::HashSet, fmt::Display};

use parking_lot::Mutex;
use uuid::Uuid;

use crate::app::App;

/// How many instances are logged; more lines would say nothing new.
const MOST: usize = 1000;

static LOGGED: Mutex<Option<HashSet<Uuid>>> = Mutex::new(None);

/// Logs once that an instance is left out of lists.
pub(crate) fn log(instance: Uuid, error: &dyn Display) {
    let mut logged = LOGGED.lock();
    let logged = logged.get_or_insert_default();
    if logged.len() < MOST && logged.insert(instance) {
        tracing::error!(instance_id = %instance, %error, "the data of the instance are damaged in the database, so lists leave it out");
    }
}

/// How many damaged instances were found since the start, including those that the store found.
pub(crate) fn count(app: &App) -> u64 {
    let logged = LOGGED.lock().as_ref().map_or(0, HashSet::len) as u64;
    logged.saturating_add(app.engine.store().damaged_instances())
}
