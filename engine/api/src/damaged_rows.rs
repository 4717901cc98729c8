//! Names the instances whose data are no JSON, once each. Rows that the database cannot read it names itself.

use std::{collections::HashSet, fmt::Display};

use parking_lot::Mutex;
use uuid::Uuid;

use crate::app::App;

/// How many are logged. More lines would say nothing new.
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

/// How many damaged instances were found, including those that the database found.
pub(crate) fn count(app: &App) -> u64 {
    let logged = LOGGED.lock().as_ref().map_or(0, HashSet::len) as u64;
    logged.saturating_add(app.engine.store().damaged_instances())
}
