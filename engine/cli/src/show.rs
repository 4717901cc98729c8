//! `rondo show`: one instance, for the person who wonders what it is doing.

use std::{collections::HashSet, process::ExitCode};

use jiff::Timestamp;
use reqwest::Method;
use serde_json::Value;

use crate::{
    client::{Target, message_of},
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
        format!("started   {}", moment(instance.get("start"))),
    ];
    if instance.get("end").is_some_and(Value::is_number) {
        lines.push(format!("ended     {}", moment(instance.get("end"))));
    }
    if let Some(message) = instance.pointer("/error/message").and_then(Value::as_str) {
        let node = instance.pointer("/error/node").and_then(Value::as_str).unwrap_or("-");
        lines.push(format!("error     in {node}: {message}"));
        lines.push(format!("next      mend the cause, then POST {}", text("retrigger")));
    }
    for wait in list(instance, "waits") {
        lines.push(format!("waits     {}", sentence(wait)));
    }
    let history = list(instance, "history");
    if !history.is_empty() {
        let left = left(history);
        lines.push(String::new());
        lines.extend(history.iter().filter_map(|line| history_line(line, &left)));
    }
    if with_data {
        lines.push(String::new());
        lines.extend(output::pretty(&instance["data"])?.lines().map(str::to_owned));
    }
    Ok(lines)
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Why it waits, since when, and what comes next.
fn sentence(wait: &Value) -> String {
    let text = |pointer: &str| wait.pointer(pointer).and_then(Value::as_str).unwrap_or("-");
    let place = match wait.get("action").and_then(Value::as_str) {
        Some(action) => format!("in state `{}`, action `{action}`", text("/state")),
        None => format!("in state `{}`", text("/state")),
    };
    let until = || moment(wait.pointer("/waiting/until"));
    let what = match text("/waiting/for") {
        "sleep" => format!("sleeps until {}, then goes on", until()),
        "call" => format!(
            "waits for the answer of `{}` (attempt {})",
            text("/waiting/function"),
            wait.pointer("/waiting/attempt").and_then(Value::as_u64).unwrap_or(1)
        ),
        "retry" => format!(
            "will try again at {} (attempt {})",
            until(),
            wait.pointer("/waiting/attempt").and_then(Value::as_u64).unwrap_or(1)
        ),
        "subflow" => format!("waits for the end of subflow `{}`", text("/waiting/workflow")),
        "events" => {
            let events: Vec<_> =
                wait.pointer("/waiting/events").and_then(Value::as_array).into_iter().flatten().collect();
            let names: Vec<_> = events.iter().filter_map(|name| name.as_str()).collect();
            let limit = match wait.pointer("/waiting/until") {
                Some(_) => format!(", until {} at the latest", until()),
                None => String::new(),
            };
            format!("waits for event {}{limit}", names.join(" or "))
        }
        "repair" => "stands at an error".to_owned(),
        other => format!("waits ({other})"),
    };
    format!("{place} since {}: {what}", moment(wait.get("since")))
}

/// The visits that have ended. Looked up for every action, of which there may be many thousands.
fn left(history: &[Value]) -> HashSet<u64> {
    let ends = history.iter().filter(|line| line.get("f").and_then(Value::as_str) == Some("left"));
    ends.filter_map(visit).collect()
}

fn visit(line: &Value) -> Option<u64> {
    line.get("v").and_then(Value::as_u64)
}

/// A line of history; lines that only close another one are left out.
fn history_line(line: &Value, left: &HashSet<u64>) -> Option<String> {
    let text = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or("-");
    let what = match text("f") {
        "started" => "started".to_owned(),
        "entered" => format!("state {}", text("state")),
        "action" => {
            let has_ended = visit(line).is_some_and(|visit| left.contains(&visit));
            format!("  action {}{}", text("target"), if has_ended { "" } else { " …" })
        }
        "retry" => format!("  attempt {} failed: {}", line["attempt"], text("message")),
        "handled" => format!("  error handled: {}", text("message")),
        "failed" => format!("  failed: {}", text("message")),
        "retriggered" => "retriggered".to_owned(),
        "skipped" => "skipped the failed step".to_owned(),
        "changed" => "data changed from outside".to_owned(),
        "completed" => "completed".to_owned(),
        "aborted" => "aborted".to_owned(),
        _ => return None,
    };
    Some(format!("{}  {what}", moment(line.get("at"))))
}

/// Writes moments in ISO 8601, as the Data Index has them; the data is left alone.
fn write_times(instance: &mut Value) {
    let write = |value: &mut Value, names: &[&str]| {
        for name in names {
            let Some(slot) = value.get_mut(*name) else { continue };
            if let Some(moment) = timestamp(slot) {
                *slot = format!("{moment:.3}").into();
            }
        }
    };
    write(instance, &["start", "end"]);
    for wait in instance.get_mut("waits").and_then(Value::as_array_mut).into_iter().flatten() {
        write(wait, &["since"]);
        if let Some(waiting) = wait.get_mut("waiting") {
            write(waiting, &["until"]);
        }
    }
    for line in instance.get_mut("history").and_then(Value::as_array_mut).into_iter().flatten() {
        write(line, &["at", "until"]);
    }
}

/// Milliseconds since 1970 as people read them.
fn moment(millis: Option<&Value>) -> String {
    let moment = millis.and_then(timestamp);
    moment.map_or_else(|| "-".to_owned(), |moment| moment.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

/// Milliseconds since 1970 as a timestamp; `None` for other values.
fn timestamp(millis: &Value) -> Option<Timestamp> {
    Timestamp::from_millisecond(millis.as_i64()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_instance_is_told_in_sentences() {
        let instance = json!({
            "id": "0198", "workflow": "request", "version": "1.0", "state": "ACTIVE", "start": 0,
            "waits": [{"state": "Poll", "action": "look", "since": 60000, "waiting": {"for": "sleep", "until": 120_000}}],
            "history": [
                {"at": 0, "f": "started"}, {"at": 0, "f": "entered", "v": 1, "state": "Poll"},
                {"at": 0, "f": "action", "v": 2, "target": "look"}, {"at": 60000, "f": "left", "v": 2}
            ]
        });
        assert_eq!(
            describe(&instance, false).unwrap().join("\n"),
            "instance  0198\nworkflow  request (version 1.0)\nstate     ACTIVE\nstarted   1970-01-01 00:00:00\n\
             waits     in state `Poll`, action `look` since 1970-01-01 00:01:00: sleeps until 1970-01-01 00:02:00, then goes on\n\n\
             1970-01-01 00:00:00  started\n1970-01-01 00:00:00  state Poll\n1970-01-01 00:00:00    action look"
        );
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
    fn actions_that_go_on_are_marked() {
        let history = json!([
            {"at": 0, "f": "action", "v": 1, "target": "first"},
            {"at": 0, "f": "action", "v": 2, "target": "second"},
            {"at": 0, "f": "left", "v": 1},
            {"at": 0, "f": "action", "target": "unnumbered"}
        ]);
        let history = list_of(&history);
        let left = left(history);
        let told: Vec<_> = history.iter().filter_map(|line| history_line(line, &left)).collect();
        assert_eq!(
            told,
            [
                "1970-01-01 00:00:00    action first",
                "1970-01-01 00:00:00    action second …",
                "1970-01-01 00:00:00    action unnumbered …"
            ]
        );
    }

    fn list_of(value: &Value) -> &[Value] {
        value.as_array().map_or(&[], Vec::as_slice)
    }
}
