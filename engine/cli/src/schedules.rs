//! `rondo schedules`: when workflows are started by their schedules.

use std::process::ExitCode;

use rondo_runtime::ScheduleView;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    client::Target,
    moments::{iso_8601, moment},
    output,
};

/// Show the schedules of the workflows that are served, with their next moments.
#[derive(Debug, clap::Args)]
pub(crate) struct Schedules {
    /// How many moments of each.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    count: u32,
    #[command(flatten)]
    target: Target,
}

impl Schedules {
    pub(crate) async fn run(self) -> Result<ExitCode, String> {
        let path = format!("/rondo/schedules?count={}", self.count);
        self.target.show(&path, write_times, describe).await
    }
}

/// The answer as a table, with a line for each moment.
fn describe(answer: &Value) -> Result<Vec<String>, serde_json::Error> {
    let schedules = Vec::<ScheduleView>::deserialize(answer)?;
    if schedules.is_empty() {
        return Ok(vec!["no workflow has a schedule".to_owned()]);
    }
    let rows: Vec<_> = schedules.iter().flat_map(rows).collect();
    Ok(output::table(&["WORKFLOW", "VERSION", "SCHEDULE", "TIME ZONE", "NEXT (UTC)"], &rows))
}

/// The first row says what the schedule is; one that is over has no moments.
fn rows(schedule: &ScheduleView) -> Vec<Vec<String>> {
    let ScheduleView { workflow, version, schedule, timezone, next } = schedule;
    let first = next.first().map_or_else(|| "never again".to_owned(), |at| moment(Some(*at)));
    let mut rows = vec![vec![workflow.clone(), version.clone(), schedule.clone(), timezone.clone(), first]];
    rows.extend(next.iter().skip(1).map(|at| {
        let mut row = vec![String::new(); 4];
        row.push(moment(Some(*at)));
        row
    }));
    rows
}

/// Writes moments in ISO 8601.
fn write_times(answer: &mut Value) {
    for schedule in answer.as_array_mut().into_iter().flatten() {
        for at in schedule.get_mut("next").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(text) = at.as_i64().and_then(iso_8601) {
                *at = text.into();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer() -> Value {
        json!([
            {"workflow": "report", "version": "1.0", "schedule": "cron 0 0/5 * * * ?", "timezone": "Europe/Berlin", "next": [300_000, 600_000]},
            {"workflow": "once", "version": "2", "schedule": "interval R1/PT1H", "timezone": "UTC", "next": []},
        ])
    }

    #[test]
    fn each_moment_has_a_line() {
        assert_eq!(
            describe(&answer()).unwrap().join("\n"),
            "\
WORKFLOW  VERSION  SCHEDULE            TIME ZONE      NEXT (UTC)
report    1.0      cron 0 0/5 * * * ?  Europe/Berlin  1970-01-01 00:05:00
                                                      1970-01-01 00:10:00
once      2        interval R1/PT1H    UTC            never again"
        );
        assert_eq!(describe(&json!([])).unwrap(), ["no workflow has a schedule"]);
    }

    #[test]
    fn moments_are_iso_8601_in_json() {
        let mut answer = answer();
        write_times(&mut answer);
        assert_eq!(answer[0]["next"], json!(["1970-01-01T00:05:00.000Z", "1970-01-01T00:10:00.000Z"]));
    }
}
