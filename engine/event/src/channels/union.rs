//! Unites the channels of all projects of a folder.
//!
//! Promises: a channel that two projects describe alike is one channel; if they describe it differently, each project has its own, and an event
//! goes out by the channel of its workflow's project. All incoming channels are served. The channel name that the outbox stores with an event
//! depends only on the project and the root, so its meaning survives when other projects come or go. In a folder with one project, channels have
//! the names that this project gives them.

use std::{collections::BTreeMap, sync::Arc};

use rondo_definition::{Diagnostic, Project, Severity, codes};

use super::{
    Channels, DEFAULT_INCOMING, HttpSource, Incoming, Outgoing, Routes, Source,
    configure::{self, ProjectChannels},
    process_channels,
};

/// Reads the channels of projects, the root first.
pub(super) fn read(projects: &[Arc<Project>]) -> (Channels, Vec<Diagnostic>) {
    let (root, others) = match projects.split_first() {
        Some((root, others)) => (Arc::clone(root), others),
        None => (Arc::default(), projects),
    };
    let (of_root, mut problems) = configure::read(&root.properties, true);
    let mut described = Vec::new();
    for project in others.iter().filter(|project| project.properties.own_keys().next().is_some()) {
        let (channels, found) = configure::read(&project.properties, false);
        problems.extend(found);
        described.push((&**project, channels));
    }
    let incoming = unite_incoming(&of_root, &described, &mut problems);
    let mut channels = Channels {
        incoming,
        outgoing: of_root.outgoing.clone(),
        same_as: BTreeMap::new(),
        routes: BTreeMap::new(),
        overrides: of_root.overrides.clone(),
        #[cfg(feature = "nats")]
        tls: None,
    };
    let names = of_root.outgoing.keys().map(|name| (name.clone(), name.clone())).collect();
    channels.routes.insert(Arc::clone(&root.folder), of_root.routes(names));
    add_outgoing(&mut channels, &of_root, described);
    (channels, problems)
}

impl ProjectChannels {
    /// The routes of the project; `names` are the names of its channels in [`Channels`], by the names in its properties.
    fn routes(&self, names: BTreeMap<String, String>) -> Routes {
        Routes { names, by_type: self.by_type.clone(), default: self.default_outgoing.clone() }
    }
}

/// Adds the outgoing channels that projects describe differently from the root, and the routes of the projects.
fn add_outgoing(
    channels: &mut Channels,
    of_root: &ProjectChannels,
    described: Vec<(&Project, ProjectChannels)>,
) {
    // By the name in the properties: the name in the united set, and the channel.
    let mut differing: BTreeMap<String, Vec<(String, Outgoing)>> = BTreeMap::new();
    for (project, own) in described {
        let mut names = BTreeMap::new();
        for (name, channel) in &own.outgoing {
            let is_of_root = of_root.outgoing.get(name) == Some(channel);
            let is_of_engine = process_channels::is_one(name);
            let in_set = match is_of_root || is_of_engine {
                true => name.clone(),
                false => name_of(project, name),
            };
            if in_set != *name {
                let channel = Outgoing { name: in_set.clone(), ..channel.clone() };
                differing.entry(name.clone()).or_default().push((in_set.clone(), channel));
            }
            names.insert(name.clone(), in_set);
        }
        channels.routes.insert(Arc::clone(&project.folder), own.routes(names));
    }
    for (name, of_projects) in differing {
        let mut shown: Vec<Outgoing> = Vec::new();
        for (in_set, channel) in of_projects {
            let known = shown.iter().find(|known| (known.mode, &known.sink) == (channel.mode, &channel.sink));
            match known {
                Some(known) => _ = channels.same_as.insert(in_set, known.name.clone()),
                None => shown.push(channel),
            }
        }
        // If all projects agree and the root has no channel of this name, the name needs no project.
        if !of_root.outgoing.contains_key(&name) && shown.len() == 1 {
            for channel in &mut shown {
                let in_set = std::mem::replace(&mut channel.name, name.clone());
                channels.same_as.values_mut().filter(|known| **known == in_set).for_each(|known| {
                    known.clone_from(&name);
                });
                channels.same_as.insert(in_set, name.clone());
            }
        }
        channels.outgoing.extend(shown.into_iter().map(|channel| (channel.name.clone(), channel)));
    }
}

/// The incoming channels of all projects. If two HTTP channels have one path and take the same messages, only the first is served.
fn unite_incoming(
    of_root: &ProjectChannels,
    described: &[(&Project, ProjectChannels)],
    problems: &mut Vec<Diagnostic>,
) -> BTreeMap<String, Incoming> {
    let mut all = of_root.incoming.clone();
    for (project, own) in described {
        for channel in own.incoming.values() {
            if all.values().any(|known| are_alike(known, channel)) {
                continue;
            }
            let shared = all.values().find(|known| share_path(known, channel)).cloned();
            let mut channel = channel.clone();
            match shared {
                // A default channel that no property describes is removed instead.
                Some(known) if known.name == DEFAULT_INCOMING && of_root.has_unasked_default => {
                    all.remove(&known.name);
                }
                Some(known) => {
                    let message = format!(
                        "the channel `{}` of {project} has the path of the channel `{}`, and its messages are of another kind",
                        channel.key, known.name
                    );
                    let key = format!("mp.messaging.incoming.{}.path", channel.key);
                    let problem = project.properties.diagnostic_at(
                        Severity::Error,
                        codes::CHANNEL,
                        &key,
                        message.clone(),
                    );
                    problems.push(problem.help("give each channel a path of its own"));
                    channel.source = Source::Unusable(message);
                }
                None => {}
            }
            if all.contains_key(&channel.name) {
                channel.name = name_of(project, &channel.key);
            }
            all.insert(channel.name.clone(), channel);
        }
    }
    all
}

/// The name of a project's channel in the united set.
fn name_of(project: &Project, channel: &str) -> String {
    format!("{channel}@{}", project.folder)
}

fn are_alike(one: &Incoming, other: &Incoming) -> bool {
    let is_same = |one: &Incoming, other: &Incoming| {
        (&one.key, &one.event_type, one.as_cloud_events)
            == (&other.key, &other.event_type, other.as_cloud_events)
    };
    let take_events = one.as_cloud_events && other.as_cloud_events;
    one.source == other.source && (is_same(one, other) || take_events && share_path(one, other))
}

fn share_path(one: &Incoming, other: &Incoming) -> bool {
    let address = |channel: &Incoming| match &channel.source {
        Source::Http(HttpSource { method, path }) => Some((method.clone(), path.clone())),
        _ => None,
    };
    address(one).is_some_and(|one| address(other) == Some(one))
}
