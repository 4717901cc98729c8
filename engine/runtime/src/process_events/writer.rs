//! Writes the events of a turn, fact by fact.

use std::collections::BTreeMap;

use rondo_event::CloudEvent;
use rondo_expression::Val;
use rondo_machine::{Fact, Millis, Status, Visit};
use rondo_program::sonataflow;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    Observed,
    nodes::{Node, Nodes, Reached},
    path_of,
};
use crate::{
    active_instance::ActiveInstance,
    kogito::{self, ADDONS},
    views::{VisitKind, action_kind, state_kind},
};

/// What happened to an instance, with Kogito's numbers for it.
pub(super) const STARTED: u8 = 1;
const ENDED: u8 = 2;
const RETRIGGERED: u8 = 4;

/// Kogito's number for a status.
fn state_number(status: Status) -> u8 {
    match status {
        Status::Completed => 2,
        Status::Aborted => 3,
        Status::Error => 5,
        Status::Active => 1,
    }
}

/// The events of a turn so far.
pub(super) struct Writer<'a> {
    observed: &'a Observed,
    instance: &'a ActiveInstance,
    state: u8,
    now: Millis,
    events: Vec<CloudEvent>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(
        observed: &'a Observed,
        instance: &'a ActiveInstance,
        status: Status,
        now: Millis,
    ) -> Self {
        Self { observed, instance, state: state_number(status), now, events: Vec::new() }
    }

    pub(super) fn into_events(self) -> Vec<CloudEvent> {
        self.events
    }

    pub(super) fn fact(&mut self, fact: &Fact, nodes: &mut Nodes, has_handled: bool) {
        match fact {
            Fact::Started => self.pass(VisitKind::Start),
            Fact::Entered { visit, state, kind } => {
                let kind = VisitKind::State(state_kind(kind));
                let node = nodes.enter(*visit, state, kind);
                self.node(&node, Reached::Entered);
            }
            Fact::Action { visit, target, kind, .. } => {
                let kind = VisitKind::Action(action_kind(kind));
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
            Fact::Skipped { visit, failed } => {
                nodes.forget(*failed);
                self.leave(nodes, *visit, Reached::Skipped);
            }
            Fact::Dropped { visit } => {
                let reached = if has_handled { Reached::Skipped } else { Reached::Aborted };
                self.leave(nodes, *visit, reached);
            }
            Fact::Failed { visit, message, kind, origin } => {
                let message = match kind {
                    Some(kind) => sonataflow::with_class_name(*kind, *origin, message),
                    None => message.clone(),
                };
                let node = nodes.of(*visit);
                if let Some(node) = &node {
                    self.node(node, Reached::Error);
                }
                self.error(node.as_ref(), &message);
            }
            Fact::Retriggered { failed, .. } => {
                nodes.forget(*failed);
                self.state(RETRIGGERED);
            }
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
            Fact::Retry { .. }
            | Fact::Handled { .. }
            | Fact::Changed
            | Fact::AsyncFailed { .. }
            | Fact::Continued { .. } => {}
        }
    }

    /// Writes the end of a visit; the events that it still waited for are aborted.
    fn leave(&mut self, nodes: &mut Nodes, visit: Visit, reached: Reached) {
        let (node, events) = nodes.leave(visit);
        for event in events {
            self.node(&event, Reached::Aborted);
        }
        if let Some(node) = node {
            self.node(&node, reached);
        }
    }

    /// Writes that a node was entered and left, for `Start` and `End`, which take no time.
    fn pass(&mut self, kind: VisitKind) {
        let node = Node { visit: None, name: kogito::node_name(kind, "").into(), kind };
        self.node(&node, Reached::Entered);
        self.node(&node, Reached::Left);
    }

    pub(super) fn state(&mut self, event_type: u8) {
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

    fn node(&mut self, node: &Node, reached: Reached) {
        let data = json!({
            "eventType": reached as u8,
            "connectionNodeDefinitionId": null,
            "nodeDefinitionId": &*node.name,
            "nodeName": &*node.name,
            "nodeType": kogito::node_type(node.kind),
            "nodeInstanceId": kogito::node_instance_id(self.instance.row.id, node.visit, node.kind, &node.name),
            "workItemId": null,
            "slaDueDate": null,
            "retrigger": if matches!(reached, Reached::Entered) { json!(false) } else { Value::Null },
            "data": {},
        });
        self.push("ProcessInstanceNodeDataEvent", data, None);
    }

    pub(super) fn variable(&mut self, path: &str, value: &Val) {
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

    fn error(&mut self, node: Option<&Node>, message: &str) {
        let id =
            |node: &Node| kogito::node_instance_id(self.instance.row.id, node.visit, node.kind, &node.name);
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

    /// Adds an event with the members and attributes that all process events have.
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
                // The data of the event have the same value, so the event is sent without the attribute.
                tracing::debug!(instance_id = %row.id, name, %error, "an attribute of a process event cannot be sent");
            }
        }
        self.events.push(event);
    }
}

/// The id of an event. It is derived from the instance, the turn and the place in the turn, so that a turn that is computed again makes the
/// same ids.
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
