//! Kogito's process definition events: one for each served workflow, published at each start of the engine.

use rondo_event::CloudEvent;
use rondo_expression::Val;
use rondo_store::{Commit, OutgoingEvent};
use serde_json::json;
use uuid::Uuid;

use crate::{
    catalog::Deployed,
    executor::{Executor, Stored},
    kogito::{self, ADDONS},
    process_events::path_of,
    refusal::Refusal,
};

/// Writes the definition events of all served workflows to the outbox, if the properties switch them on.
pub(crate) async fn publish(executor: &Executor) -> Result<(), Refusal> {
    let process_events = &executor.process_events;
    let Some(channel) = process_events.definitions() else { return Ok(()) };
    let now = executor.clock.now();
    let time = jiff::Timestamp::from_millisecond(now).ok().map(|time| format!("{time:.3}"));
    let mut commit = Commit::default();
    for deployed in executor.catalog().all() {
        let mut event = event_of(deployed, process_events.service_url());
        event.time.clone_from(&time);
        // The event belongs to no instance.
        let instance = Uuid::nil();
        let content = executor.encryption.encrypt(instance, &event.encode()).map_err(Refusal::store)?;
        commit.outbox.push(OutgoingEvent { instance, channel: channel.to_owned(), content, at: now });
    }
    match executor.commit(commit, true).await {
        Stored::Durable(_) => Ok(()),
        Stored::Refused(error) => Err(Refusal::Store(error)),
        Stored::Fenced | Stored::NoPlace => {
            Err(Refusal::store("the events about definitions were not taken"))
        }
    }
}

fn event_of(deployed: &Deployed, service_url: &str) -> CloudEvent {
    let (program, outline) = (&deployed.program, &deployed.outline);
    let endpoint = format!("{service_url}/{}", path_of(&program.id));
    let nodes: Vec<_> = kogito::nodes(outline)
        .into_iter()
        .map(|node| {
            json!({
                "id": node.id, "name": node.name, "type": node.kind, "uniqueId": node.unique_id,
                "metadata": node.metadata,
            })
        })
        .collect();
    let description = Some(&outline.description).filter(|description| !description.is_empty());
    let data = json!({
        "id": &*program.id,
        "name": &*program.name,
        "description": description,
        "version": &*program.version,
        "type": "SW",
        "roles": [],
        "addons": ADDONS,
        "annotations": outline.annotations,
        "endpoint": endpoint,
        "source": &*outline.text,
        "metadata": {},
        "nodes": nodes,
    });
    let mut event = CloudEvent::new(Uuid::new_v4().to_string(), endpoint, "ProcessDefinitionEvent");
    event.datacontenttype = Some("application/json".to_owned());
    event.data = Some(Val::from(data));
    let extensions = [
        ("kogitoprocid", program.id.to_string()),
        ("kogitoprocversion", program.version.to_string()),
        ("kogitoproctype", "SW".to_owned()),
        ("kogitoaddons", ADDONS.join(",")),
    ];
    for (name, value) in extensions {
        if let Err(error) = event.set_extension(name, value) {
            tracing::debug!(workflow = %program.id, name, %error, "an attribute of a definition's event cannot be sent");
        }
    }
    event
}
