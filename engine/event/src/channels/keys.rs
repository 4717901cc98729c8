//! Sorts the keys below `mp.messaging.` by channel.
//!
//! Promises: a channel name with dots is recognised with and without quotation marks; every key belongs to exactly one channel.

use std::collections::BTreeMap;

use rondo_definition::Properties;

/// The direction of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Incoming,
    Outgoing,
}

impl Direction {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Incoming => "incoming",
            Self::Outgoing => "outgoing",
        }
    }

    pub(super) fn prefix(self) -> String {
        format!("mp.messaging.{}.", self.word())
    }
}

/// Keys of a channel as the file writes them, by the name of the attribute.
pub(super) type Attributes = BTreeMap<String, String>;

/// The channels of a direction with their keys.
pub(super) fn channels(
    properties: &Properties,
    direction: Direction,
    default: &str,
) -> BTreeMap<String, Attributes> {
    let prefix = direction.prefix();
    let keys: Vec<&str> = properties.keys_with_prefix(&prefix).collect();
    let mut channels: BTreeMap<String, Attributes> = BTreeMap::new();
    channels.insert(default.to_owned(), Attributes::new());
    // Names followed by `.connector` are known, so they may contain dots without quotation marks.
    for key in &keys {
        let rest = key.strip_prefix(&prefix).unwrap_or_default();
        if let Some(name) = rest.strip_suffix(".connector") {
            channels.entry(name.replace('"', "")).or_default();
        }
    }
    for key in keys {
        let rest = key.strip_prefix(&prefix).unwrap_or_default();
        let (name, attribute) = split(rest, &channels);
        channels.entry(name).or_default().insert(attribute, key.to_owned());
    }
    channels
}

/// Splits the rest of a key into the name of the channel and the name of the attribute.
fn split(rest: &str, known: &BTreeMap<String, Attributes>) -> (String, String) {
    if let Some((name, attribute)) = rest.strip_prefix('"').and_then(|quoted| quoted.split_once('"')) {
        return (name.to_owned(), attribute.strip_prefix('.').unwrap_or(attribute).to_owned());
    }
    let attribute_of = |name: &str| rest.strip_prefix(name)?.strip_prefix('.');
    let longest = known.keys().filter(|name| attribute_of(name).is_some()).max_by_key(|name| name.len());
    if let Some(name) = longest {
        return (name.clone(), attribute_of(name).unwrap_or_default().to_owned());
    }
    let (name, attribute) = rest.split_once('.').unwrap_or((rest, ""));
    (name.to_owned(), attribute.to_owned())
}
