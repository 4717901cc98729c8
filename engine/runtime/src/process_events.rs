//! Kogito's process instance events: made from the facts of a turn, and committed to the outbox with it.
//!
//! Promises: while they are off, a turn pays for one look at a flag; a turn that is computed again makes the same events with the same ids.
//! Source: `SonataFlow`'s `ProcessInstance…DataEvent`, from which its Data Index learns of instances. Differences: nodes are those of
//! [`kogito`], the state of an event is always the state at the end of the turn, and the events come in the order of the facts.

use rondo_definition::{Properties, PropertyError, settings};
use rondo_event::{Channels, CloudEvent};
use rondo_expression::Val;
use rondo_machine::{Fact, Millis, OpenVisitKind, Turn};
use rondo_store::OutgoingEvent;

use crate::{
    active_instance::ActiveInstance, encryption::Encryption, formats::FormatError, views::VisitKind,
};

mod nodes;
mod variables;
mod writer;

use nodes::Nodes;
use writer::{STARTED, Writer};

/// Names of the channels of these events in `SonataFlow`.
const INSTANCES: &str = "kogito-processinstances-events";
const DEFINITIONS: &str = "kogito-processdefinitions-events";

/// The channels of the events about instances and definitions; `None` for those that are off.
#[derive(Debug, Default)]
pub(crate) struct ProcessEvents {
    instances: Option<String>,
    definitions: Option<String>,
    service_url: String,
}

/// Nodes and data of an instance before a turn whose events are published.
pub(crate) struct Observed {
    channel: String,
    service_url: String,
    nodes: Nodes,
    data: Val,
}

impl ProcessEvents {
    /// Reads from the properties which events are on, and their channels.
    pub(crate) fn new(
        properties: &Properties,
        channels: &Channels,
        service_url: &str,
    ) -> Result<Self, PropertyError> {
        let are_included =
            settings::PROCESS_EVENTS.flag(properties)? || settings::PROCESS_EVENTS_OTHER.flag(properties)?;
        let channel = |setting: &settings::Setting, name: &str| {
            let is_on = match setting.text(properties)? {
                Some(_) => setting.flag(properties)?,
                None => are_included,
            };
            Ok(is_on.then(|| channels.outgoing_for(name).to_owned()))
        };
        Ok(Self {
            instances: channel(&settings::INSTANCE_EVENTS, INSTANCES)?,
            definitions: channel(&settings::DEFINITION_EVENTS, DEFINITIONS)?,
            service_url: service_url.trim_end_matches('/').to_owned(),
        })
    }

    /// The channel of the events about definitions; `None` if they are off.
    pub(crate) fn definitions(&self) -> Option<&str> {
        self.definitions.as_deref()
    }

    /// Base of links.
    pub(crate) fn service_url(&self) -> &str {
        &self.service_url
    }

    /// Records the open nodes and the data before a turn, for the events of the turn; `None` if the events are off.
    pub(crate) fn observe(&self, instance: &ActiveInstance) -> Option<Observed> {
        let channel = self.instances.clone()?;
        let program = &instance.deployed.program;
        let mut nodes = Nodes::default();
        for open in rondo_machine::open_visits(program, &instance.snapshot) {
            match open.kind {
                OpenVisitKind::State(kind) => nodes.enter(open.visit, &open.name, VisitKind::State(kind)),
                OpenVisitKind::Action(kind) => nodes.enter(open.visit, &open.name, VisitKind::Action(kind)),
                OpenVisitKind::Event => nodes.await_event(open.visit, &open.name),
            };
        }
        let data = instance.snapshot.visible_data(program.merge);
        Some(Observed { channel, service_url: self.service_url.clone(), nodes, data })
    }
}

/// Appends the events of a turn to the outbox. `observed` comes from [`ProcessEvents::observe`] before the turn; `None` appends nothing.
pub(crate) fn append(
    outbox: &mut Vec<OutgoingEvent>,
    instance: &ActiveInstance,
    turn: &Turn,
    observed: Option<&Observed>,
    encryption: &Encryption,
    now: Millis,
) -> Result<(), FormatError> {
    let Some(observed) = observed else { return Ok(()) };
    for event in events_of(observed, instance, turn, now) {
        let content = encryption.encrypt(instance.row.id, &event.encode())?;
        let channel = observed.channel.clone();
        outbox.push(OutgoingEvent { instance: instance.row.id, channel, content, at: now });
    }
    Ok(())
}

/// The events of a turn.
fn events_of(observed: &Observed, instance: &ActiveInstance, turn: &Turn, now: Millis) -> Vec<CloudEvent> {
    let program = &instance.deployed.program;
    let mut writer = Writer::new(observed, instance, turn.snapshot.status, now);
    let mut nodes = observed.nodes.clone();
    let has_handled = turn.facts.iter().any(|fact| matches!(fact, Fact::Handled { .. }));
    let data = turn.snapshot.visible_data(program.merge);
    if turn.facts.iter().any(|fact| matches!(fact, Fact::Started)) {
        writer.state(STARTED);
        let input = if instance.row.parent.is_none() { Some(&turn.snapshot.input) } else { None };
        for (name, value) in
            input.map(|input| ("workflowdatainput", input)).into_iter().chain([("workflowdata", &data)])
        {
            writer.variable(name, value);
        }
    } else {
        for (path, value) in variables::changes(&observed.data, &data) {
            writer.variable(&path, &value);
        }
    }
    for fact in &turn.facts {
        writer.fact(fact, &mut nodes, has_handled);
    }
    writer.into_events()
}

/// The part of a workflow's id after its last dot, which is its path in URLs.
pub(crate) fn path_of(workflow: &str) -> &str {
    workflow.rsplit('.').next().unwrap_or(workflow)
}
