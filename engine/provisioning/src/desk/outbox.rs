//! Sends the events of the desk to who listens: all of them to the channel that is configured for them, else to that of the engine's events;
//! to each consumer that has a channel of its own those that are for it.
//!
//! Promises: at least once, in the order in which they happened. An event that is not taken is tried again, with pauses that grow to a
//! minute, and those behind it wait; no consumer waits for another.

use std::{collections::BTreeSet, time::Duration};

use rondo_event::CloudEvent;
use rondo_expression::Val;

use super::{Desk, work::SOURCE};
use crate::{
    model::{Consumer, Person},
    refusal::Refusal,
    tables::{self, events::Logged},
};

/// The channel of all events of the desk, where properties have one of this name. That of a consumer is called `provisioning-events-<consumer>`.
const CHANNEL: &str = "provisioning-events";

/// The name under which it is remembered how far the channel of all events has come.
const ALL_EVENTS: &str = "channel";

const PAGE: u32 = 64;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Who gets which events, by which channel.
#[derive(Clone)]
struct Feed {
    /// The name under which it is remembered how far it has come.
    cursor: String,
    channel: String,
    /// Types of events; `None` for all.
    types: Option<BTreeSet<String>>,
}

/// Sends to everybody who listens.
pub(super) fn spawn(desk: &Desk) {
    for feed in feeds(desk) {
        tokio::spawn(run(desk.clone(), feed));
    }
}

fn feeds(desk: &Desk) -> Vec<Feed> {
    let channels = desk.0.surroundings.sender.channels();
    let mut feeds = Vec::new();
    let channel = channels.outgoing_for(CHANNEL).to_owned();
    if channels.outgoing_named(&channel).is_some() {
        feeds.push(Feed { cursor: ALL_EVENTS.to_owned(), channel, types: None });
    }
    for Consumer { name, types, is_configured } in &desk.0.settings.consumers {
        let channel = format!("{CHANNEL}-{name}");
        if channels.outgoing_named(&channel).is_some() {
            feeds.push(Feed {
                cursor: format!("consumer:{name}"),
                channel,
                types: Some(types.iter().cloned().collect()),
            });
        } else if *is_configured {
            tracing::warn!(
                "rondo.desk.events.{name} is for nobody: there is no outgoing channel `{channel}` (mp.messaging.outgoing.{channel}.connector)"
            );
        }
    }
    if feeds.is_empty() {
        tracing::info!(
            "the events of the desk go nowhere: there is no outgoing channel `{CHANNEL}`, and no other for events"
        );
    }
    feeds
}

async fn run(desk: Desk, feed: Feed) {
    let mut has_events = desk.0.has_events.subscribe();
    let mut pause = FIRST_PAUSE;
    loop {
        // Events that are written from now on are noticed, also while this page is read.
        has_events.mark_unchanged();
        let events = desk.unsent(&feed.cursor).await.unwrap_or_default();
        if events.is_empty() {
            // A read that failed is tried again too.
            let _ = tokio::time::timeout(LONGEST_PAUSE, has_events.changed()).await;
            continue;
        }
        let mut done = None;
        let mut failed = None;
        for event in &events {
            if feed.types.as_ref().is_none_or(|types| types.contains(&event.event_type))
                && let Err(error) = desk.0.surroundings.sender.send(&feed.channel, &cloud_event(event)).await
            {
                failed = Some(error);
                break;
            }
            done = Some(event.number);
        }
        if let Some(number) = done {
            pause = FIRST_PAUSE;
            if let Err(refusal) = desk.advance_cursor(&feed.cursor, number).await {
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

impl Desk {
    /// Events that a feed has not dealt with yet.
    async fn unsent(&self, cursor: &str) -> Result<Vec<Logged>, Refusal> {
        let cursor = cursor.to_owned();
        self.read(move |connection| {
            let from = tables::events::cursor(connection, &cursor)?;
            Ok(tables::events::behind(connection, from, None, PAGE)?)
        })
        .await
    }

    async fn advance_cursor(&self, cursor: &str, number: i64) -> Result<(), Refusal> {
        let cursor = cursor.to_owned();
        self.change(&Person::desk(), move |work| {
            Ok(tables::events::advance(work.connection, &cursor, number)?)
        })
        .await
    }
}

fn cloud_event(event: &Logged) -> CloudEvent {
    let mut sent = CloudEvent::new(event.id.clone(), SOURCE, event.event_type.clone());
    sent.subject = Some(event.request.clone());
    sent.time = Some(event.at.to_string());
    sent.datacontenttype = Some("application/json".to_owned());
    sent.data = Some(Val::from(event.data.clone()));
    // The key of Kafka keeps the events of one request in one partition, and so in order.
    let extensions = [
        ("partitionkey", event.request.clone()),
        ("pool", event.pool.clone()),
        ("sequence", format!("{:020}", event.sequence)),
    ];
    for (name, value) in extensions {
        // The name of a pool may have characters that no attribute takes; the data have it too.
        let _ = sent.set_extension(name, value);
    }
    sent
}

#[cfg(test)]
mod tests;
