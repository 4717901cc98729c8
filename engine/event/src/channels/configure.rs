//! Reads the channels from the properties.
//!
//! Owns: the default channels, the mapping of event types to channels, and the mode of each channel.

use std::collections::{BTreeMap, BTreeSet};

use rondo_definition::{
    Diagnostic, Properties, Severity, codes, did_you_mean,
    settings::{self, Setting},
};
use rondo_expression::Val;

use super::{
    DEFAULT_INCOMING, DEFAULT_OUTGOING, HttpSource, Incoming, Outgoing, Sink, Source,
    connectors::{CONNECTORS, Channel},
    keys::{Attributes, Direction, channels},
    process_channels,
};
use crate::{CloudEvent, Mode};

/// Prefixes of the properties that map types of events to channels; older and newer releases of `SonataFlow` use different ones. The type of the
/// event follows.
const OUTGOING_TRIGGERS: [&str; 2] = [
    "kogito.addon.messaging.outgoing.trigger.",
    "kogito.addon.cloudevents.kafka.kogito_outgoing_stream.trigger.",
];
const INCOMING_TRIGGERS: [&str; 2] = [
    "kogito.addon.messaging.incoming.trigger.",
    "kogito.addon.cloudevents.kafka.kogito_incoming_stream.trigger.",
];

/// Properties that name another default outgoing channel.
const DEFAULT_NAMES: [&str; 2] =
    ["kogito.addon.messaging.outgoing.defaultName", "kogito.addon.cloudevents.kafka.kogito_outgoing_stream"];

/// The prefix of the properties of channels, and the words that may follow. An `emitter` sets sizes of queues, which have no effect here.
const MESSAGING: &str = "mp.messaging.";
const MESSAGING_WORDS: [&str; 4] = ["incoming", "outgoing", "connector", "emitter"];

/// The variables in which Knative names the sink of events, and the extensions that are added to them.
const SINK: &str = "K_SINK";
const OVERRIDES: &str = "K_CE_OVERRIDES";

/// The sink when nothing is configured, as in `SonataFlow`.
const DEFAULT_SINK: &str = "http://localhost:9090";

/// The channels of one project.
pub(super) struct ProjectChannels {
    /// Channels that the project's own files describe; in the root project also the default one.
    pub(super) incoming: BTreeMap<String, Incoming>,
    /// Whether the default incoming channel exists only because no property describes it.
    pub(super) has_unasked_default: bool,
    /// Channels that the project's own files and the root's describe, and the default one.
    pub(super) outgoing: BTreeMap<String, Outgoing>,
    /// Channels of event types that go out by a channel with another name than the type.
    pub(super) by_type: BTreeMap<String, String>,
    pub(super) default_outgoing: String,
    /// Extension attributes that are added to structured events, from `K_CE_OVERRIDES`.
    pub(super) overrides: BTreeMap<String, String>,
}

/// Reads the channels of a project.
pub(super) fn read(properties: &Properties, is_root: bool) -> (ProjectChannels, Vec<Diagnostic>) {
    let mut reader = Reader { properties, is_root, problems: Vec::new() };
    let incoming = reader.incoming();
    let outgoing = reader.outgoing();
    let default_outgoing = reader.default_outgoing(&outgoing);
    reader.report_unknown_words();
    let channels = ProjectChannels {
        has_unasked_default: incoming.contains_key(DEFAULT_INCOMING) && reader.has_no_default_keys(),
        by_type: reader.by_type(&outgoing),
        overrides: reader.overrides(),
        incoming,
        outgoing,
        default_outgoing,
    };
    (channels, reader.problems)
}

struct Reader<'p> {
    properties: &'p Properties,
    is_root: bool,
    problems: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn incoming(&mut self) -> BTreeMap<String, Incoming> {
        let types = self.triggers(&INCOMING_TRIGGERS);
        let as_cloud_events = flag(&settings::AS_CLOUD_EVENTS, self.properties);
        let mut all = BTreeMap::new();
        let own: BTreeSet<&str> = self.properties.own_keys().collect();
        for (name, keys) in channels(self.properties, Direction::Incoming, DEFAULT_INCOMING) {
            // A channel that another project only inherits is served as the root's.
            if !self.is_root && !keys.values().any(|key| own.contains(key.as_str())) {
                continue;
            }
            let Some(source) = self.source(&name, &keys) else { continue };
            let event_type = types.iter().find(|(_, channel)| **channel == name);
            let event_type = event_type.map_or_else(|| name.clone(), |(event_type, _)| event_type.clone());
            all.insert(
                name.clone(),
                Incoming { key: name.clone(), name, event_type, as_cloud_events, source },
            );
        }
        self.refuse_shared_paths(&mut all);
        all
    }

    /// The source of a channel; `None` if the channel is switched off.
    fn source(&mut self, name: &str, keys: &Attributes) -> Option<Source> {
        if name == DEFAULT_INCOMING && keys.is_empty() {
            let is_skipped = flag(&settings::SKIP_DEFAULT_INCOMING, self.properties);
            let source = HttpSource { method: "POST".to_owned(), path: "/".to_owned() };
            return (!is_skipped).then_some(Source::Http(source));
        }
        let mut channel = Channel::new(self.properties, &mut self.problems, Direction::Incoming, name, keys);
        if !channel.is_enabled() {
            return None;
        }
        let default_path = if name == DEFAULT_INCOMING { "/".to_owned() } else { format!("/{name}") };
        Some(channel.source(&default_path).unwrap_or_else(Source::Unusable))
    }

    /// Makes the second of two channels with the same method and path unusable.
    fn refuse_shared_paths(&mut self, all: &mut BTreeMap<String, Incoming>) {
        let mut owners: BTreeMap<(String, String), String> = BTreeMap::new();
        let mut shared = Vec::new();
        for channel in all.values() {
            let Source::Http(HttpSource { method, path }) = &channel.source else { continue };
            match owners.get(&(method.clone(), path.clone())) {
                Some(owner) => shared.push((channel.name.clone(), owner.clone(), path.clone())),
                None => _ = owners.insert((method.clone(), path.clone()), channel.name.clone()),
            }
        }
        for (name, owner, path) in shared {
            let is_default = |name: &str| name == DEFAULT_INCOMING && self.has_no_default_keys();
            // A default channel that no property describes is removed instead.
            if let Some(unasked) = [&name, &owner].into_iter().find(|name| is_default(name)) {
                all.remove(unasked);
                continue;
            }
            let message = format!("the channels `{owner}` and `{name}` have the same path `{path}`");
            let key = format!("mp.messaging.incoming.{name}.path");
            let problem =
                self.properties.diagnostic_at(Severity::Error, codes::CHANNEL, &key, message.clone());
            self.problems.push(problem.help("give each channel a path of its own"));
            if let Some(channel) = all.get_mut(&name) {
                channel.source = Source::Unusable(message);
            }
        }
    }

    fn has_no_default_keys(&self) -> bool {
        let key = format!("mp.messaging.incoming.{DEFAULT_INCOMING}.");
        self.properties.keys_with_prefix(&key).next().is_none()
    }

    fn outgoing(&mut self) -> BTreeMap<String, Outgoing> {
        let mut all = BTreeMap::new();
        for (name, keys) in channels(self.properties, Direction::Outgoing, DEFAULT_OUTGOING) {
            let default_url = match self.properties.resolve(SINK) {
                Ok(Some(url)) if !url.trim().is_empty() => Some(url.trim().to_owned()),
                _ => (name == DEFAULT_OUTGOING).then(|| DEFAULT_SINK.to_owned()),
            };
            let mut channel =
                Channel::new(self.properties, &mut self.problems, Direction::Outgoing, &name, &keys);
            if !channel.is_enabled() && name != DEFAULT_OUTGOING {
                continue;
            }
            let is_default = name == DEFAULT_OUTGOING && keys.is_empty();
            let sink = channel.sink(default_url.as_deref(), is_default).unwrap_or_else(Sink::Unusable);
            let mode = self.mode(&name, &sink);
            all.insert(name.clone(), Outgoing { name, mode, sink });
        }
        let default_url = match self.properties.resolve(SINK) {
            Ok(Some(url)) if !url.trim().is_empty() => url.trim().to_owned(),
            _ => DEFAULT_SINK.to_owned(),
        };
        if self.is_root {
            process_channels::add(&mut all, self.properties, &default_url);
        }
        all
    }

    fn mode(&self, name: &str, sink: &Sink) -> Mode {
        if !flag(&settings::AS_CLOUD_EVENTS, self.properties) {
            return Mode::Plain;
        }
        let all = settings::CLOUD_EVENT_MODE.name;
        let configured = [format!("{all}.{name}"), all.to_owned()].into_iter().find_map(|key| {
            // `settings::check` reports any other word.
            match self.properties.get(&key)?.trim().to_ascii_lowercase().as_str() {
                "binary" => Some(Mode::Binary),
                "structured" => Some(Mode::Structured),
                _ => None,
            }
        });
        let default = if matches!(sink, Sink::Http { .. }) { Mode::Binary } else { Mode::Structured };
        configured.unwrap_or(default)
    }

    fn default_outgoing(&mut self, outgoing: &BTreeMap<String, Outgoing>) -> String {
        let named = DEFAULT_NAMES.iter().find_map(|key| Some((*key, self.properties.get(key)?)));
        let Some((key, name)) = named.map(|(key, name)| (key, name.trim().to_owned())) else {
            return DEFAULT_OUTGOING.to_owned();
        };
        if outgoing.contains_key(&name) {
            return name;
        }
        self.unknown_channel(key, &name);
        DEFAULT_OUTGOING.to_owned()
    }

    /// The channels of event types that go out by a channel with another name than the type.
    fn by_type(&mut self, outgoing: &BTreeMap<String, Outgoing>) -> BTreeMap<String, String> {
        let mut triggers = self.triggers(&OUTGOING_TRIGGERS);
        triggers.retain(|event_type, channel| {
            let is_known = outgoing.contains_key(channel);
            if !is_known {
                let keys = OUTGOING_TRIGGERS.map(|prefix| format!("{prefix}{event_type}"));
                let key = keys.iter().find(|key| self.properties.get(key).is_some());
                self.unknown_channel(key.map_or("", String::as_str), channel);
            }
            is_known
        });
        triggers
    }

    /// Reports keys below `mp.messaging.` that belong neither to a channel nor to a connector.
    fn report_unknown_words(&mut self) {
        for key in self.properties.keys_with_prefix(MESSAGING) {
            let mut words = key.strip_prefix(MESSAGING).unwrap_or_default().split('.');
            let word = words.next().unwrap_or_default();
            let name = words.next().unwrap_or_default().trim_matches('"');
            let (message, known): (String, &[&str]) = match word {
                "connector" if !CONNECTORS.contains(&name) => {
                    (format!("there is no connector `{name}`"), &CONNECTORS)
                }
                _ if MESSAGING_WORDS.contains(&word) => continue,
                _ => (
                    format!("nothing reads properties that begin with `{MESSAGING}{word}.`"),
                    &MESSAGING_WORDS,
                ),
            };
            let near = did_you_mean(if word == "connector" { name } else { word }, known.iter().copied());
            let severity = Severity::Warning;
            let problem = self.properties.diagnostic_at(severity, codes::CHANNEL_PROPERTY, key, message);
            self.problems.push(match near {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem.help(format!("there are `{}`", known.join("`, `"))),
            });
        }
    }

    fn unknown_channel(&mut self, key: &str, name: &str) {
        let message = format!("there is no outgoing channel `{name}`");
        let problem = self.properties.diagnostic_at(Severity::Warning, codes::CHANNEL_PROPERTY, key, message);
        self.problems.push(problem.help(format!(
            "set `mp.messaging.outgoing.{name}.connector`; until then these events go to `{DEFAULT_OUTGOING}`"
        )));
    }

    /// Types of events with the names of their channels.
    fn triggers(&self, prefixes: &[&str]) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        for prefix in prefixes {
            for key in self.properties.keys_with_prefix(prefix) {
                let event_type = key.strip_prefix(prefix).unwrap_or_default().replace('"', "");
                if let Some(channel) = self.properties.get(key) {
                    all.entry(event_type).or_insert_with(|| channel.trim().to_owned());
                }
            }
        }
        all
    }

    /// The extensions of `K_CE_OVERRIDES`.
    fn overrides(&mut self) -> BTreeMap<String, String> {
        let Some(text) = self.properties.get(OVERRIDES).filter(|text| !text.trim().is_empty()) else {
            return BTreeMap::new();
        };
        let mut report = |message: String| {
            let severity = Severity::Warning;
            let problem =
                self.properties.diagnostic_at(severity, codes::CHANNEL_PROPERTY, OVERRIDES, message);
            self.problems.push(problem.help("write `{\"extensions\": {\"name\": \"value\"}}`"));
        };
        let overrides = match Val::from_json(text.as_bytes()) {
            Ok(overrides) => overrides,
            Err(error) => {
                report(format!("`{OVERRIDES}` is not JSON: {error}"));
                return BTreeMap::new();
            }
        };
        let mut event = CloudEvent::default();
        for (name, value) in overrides.get("extensions").unwrap_or(&Val::Null).members() {
            if let Err(error) = event.set_extension(name, value.to_text()) {
                report(format!("`{OVERRIDES}` has an extension that no event can have: {error}"));
            }
        }
        event.extensions
    }
}

/// Reads a flag. `settings::check` reports a value that is no flag.
pub(super) fn flag(setting: &Setting, properties: &Properties) -> bool {
    setting.flag(properties).unwrap_or(setting.default == "true")
}
