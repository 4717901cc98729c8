//! Views of kept events, waits for events, events that cannot be sent, and channels.

use std::collections::BTreeMap;

use rondo_event::{Incoming, Outgoing, Sink, Source};
use rondo_machine::NO_FRAME;
use rondo_store::{KeptEvent, OutboxRow, WaitingInstance};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An event that no instance has taken yet. An event that is kept for several instances has a view for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptEventView {
    /// Number of the event; later events have higher ones.
    pub number: i64,
    /// Its attribute `id`.
    pub id: String,
    /// Its attribute `source`.
    pub source: String,
    /// Its attribute `type`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// When it was received, in milliseconds since 1970.
    pub at: i64,
    /// Until when it is kept, in milliseconds since 1970; `None` for ever.
    pub until: Option<i64>,
    /// The instance that it is kept for; `None` if it is not kept for a single one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<Uuid>,
    /// For what it is kept, and why no instance has it, as a sentence without a full stop.
    pub reason: String,
}

/// A wait of an instance for an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventWaitView {
    /// Id of the instance.
    pub instance: Uuid,
    /// Id of its workflow.
    pub workflow: String,
    /// Name of the event in the definition.
    pub event: String,
    /// The attribute `type` that the event must have.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The attribute `source` that the event must have; `None` for any.
    pub source: Option<String>,
    /// The attributes that the event must have, each with its value; `None` for any value.
    pub correlation: BTreeMap<String, Option<String>>,
    /// When the wait began, in milliseconds since 1970.
    pub since: i64,
    /// When the wait ends without an event, in milliseconds since 1970; `None` for never.
    pub until: Option<i64>,
}

/// An event in the outbox whose first attempt to send has failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StuckEventView {
    /// The instance that published it; the nil UUID for an event about a definition.
    pub instance: Uuid,
    /// Name of its channel.
    pub channel: String,
    /// When it was published, in milliseconds since 1970.
    pub at: i64,
    /// How many attempts to send it have failed.
    pub attempts: u32,
    /// When the next attempt is due, in milliseconds since 1970.
    pub next_at: Option<i64>,
    /// The error of the last attempt.
    pub error: Option<String>,
}

/// A channel of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelView {
    /// Its name.
    pub name: String,
    /// Direction of its events.
    pub direction: ChannelDirection,
    /// Address of its source or sink, for people; `None` if the channel cannot be used.
    pub address: Option<String>,
    /// Why the channel cannot be used.
    pub problem: Option<String>,
}

/// Direction of the events of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelDirection {
    /// To instances.
    Incoming,
    /// From instances.
    Outgoing,
}

impl From<KeptEvent> for KeptEventView {
    fn from(kept: KeptEvent) -> Self {
        let reason = match (&kept.instance, &kept.start, &kept.business_key) {
            (Some(instance), ..) => format!("instance {instance} does not wait for it now"),
            (None, Some((workflow, name)), _) => {
                format!(
                    "workflow `{workflow}` starts when the other events have come too; this one is `{name}`"
                )
            }
            (None, None, Some(key)) => format!("no instance with business key `{key}` waits for it yet"),
            (None, None, None) => "no instance that it correlates with waits for it yet".to_owned(),
        };
        Self {
            number: kept.number,
            id: kept.id,
            source: kept.source,
            event_type: kept.event_type,
            at: kept.at,
            until: kept.keep_until,
            instance: kept.instance,
            reason,
        }
    }
}

impl EventWaitView {
    /// The view of a stored wait; `None` for a row without a frame, which only claims events so that they start no other instance.
    pub(crate) fn of(waiting: WaitingInstance) -> Option<Self> {
        let WaitingInstance { instance, workflow, wait } = waiting;
        (wait.frame != NO_FRAME).then(|| Self {
            instance,
            workflow,
            event: wait.event,
            event_type: wait.event_type,
            source: wait.source,
            correlation: wait.correlation.into_iter().collect(),
            since: wait.since,
            until: wait.until,
        })
    }
}

impl From<OutboxRow> for StuckEventView {
    fn from(row: OutboxRow) -> Self {
        Self {
            instance: row.instance,
            channel: row.channel,
            at: row.at,
            attempts: row.attempts,
            next_at: row.next_at,
            error: row.last_error,
        }
    }
}

impl From<&Incoming> for ChannelView {
    fn from(channel: &Incoming) -> Self {
        let problem = matches!(channel.source, Source::Unusable(_));
        Self::new(&channel.name, ChannelDirection::Incoming, channel.source.to_string(), problem)
    }
}

impl From<&Outgoing> for ChannelView {
    fn from(channel: &Outgoing) -> Self {
        let problem = matches!(channel.sink, Sink::Unusable(_));
        Self::new(&channel.name, ChannelDirection::Outgoing, channel.sink.to_string(), problem)
    }
}

impl ChannelView {
    fn new(name: &str, direction: ChannelDirection, text: String, is_problem: bool) -> Self {
        let (address, problem) = if is_problem { (None, Some(text)) } else { (Some(text), None) };
        Self { name: name.to_owned(), direction, address, problem }
    }
}

#[cfg(test)]
mod tests {
    use rondo_store::EventWait;

    use super::*;

    #[test]
    fn a_kept_event_says_whom_it_is_for() {
        let kept = KeptEvent {
            number: 1,
            id: "e".into(),
            source: "s".into(),
            event_type: "t".into(),
            at: 0,
            keep_until: None,
            instance: None,
            business_key: None,
            start: None,
        };
        let with_key = KeptEvent { business_key: Some("K".into()), ..kept.clone() };
        let of_set = KeptEvent { start: Some(("order".into(), "paid".into())), ..kept.clone() };
        let for_one = KeptEvent { instance: Some(Uuid::nil()), ..with_key.clone() };
        for (kept, expected) in [
            (kept, "no instance that it correlates with waits for it yet"),
            (with_key, "no instance with business key `K` waits for it yet"),
            (of_set, "workflow `order` starts when the other events have come too; this one is `paid`"),
            (for_one, "instance 00000000-0000-0000-0000-000000000000 does not wait for it now"),
        ] {
            assert_eq!(KeptEventView::from(kept).reason, expected);
        }
    }

    #[test]
    fn what_only_keeps_an_event_from_starting_another_instance_is_no_wait() {
        let waiting = |frame| WaitingInstance {
            instance: Uuid::nil(),
            workflow: "w".into(),
            wait: EventWait { frame, ..EventWait::default() },
        };
        assert!(EventWaitView::of(waiting(0)).is_some());
        assert!(EventWaitView::of(waiting(NO_FRAME)).is_none());
    }
}
