//! Which properties concern the whole engine, and which only the workflows of a project.
//!
//! Promises: a property of Rondo is engine-wide unless it is listed here, so a new one is never set by a project by accident. Never:
//! reads a value.

use super::{
    COMPAT, DEFINITION_EVENTS, FUNCTION_REPLACEMENT, IGNORE_HIDDEN, INSTANCE_EVENTS, MAX_LISTED, MIRROR,
    OWN_PREFIX, PROCESS_EVENTS, PROCESS_EVENTS_OTHER, SERVICE_URL, Setting, TRUST_ALL, TRUSTED, URI_ALIAS,
};

/// Properties of Rondo that are about workflows, or about the files that workflows name.
const OF_PROJECTS: [&Setting; 4] = [&COMPAT, &FUNCTION_REPLACEMENT, &MIRROR, &URI_ALIAS];

/// Properties of `SonataFlow` and Quarkus that are about the process.
const OF_THE_ENGINE: [&Setting; 9] = [
    &SERVICE_URL,
    &IGNORE_HIDDEN,
    &MAX_LISTED,
    &PROCESS_EVENTS,
    &PROCESS_EVENTS_OTHER,
    &INSTANCE_EVENTS,
    &DEFINITION_EVENTS,
    &TRUST_ALL,
    &TRUSTED,
];

/// The beginning of the names of the channels of Kogito's events about definitions and instances, which one switch of the engine turns on.
const PROCESS_CHANNELS: &str = "mp.messaging.outgoing.kogito-process";

/// Whether a key is read from the root project only: it is about the process, such as its limits and whom it trusts.
pub fn is_engine_wide(key: &str) -> bool {
    if key.starts_with(OWN_PREFIX) {
        // A key that is no setting is reported as such where it stands.
        return super::find_setting(key).is_some() && !OF_PROJECTS.iter().any(|own| own.matches_key(key));
    }
    key.replace('"', "").starts_with(PROCESS_CHANNELS)
        || OF_THE_ENGINE.iter().any(|wide| wide.matches_key(key))
}
