//! Kogito's events about instances: made from the facts of a turn, for the outbox that is written with it.
//!
//! Promises: while they are off a turn pays one look at a flag; a turn that is computed again makes the same events, with the same ids.
//! Source: `SonataFlow`'s `ProcessInstance…DataEvent`; its observers, such as the Data Index, tell instances by them. What differs: nodes are
//! those of [`kogito`], the state is always that at the end of the turn, and the events come in the order of the facts.

use std::collections::BTreeMap;

use rondo_definition::{Properties, PropertyError, settings};
use rondo_event::{Channels, CloudEvent};
use rondo_expression::Val;
use rondo_machine::{Fact, Millis, OpenVisitKind, Status, Turn, Visit};
use rondo_store::OutgoingEvent;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    active_instance::ActiveInstance,
    formats::FormatError,
    kogito::{self, ADDONS},
    subflows::Sources,
    views::VisitKind,
};

mod nodes;
mod variables;

use nodes::{Nodes, Reached};

/// The channels of these events, as `SonataFlow` calls them.
const INSTANCES: &str = "kogito-processinstances-events";
const DEFINITIONS: &str = "kogito-processdefinitions-events";

/// Which events about instances and definitions are published, and by which channels.
#[derive(Debug, Default)]
pub(crate) struct ProcessEvents {
    instances: Option<String>,
    definitions: Option<String>,
    service_url: String,
}

/// What is remembered of an instance from before a turn whose events are published.
pub(crate) struct Observed {
    channel: String,
    service_url: String,
    nodes: Nodes,
    data: Val,
}

impl ProcessEvents {
    /// Reads which are on.
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

    /// What the events of the next turn need to know from before it; `None` if they are off.
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

/// Appends the events of a turn, if they are on.
pub(crate) fn append(
    outbox: &mut Vec<OutgoingEvent>,
    instance: &ActiveInstance,
    turn: &Turn,
    sources: &Sources<'_>,
) -> Result<(), FormatError> {
    let Some(observed) = sources.observed else { return Ok(()) };
    for event in events_of(observed, instance, turn, sources.now) {
        let content = sources.encryption.encrypt(instance.row.id, &event.encode())?;
        let channel = observed.channel.clone();
        outbox.push(OutgoingEvent { instance: instance.row.id, channel, content, at: sources.now });
    }
    Ok(())
}

/// The events of a turn.
fn events_of(observed: &Observed, instance: &ActiveInstance, turn: &Turn, now: Millis) -> Vec<CloudEvent> {
    let program = &instance.deployed.program;
    let mut writer =
        Writer { observed, instance, state: state_number(turn.snapshot.status), now, events: Vec::new() };
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
    writer.events
}

const STARTED: u8 = 1;
const ENDED: u8 = 2;
const RETRIGGERED: u8 = 4;

/// How Kogito counts the states of instances.
fn state_number(status: Status) -> u8 {
    match status {
        Status::Completed => 2,
        Status::Aborted => 3,
        Status::Error => 5,
        _ => 1,
    }
}

struct Writer<'a> {
    observed: &'a Observed,
    instance: &'a ActiveInstance,
    state: u8,
    now: Millis,
    events: Vec<CloudEvent>,
}

impl Writer<'_> {
    fn fact(&mut self, fact: &Fact, nodes: &mut Nodes, has_handled: bool) {
        match fact {
            Fact::Started => self.pass(VisitKind::Start),
            Fact::Entered { visit, state, kind } => {
                let kind = VisitKind::State(crate::views::state_kind(kind));
                let node = nodes.enter(*visit, state, kind);
                self.node(&node, Reached::Entered);
            }
            Fact::Action { visit, target, kind, .. } => {
                let kind = VisitKind::Action(crate::views::action_kind(kind));
                let node = nodes.enter(*visit, target, kind);
                self.node(&node, Reached::Entered);
            }
            Fact::Awaits { visit, events } => {
                for event in events {
                    let node = nodes.await_event(*visit, event);
                    self.node(&node, Reached::Entered);
                }
            }
            Fact::Event { visit, event, .. } => {
                if let Some(node) = nodes.take_event(*visit, event) {
                    self.node(&node, Reached::Left);
                }
            }
            Fact::Left { visit } => self.leave(nodes, *visit, Reached::Left),
            Fact::Skipped { visit } => self.leave(nodes, *visit, Reached::Skipped),
            Fact::Dropped { visit } => {
                let reached = if has_handled { Reached::Skipped } else { Reached::Aborted };
                self.leave(nodes, *visit, reached);
            }
            Fact::Failed { visit, message, kind, origin } => {
                let message = match kind {
                    Some(kind) => rondo_program::sonataflow::with_class_name(*kind, *origin, message),
                    None => message.clone(),
                };
                let node = nodes.of(*visit);
                if let Some(node) = &node {
                    self.node(node, Reached::Error);
                }
                self.error(node.as_ref(), &message);
            }
            Fact::Retriggered { .. } => self.state(RETRIGGERED),
            Fact::Completed => {
                self.pass(VisitKind::End);
                self.state(ENDED);
            }
            Fact::Aborted => {
                for node in nodes.take_all() {
                    self.node(&node, Reached::Aborted);
                }
                self.state(ENDED);
            }
            Fact::Retry { .. } | Fact::Handled { .. } | Fact::Changed => {}
        }
    }

    /// Ends a visit; the events that it still waited for do not come.
    fn leave(&mut self, nodes: &mut Nodes, visit: Visit, reached: Reached) {
        let (node, events) = nodes.leave(visit);
        for event in events {
            self.node(&event, Reached::Aborted);
        }
        if let Some(node) = node {
            self.node(&node, reached);
        }
    }

    /// A node that takes no time.
    fn pass(&mut self, kind: VisitKind) {
        let node = nodes::Node { visit: None, name: kogito::node_name(kind, "").into(), kind };
        self.node(&node, Reached::Entered);
        self.node(&node, Reached::Left);
    }

    fn state(&mut self, event_type: u8) {
        let row = &self.instance.row;
        let data = json!({
            "eventType": event_type,
            "processType": "SW",
            "processName": row.name,
            "businessKey": row.business_key,
            "parentInstanceId": row.parent,
            "rootProcessId": row.root_workflow,
            "rootProcessInstanceId": row.root,
            "state": self.state,
            "roles": null,
            "slaDueDate": null,
        });
        self.push("ProcessInstanceStateDataEvent", data, None);
    }

    fn node(&mut self, node: &nodes::Node, reached: Reached) {
        let data = json!({
            "eventType": reached as u8,
            "connectionNodeDefinitionId": null,
            "nodeDefinitionId": &*node.name,
            "nodeName": &*node.name,
            "nodeType": kogito::node_type(node.kind),
            "nodeInstanceId": kogito::node_instance_id(self.instance.row.id, node.visit, node.kind),
            "workItemId": null,
            "slaDueDate": null,
            "retrigger": if matches!(reached, Reached::Entered) { json!(false) } else { Value::Null },
            "data": {},
        });
        self.push("ProcessInstanceNodeDataEvent", data, None);
    }

    fn variable(&mut self, path: &str, value: &Val) {
        let data = json!({
            "nodeContainerDefinitionId": null,
            "nodeContainerInstanceId": null,
            "variableId": path,
            "variableName": path,
        });
        let mut data = Val::from(data);
        data.insert("variableValue", value.clone());
        self.push_value("ProcessInstanceVariableDataEvent", data, Some(path));
    }

    fn error(&mut self, node: Option<&nodes::Node>, message: &str) {
        let id = |node: &nodes::Node| kogito::node_instance_id(self.instance.row.id, node.visit, node.kind);
        let data = json!({
            "nodeDefinitionId": node.map(|node| &*node.name),
            "nodeInstanceId": node.map(id),
            "errorMessage": message,
        });
        self.push("ProcessInstanceErrorDataEvent", data, None);
    }

    fn push(&mut self, event_type: &str, data: Value, variable: Option<&str>) {
        self.push_value(event_type, Val::from(data), variable);
    }

    /// Adds what all have in common.
    fn push_value(&mut self, event_type: &str, mut data: Val, variable: Option<&str>) {
        let row = &self.instance.row;
        let time = jiff::Timestamp::from_millisecond(self.now).ok().map(|time| format!("{time:.3}"));
        let date = time.as_ref().map(|time| time.replace('Z', "+00:00"));
        for (name, value) in [
            ("eventDate", date),
            ("eventUser", None),
            ("processId", Some(row.workflow.clone())),
            ("processVersion", Some(row.version.clone())),
            ("processInstanceId", Some(row.id.to_string())),
        ] {
            data.insert(name, value.map_or(Val::Null, Val::text));
        }
        let source = format!("{}/{}", self.observed.service_url, path_of(&row.workflow));
        let id = event_id(row.id, row.turn, self.events.len());
        let mut event = CloudEvent::new(id.to_string(), source, event_type);
        event.time = time;
        event.datacontenttype = Some("application/json".to_owned());
        event.data = Some(data);
        let extensions: BTreeMap<&str, Option<String>> = BTreeMap::from([
            ("kogitoprocinstanceid", Some(row.id.to_string())),
            ("kogitoprocid", Some(row.workflow.clone())),
            ("kogitoprocversion", Some(row.version.clone())),
            ("kogitoproctype", Some("SW".to_owned())),
            ("kogitoprocist", Some(self.state.to_string())),
            ("kogitoaddons", Some(ADDONS.join(","))),
            ("kogitobusinesskey", row.business_key.clone()),
            ("kogitoparentprociid", row.parent.map(|parent| parent.to_string())),
            ("kogitorootprociid", row.root.map(|root| root.to_string())),
            ("kogitorootprocid", row.root_workflow.clone()),
            ("kogitovariablename", variable.map(str::to_owned)),
        ]);
        for (name, value) in extensions.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            if let Err(error) = event.set_extension(name, value) {
                // The data say it too.
                tracing::debug!(instance_id = %row.id, name, %error, "an attribute of a process event cannot be sent");
            }
        }
        self.events.push(event);
    }
}

/// The part of a workflow's id behind its last dot: where it is served.
pub(crate) fn path_of(workflow: &str) -> &str {
    workflow.rsplit('.').next().unwrap_or(workflow)
}

/// The id of an event: by its place in the turn, so that a turn that is computed again makes the same.
fn event_id(instance: Uuid, turn: u64, place: usize) -> Uuid {
    let digest = Sha256::new()
        .chain_update(b"process event")
        .chain_update(instance.as_bytes())
        .chain_update(turn.to_be_bytes())
        .chain_update(place.to_be_bytes())
        .finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
