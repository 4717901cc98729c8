//! Names the instances whose rows cannot be read, once each.

use std::{collections::HashSet, fmt::Display};

use parking_lot::Mutex;
use uuid::Uuid;

/// How many are named: after so many the log has said enough.
const MOST: usize = 1000;

static LOGGED: Mutex<Option<HashSet<Uuid>>> = Mutex::new(None);

/// Says in the log that an instance is left out of lists, unless it did already.
pub(crate) fn log(instance: Uuid, error: &dyn Display) {
    let mut logged = LOGGED.lock();
    let logged = logged.get_or_insert_default();
    if logged.len() < MOST && logged.insert(instance) {
        tracing::error!(instance_id = %instance, %error, "the data of the instance are damaged in the database, so lists leave it out");
    }
}

/// How many damaged instances were met.
pub(crate) fn count() -> usize {
    LOGGED.lock().as_ref().map_or(0, HashSet::len)
}
