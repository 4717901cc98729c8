//! `rondo events`: the events that are kept, that nobody wanted, and that wait to be sent, each with the reason.

use std::process::ExitCode;

use rondo_runtime::{ChannelDirection, ChannelView, KeptEventView, StuckEventView, UnwantedEvent};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    client::Target,
    moments::{moment, write_moments},
    output,
};

/// Show the events that are kept, that nobody wanted, and that wait to be sent.
#[derive(Debug, clap::Args)]
pub(crate) struct Events {
    /// At most so many of each.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Only kept events behind the one of this number.
    #[arg(long)]
    after: Option<i64>,
    #[command(flatten)]
    target: Target,
}

/// The answer of the engine.
#[derive(Debug, Deserialize)]
struct Answer {
    kept: Vec<KeptEventView>,
    unwanted: Vec<UnwantedEvent>,
    outbox: Outbox,
    channels: Vec<ChannelView>,
}

#[derive(Debug, Deserialize)]
struct Outbox {
    waiting: u64,
    bytes: u64,
    most: u64,
    oldest: Option<i64>,
    stuck: Vec<StuckEventView>,
}

impl Events {
    pub(crate) async fn run(self) -> Result<ExitCode, String> {
        let after = self.after.map(|after| format!("&after={after}")).unwrap_or_default();
        let path = format!("/rondo/events?limit={}{after}", self.limit);
        self.target.show(&path, write_times, describe).await
    }
}

/// The answer as tables.
fn describe(answer: &Value) -> Result<Vec<String>, serde_json::Error> {
    let Answer { kept, unwanted, outbox, channels } = Answer::deserialize(answer)?;
    let mut lines = Vec::new();
    section(&mut lines, "KEPT", kept.is_empty(), || {
        let rows: Vec<_> = kept.iter().map(kept_row).collect();
        output::table(&["NUMBER", "TYPE", "ID", "SOURCE", "CAME", "UNTIL", "WHY"], &rows)
    });
    section(&mut lines, "NOT WANTED", unwanted.is_empty(), || {
        let rows: Vec<_> = unwanted.iter().map(unwanted_row).collect();
        output::table(&["TYPE", "ID", "SOURCE", "CAME", "WHY"], &rows)
    });
    let oldest = outbox.oldest.map(|oldest| format!(", the oldest since {}", moment(Some(oldest))));
    lines.push(format!(
        "TO SEND: {} of at most {} events, {} bytes{}",
        outbox.waiting,
        outbox.most,
        outbox.bytes,
        oldest.unwrap_or_default()
    ));
    if !outbox.stuck.is_empty() {
        let rows: Vec<_> = outbox.stuck.iter().map(stuck_row).collect();
        lines.extend(output::table(&["CHANNEL", "INSTANCE", "ATTEMPTS", "NEXT", "ERROR"], &rows));
    }
    lines.push(String::new());
    lines.push("CHANNELS".to_owned());
    let rows: Vec<_> = channels.iter().map(channel_row).collect();
    lines.extend(output::table(&["NAME", "", "ADDRESS"], &rows));
    Ok(lines)
}

/// Adds a table with its heading, and a blank line after it.
fn section(lines: &mut Vec<String>, heading: &str, is_empty: bool, table: impl FnOnce() -> Vec<String>) {
    if is_empty {
        lines.push(format!("{heading}: none"));
    } else {
        lines.push(heading.to_owned());
        lines.extend(table());
    }
    lines.push(String::new());
}

fn kept_row(kept: &KeptEventView) -> Vec<String> {
    let until = kept.until.map_or_else(|| "for ever".to_owned(), |until| moment(Some(until)));
    vec![
        kept.number.to_string(),
        kept.event_type.clone(),
        kept.id.clone(),
        kept.source.clone(),
        moment(Some(kept.at)),
        until,
        kept.reason.clone(),
    ]
}

fn unwanted_row(event: &UnwantedEvent) -> Vec<String> {
    vec![
        event.event_type.clone(),
        event.id.clone(),
        event.source.clone(),
        moment(Some(event.at)),
        event.reason.clone(),
    ]
}

fn stuck_row(stuck: &StuckEventView) -> Vec<String> {
    let error = stuck.error.as_deref().and_then(|error| error.lines().next()).unwrap_or_default();
    vec![
        stuck.channel.clone(),
        stuck.instance.to_string(),
        stuck.attempts.to_string(),
        moment(stuck.next_at),
        error.to_owned(),
    ]
}

fn channel_row(channel: &ChannelView) -> Vec<String> {
    let direction = match channel.direction {
        ChannelDirection::Incoming => "in",
        ChannelDirection::Outgoing => "out",
    };
    let address = channel.address.clone().or_else(|| channel.problem.clone()).unwrap_or_default();
    vec![channel.name.clone(), direction.to_owned(), address]
}

/// Writes moments in ISO 8601.
fn write_times(answer: &mut Value) {
    for list in ["/kept", "/unwanted", "/outbox/stuck"] {
        for row in answer.pointer_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            write_moments(row, &["at", "until", "nextAt"]);
        }
    }
    if let Some(outbox) = answer.get_mut("outbox") {
        write_moments(outbox, &["oldest"]);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer() -> Value {
        json!({
            "kept": [{
                "number": 3, "id": "e3", "source": "/shop", "type": "paid", "at": 0, "until": 60_000,
                "reason": "no instance that it correlates with waits for it yet",
            }],
            "unwanted": [],
            "outbox": {"waiting": 2, "bytes": 640, "most": 100, "oldest": 1000, "stuck": [{
                "instance": "00000000-0000-0000-0000-000000000000", "channel": "orders", "at": 1000, "attempts": 4,
                "nextAt": 9000, "error": "channel `orders`: refused\nand more",
            }]},
            "channels": [
                {"name": "kogito_incoming_stream", "direction": "incoming", "address": "POST /", "problem": null},
                {"name": "orders", "direction": "outgoing", "address": null, "problem": "unusable: no address"},
            ],
        })
    }

    #[test]
    fn each_list_is_a_table() {
        let lines = describe(&answer()).unwrap();
        assert_eq!(
            lines.join("\n"),
            "\
KEPT
NUMBER  TYPE  ID  SOURCE  CAME                 UNTIL                WHY
3       paid  e3  /shop   1970-01-01 00:00:00  1970-01-01 00:01:00  no instance that it correlates with waits for it yet

NOT WANTED: none

TO SEND: 2 of at most 100 events, 640 bytes, the oldest since 1970-01-01 00:00:01
CHANNEL  INSTANCE                              ATTEMPTS  NEXT                 ERROR
orders   00000000-0000-0000-0000-000000000000  4         1970-01-01 00:00:09  channel `orders`: refused

CHANNELS
NAME                         ADDRESS
kogito_incoming_stream  in   POST /
orders                  out  unusable: no address"
        );
    }

    #[test]
    fn moments_are_iso_8601_in_json() {
        let mut answer = answer();
        write_times(&mut answer);
        assert_eq!(answer["kept"][0]["until"], "1970-01-01T00:01:00.000Z");
        assert_eq!(answer["outbox"]["oldest"], "1970-01-01T00:00:01.000Z");
        assert_eq!(answer["outbox"]["stuck"][0]["nextAt"], "1970-01-01T00:00:09.000Z");
    }
}
