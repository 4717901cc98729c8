//! The channels of Kogito's events about definitions and instances.
//!
//! Promises: a channel exists if its events are switched on; one that no property configures leads to `K_SINK` and sends structured events, as
//! `SonataFlow` does.

use std::collections::BTreeMap;

use rondo_definition::{Properties, settings};

use super::{AddressTemplate, Outgoing, Sink, configure::flag};
use crate::Mode;

/// Name of each channel, and the property that switches its events on or off.
const CHANNELS: [(&str, &settings::Setting); 2] = [
    ("kogito-processdefinitions-events", &settings::DEFINITION_EVENTS),
    ("kogito-processinstances-events", &settings::INSTANCE_EVENTS),
];

/// Whether a channel is one of these. They belong to the engine, so only the root project describes them.
pub(super) fn is_one(name: &str) -> bool {
    CHANNELS.iter().any(|(known, _)| *known == name)
}

/// Adds the channels that are switched on and not configured. `default_url` is the sink when nothing is configured.
pub(super) fn add(all: &mut BTreeMap<String, Outgoing>, properties: &Properties, default_url: &str) {
    let are_included = [&settings::PROCESS_EVENTS, &settings::PROCESS_EVENTS_OTHER]
        .into_iter()
        .any(|setting| flag(setting, properties));
    for (name, setting) in CHANNELS {
        let is_on = match properties.get(setting.name) {
            Some(_) => flag(setting, properties),
            None => are_included,
        };
        if !is_on || all.contains_key(name) {
            continue;
        }
        let sink = match AddressTemplate::parse(default_url) {
            Ok(url) => Sink::Http { method: "POST".to_owned(), url },
            Err(problem) => Sink::Unusable(format!("the address of `K_SINK` {problem}")),
        };
        all.insert(name.to_owned(), Outgoing { name: name.to_owned(), mode: Mode::Structured, sink });
    }
}
