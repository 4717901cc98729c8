//! `rondo show`: one instance, for the person who wonders what it is doing.

use std::{collections::HashSet, process::ExitCode};

use reqwest::Method;
use rondo_runtime::{Fact, HistoryEvent, HistoryLine, UnknownEvent, WaitView, Waiting};
use serde::{Deserialize as _, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    client::{Target, message_of},
    moments::{moment, write_moments},
    output,
};

/// Show one instance.
#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    /// Id of the instance.
    id: uuid::Uuid,
    /// Show the data as well.
    #[arg(long)]
    data: bool,
    #[command(flatten)]
    target: Target,
}

impl Show {
    pub(crate) async fn run(self) -> Result<ExitCode, String> {
        let answer = self.target.request(Method::GET, &format!("/rondo/instances/{}", self.id), None).await?;
        if answer.status != 200 {
            return Err(message_of(&answer));
        }
        if self.target.json {
            let mut instance = answer.body;
            write_times(&mut instance);
            output::json(&instance)?;
        } else {
            output::lines(describe(&answer.body, self.data)?);
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The instance in sentences, each a line.
fn describe(instance: &Value, with_data: bool) -> Result<Vec<String>, String> {
    let text = |name: &str| instance.get(name).and_then(Value::as_str).unwrap_or("-");
    let mut lines = vec![
        format!("instance  {}", text("id")),
        format!("workflow  {} (version {})", text("workflow"), text("version")),
        format!("state     {}", text("state")),
        format!("started   {}", moment(instance.get("start").and_then(Value::as_i64))),
    ];
    if instance.get("end").is_some_and(Value::is_number) {
        lines.push(format!("ended     {}", moment(instance.get("end").and_then(Value::as_i64))));
    }
    if let Some(reason) = instance.get("reason").and_then(Value::as_str) {
        lines.push(format!("waits     {}", reason.trim_start_matches("waits ")));
    }
    if let Some(message) = instance.pointer("/error/message").and_then(Value::as_str) {
        let node = instance.pointer("/error/node").and_then(Value::as_str).unwrap_or("-");
        lines.push(format!("error     in {node}: {message}"));
        lines.push(format!("next      mend the cause, then POST {}", text("retrigger")));
    }
    lines.extend(list(instance, "waits")?.iter().map(|wait| format!("waits     {}", sentence(wait))));
    let history: Vec<HistoryLine> = list(instance, "history")?;
    if !history.is_empty() {
        let left = left(&history);
        lines.push(String::new());
        lines.extend(history.iter().filter_map(|line| history_line(line, &left)));
    }
    if with_data {
        lines.push(String::new());
        lines.extend(output::pretty(&instance["data"])?.lines().map(str::to_owned));
    }
    Ok(lines)
}

/// A list of the answer as the types that the engine made it from.
fn list<T: DeserializeOwned>(instance: &Value, name: &str) -> Result<Vec<T>, String> {
    let Some(list) = instance.get(name) else { return Ok(Vec::new()) };
    Vec::deserialize(list).map_err(|error| {
        format!("the answer of the engine cannot be read: `{name}`: {error}; is it of the same version?")
    })
}

/// Why it waits, since when, and what comes next.
fn sentence(wait: &WaitView) -> String {
    let place = match &wait.action {
        Some(action) => format!("in state `{}`, action `{action}`", wait.state),
        None => format!("in state `{}`", wait.state),
    };
    let what = match &wait.waiting {
        Waiting::Sleep { until } => format!("sleeps until {}, then goes on", moment(Some(*until))),
        Waiting::Call { function, attempt } => {
            format!("waits for the answer of `{function}` (attempt {attempt})")
        }
        Waiting::Retry { until, attempt } => {
            format!("will try again at {} (attempt {attempt})", moment(Some(*until)))
        }
        Waiting::Subflow { workflow } => format!("waits for the end of subflow `{workflow}`"),
        Waiting::Events { events, until, correlation } => {
            let limit = match until {
                Some(until) => format!(", until {} at the latest", moment(Some(*until))),
                None => String::new(),
            };
            let names: Vec<_> = events.iter().map(|name| format!("`{name}`")).collect();
            let key: Vec<_> = correlation.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let key = if key.is_empty() { String::new() } else { format!(" with key {}", key.join(" ")) };
            format!("waits for event {}{key}{limit}", names.join(" or "))
        }
        Waiting::Repair => "stands at an error".to_owned(),
    };
    format!("{place} since {}: {what}", moment(wait.since))
}

/// The visits that have ended. Looked up for every action, of which there may be many thousands.
fn left(history: &[HistoryLine]) -> HashSet<u64> {
    let ended = |line: &HistoryLine| match line.fact()? {
        Fact::Left { visit } => Some(*visit),
        _ => None,
    };
    history.iter().filter_map(ended).collect()
}

/// A line of history; lines that only close another one are left out.
fn history_line(line: &HistoryLine, left: &HashSet<u64>) -> Option<String> {
    let what = match &line.event {
        HistoryEvent::Fact(fact) => fact_line(fact, left)?,
        HistoryEvent::Unknown(UnknownEvent { kind, message }) if message.is_empty() => {
            format!("`{kind}`, which this version does not know")
        }
        HistoryEvent::Unknown(UnknownEvent { kind, message }) => format!("`{kind}`: {message}"),
    };
    Some(format!("{}  {what}", moment(Some(line.at))))
}

fn fact_line(fact: &Fact, left: &HashSet<u64>) -> Option<String> {
    Some(match fact {
        Fact::Started => "started".to_owned(),
        Fact::Entered { state, .. } => format!("state {state}"),
        Fact::Action { visit, target, .. } => {
            format!("  action {target}{}", if left.contains(visit) { "" } else { " …" })
        }
        Fact::Awaits { events, .. } => format!("  waits for event {}", events.join(", ")),
        Fact::Event { event, id, .. } => format!("  event {event} ({id})"),
        Fact::Retry { attempt, message, .. } => format!("  attempt {attempt} failed: {message}"),
        Fact::Handled { message, .. } => format!("  error handled: {message}"),
        Fact::Failed { message, .. } => format!("  failed: {message}"),
        Fact::Retriggered { .. } => "retriggered".to_owned(),
        Fact::Skipped { .. } => "skipped the failed step".to_owned(),
        Fact::AsyncFailed { target, message, .. } => {
            format!("  {target}, which nobody waits for, failed: {message}")
        }
        Fact::Continued { workflow, version } => {
            let version = version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
            format!("continued as {workflow}{version}")
        }
        Fact::Changed => "data changed from outside".to_owned(),
        Fact::Completed => "completed".to_owned(),
        Fact::Aborted => "aborted".to_owned(),
        Fact::Left { .. } | Fact::Dropped { .. } => return None,
    })
}

/// Writes moments in ISO 8601, as the Data Index has them; the data is left alone.
fn write_times(instance: &mut Value) {
    write_moments(instance, &["start", "end"]);
    for wait in instance.get_mut("waits").and_then(Value::as_array_mut).into_iter().flatten() {
        write_moments(wait, &["since"]);
        if let Some(waiting) = wait.get_mut("waiting") {
            write_moments(waiting, &["until"]);
        }
    }
    for line in instance.get_mut("history").and_then(Value::as_array_mut).into_iter().flatten() {
        write_moments(line, &["at", "until"]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_instance_is_told_in_sentences() {
        let instance = json!({
            "id": "0198", "workflow": "request", "version": "1.0", "state": "ACTIVE", "start": 0,
            "waits": [{"state": "Poll", "action": "look", "visit": 2, "since": 60000, "waiting": {"for": "sleep", "until": 120_000}}],
            "history": [
                {"at": 0, "f": "started"}, {"at": 0, "f": "entered", "v": 1, "state": "Poll", "kind": "operation"},
                {"at": 0, "f": "action", "v": 2, "target": "look", "kind": "call", "within": 1}, {"at": 60000, "f": "left", "v": 2},
                {"at": 61000, "f": "paused", "by": "ada"}
            ]
        });
        assert_eq!(
            describe(&instance, false).unwrap().join("\n"),
            "instance  0198\nworkflow  request (version 1.0)\nstate     ACTIVE\nstarted   1970-01-01 00:00:00\n\
             waits     in state `Poll`, action `look` since 1970-01-01 00:01:00: sleeps until 1970-01-01 00:02:00, then goes on\n\n\
             1970-01-01 00:00:00  started\n1970-01-01 00:00:00  state Poll\n1970-01-01 00:00:00    action look\n\
             1970-01-01 00:01:01  `paused`, which this version does not know"
        );
    }

    #[test]
    fn an_instance_that_waits_for_a_place_says_so() {
        let reason = "waits for a place in concurrency group `tenants`, key `acme`: 5 of 5 run and 2 wait";
        let instance = json!({"id": "0198", "state": "PENDING", "reason": reason, "start": 0});
        let lines = describe(&instance, false).unwrap();
        assert_eq!(lines[2], "state     PENDING");
        assert_eq!(
            lines[4],
            "waits     for a place in concurrency group `tenants`, key `acme`: 5 of 5 run and 2 wait"
        );
    }

    #[test]
    fn a_wait_for_an_event_is_told_with_its_key_and_its_limits() {
        let wait = |waiting: serde_json::Value| json!({"state": "Wait", "visit": 1, "since": 60000, "waiting": waiting});
        let instance = json!({
            "waits": [
                wait(json!({"for": "events", "events": ["approval"], "correlation": {"order": "42"}, "until": 120_000})),
                wait(json!({"for": "events", "events": ["yes", "no"]})),
            ],
            "history": [
                {"at": 0, "f": "awaits", "v": 1, "events": ["yes", "no"]},
                {"at": 1000, "f": "event", "v": 1, "event": "yes", "id": "e7"},
            ],
        });
        let lines = describe(&instance, false).unwrap();
        let place = "waits     in state `Wait` since 1970-01-01 00:01:00: waits for event";
        assert_eq!(
            lines[4],
            format!("{place} `approval` with key order=42, until 1970-01-01 00:02:00 at the latest")
        );
        assert_eq!(lines[5], format!("{place} `yes` or `no`"));
        assert_eq!(lines[7], "1970-01-01 00:00:00    waits for event yes, no");
        assert_eq!(lines[8], "1970-01-01 00:00:01    event yes (e7)");
    }

    #[test]
    fn moments_are_iso_8601_in_json_and_the_data_is_left_alone() {
        let mut instance = json!({
            "start": 0, "end": null, "data": {"start": 1, "history": [{"at": 1}]},
            "waits": [{"since": 1000, "waiting": {"for": "retry", "until": 2000, "attempt": 2}}],
            "history": [{"at": 1, "f": "retry", "until": 2, "attempt": 3}]
        });
        write_times(&mut instance);
        let at = |second: &str| format!("1970-01-01T00:00:0{second}Z");
        let expected = json!({
            "start": at("0.000"), "end": null, "data": {"start": 1, "history": [{"at": 1}]},
            "waits": [{"since": at("1.000"), "waiting": {"for": "retry", "until": at("2.000"), "attempt": 2}}],
            "history": [{"at": at("0.001"), "f": "retry", "until": at("0.002"), "attempt": 3}]
        });
        assert_eq!(instance, expected);
    }

    #[test]
    fn every_action_of_a_long_history_is_shown_with_whether_it_has_ended() {
        const ACTIONS: u64 = 2000;
        let lines = (0..ACTIONS).flat_map(|visit| {
            let begun = json!({"at": 0, "f": "action", "v": visit, "target": "look", "kind": "call", "within": 0});
            [begun, json!({"at": 0, "f": if visit % 2 == 0 { "left" } else { "handled" }, "v": visit, "message": ""})]
        });
        let history: Vec<_> = lines.collect();
        let shown = describe(&json!({"history": history}), false).unwrap();
        let count = |ending: &str| shown.iter().filter(|line| line.ends_with(ending)).count() as u64;
        assert_eq!((count("  action look"), count("  action look …")), (ACTIONS / 2, ACTIONS / 2));
    }

    #[test]
    fn an_answer_of_another_form_is_an_error_that_says_where() {
        let problem = describe(&json!({"waits": [{"state": 1}]}), false).unwrap_err();
        assert!(problem.contains("`waits`"), "{problem}");
    }
}
