//! Sends the events of the desk to the channel that is configured for them, else to that of the engine's events.
//!
//! Promises: at least once, in the order in which they happened. An event that is not taken is tried again, with pauses that grow to a
//! minute, and those behind it wait.

use std::time::Duration;

use rondo_event::CloudEvent;
use rondo_expression::Val;

use super::{Desk, work::SOURCE};
use crate::{
    model::Person,
    tables::{self, events::Logged},
};

/// The channel of the desk's events, where properties have one of this name.
const CHANNEL: &str = "provisioning-events";

/// The name under which it is remembered how far the channel has come.
const CONSUMER: &str = "channel";

const PAGE: u32 = 64;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

pub(super) async fn run(desk: Desk) {
    let sender = &desk.0.surroundings.sender;
    let channel = sender.channels().outgoing_for(CHANNEL).to_owned();
    if sender.channels().outgoing_named(&channel).is_none() {
        tracing::info!(
            "the events of the desk go nowhere: there is no outgoing channel `{CHANNEL}`, and no other for events"
        );
        return;
    }
    let own = Person::desk();
    let mut pause = FIRST_PAUSE;
    loop {
        let read = desk.read(|connection| {
            let from = tables::events::cursor(connection, CONSUMER)?;
            Ok(tables::events::behind(connection, from, None, PAGE)?)
        });
        let events = read.await.unwrap_or_default();
        if events.is_empty() {
            // A read that failed is tried again too.
            let _ = tokio::time::timeout(LONGEST_PAUSE, desk.0.has_events.notified()).await;
            continue;
        }
        let mut sent = None;
        let mut failed = None;
        for event in &events {
            match sender.send(&channel, &cloud_event(event)).await {
                Ok(()) => sent = Some(event.number),
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        if let Some(number) = sent {
            pause = FIRST_PAUSE;
            let advanced = desk
                .change(&own, move |work| Ok(tables::events::advance(work.connection, CONSUMER, number)?));
            if let Err(refusal) = advanced.await {
                tracing::warn!(%refusal, "events of the desk that were sent are sent again");
            }
        }
        if let Some(error) = failed {
            tracing::warn!(%error, "an event of the desk was not taken; trying again");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

fn cloud_event(event: &Logged) -> CloudEvent {
    let mut sent = CloudEvent::new(event.id.clone(), SOURCE, event.event_type.clone());
    sent.subject = Some(event.request.clone());
    sent.time = Some(event.at.to_string());
    sent.datacontenttype = Some("application/json".to_owned());
    sent.data = Some(Val::from(event.data.clone()));
    for (name, value) in [("pool", event.pool.clone()), ("sequence", format!("{:020}", event.sequence))] {
        // The name of a pool may have characters that no attribute takes; the data have it too.
        let _ = sent.set_extension(name, value);
    }
    sent
}
