//! Lowers the schedule of `start`.
//!
//! The reader of the document has checked the forms of its parts. Here it is checked what needs the moments: a schedule without one, an end
//! before the start, and a schedule of a workflow that events start. Source: Serverless Workflow 0.8, "Schedule Definition".

use rondo_definition::{
    Compat, Diagnostic, Pointer, codes,
    model::{self, ScheduleTiming, StateKind, Workflow},
};
use rondo_program::{
    Schedule, StartWindow,
    schedule::{Cron, Repetition, TimeZone, Timing, parse_moment},
};

use super::context::Context;

/// What a schedule comes to.
#[derive(Default)]
pub(super) struct LoweredSchedule {
    /// When instances start by themselves.
    pub(super) schedule: Option<Schedule>,
    /// When events may start instances.
    pub(super) window: Option<StartWindow>,
}

impl Context<'_> {
    /// Lowers the schedule of the workflow. One that cannot be kept to is reported, and nothing comes of it.
    pub(super) fn lower_schedule(&mut self) -> LoweredSchedule {
        let workflow = &self.document.workflow;
        let Some(written) = &workflow.schedule else { return LoweredSchedule::default() };
        let zone = written.timezone.as_ref().and_then(|zone| TimeZone::get(&zone.value).ok());
        let zone = zone.unwrap_or(TimeZone::UTC);
        let starts_by_event = starts_by_event(workflow);
        if let ScheduleTiming::Interval(interval) = &written.timing
            && !interval.value.trim_start().starts_with('R')
        {
            let window = self.lower_window(interval, &zone);
            if !starts_by_event && window.is_some() {
                let why =
                    "a start and an end bound the time in which events start instances, and no event does";
                self.report_unused_schedule(
                    &written.at,
                    why,
                    "write R/start/duration to start instances at moments",
                );
                return LoweredSchedule::default();
            }
            return LoweredSchedule { schedule: None, window };
        }
        let schedule = self.lower_moments(&written.timing, zone);
        if starts_by_event && schedule.is_some() {
            let why = "the first state waits for events, which start the instances";
            self.report_unused_schedule(
                &written.at,
                why,
                "leave it out, or write start/end to bound the time of the events",
            );
            return LoweredSchedule::default();
        }
        LoweredSchedule { schedule, window: None }
    }

    fn lower_window(&mut self, interval: &model::At<String>, zone: &TimeZone) -> Option<StartWindow> {
        let (from, until) = interval.value.split_once('/')?;
        let window = StartWindow { from: parse_moment(from, zone)?, until: parse_moment(until, zone)? };
        if window.from >= window.until {
            let message =
                format!("start: the `interval` `{}` of the schedule ends before it begins", interval.value);
            self.report_schedule(&interval.at, message, "write the earlier time first");
            return None;
        }
        Some(window)
    }

    fn lower_moments(&mut self, timing: &ScheduleTiming, zone: TimeZone) -> Option<Schedule> {
        let (timing, property, text) = match timing {
            ScheduleTiming::Interval(interval) => match Repetition::parse(&interval.value, &zone) {
                Ok(repetition) => (Timing::Interval(repetition), "interval", interval),
                Err(error) => {
                    let message = format!(
                        "start: the `interval` `{}` of the schedule cannot be kept to: {error}",
                        interval.value
                    );
                    self.report_schedule(
                        &interval.at,
                        message,
                        "write R/PT1H, R/2026-01-01T00:00:00Z/P1D, …",
                    );
                    return None;
                }
            },
            ScheduleTiming::Cron { expression, valid_until } => {
                let until = valid_until.as_ref().and_then(|until| parse_moment(&until.value, &zone));
                match Cron::parse(&expression.value, until) {
                    Ok(cron) => (Timing::Cron(Box::new(cron)), "cron", expression),
                    Err(error) => {
                        let message = format!(
                            "start: `cron` of the schedule is `{}`, which is no cron expression: {error}",
                            expression.value
                        );
                        let help = "five fields, minute first, or six or seven, second first";
                        self.report_schedule(&expression.at, message, help);
                        return None;
                    }
                }
            }
        };
        let schedule = Schedule { timing, zone };
        if !schedule.has_moments() {
            let message = format!("start: the `{property}` `{}` of the schedule never comes", text.value);
            let help = "look for a day that its month does not have, for zero repetitions, and for an end before the first moment";
            self.report_schedule(&text.at, message, help);
            return None;
        }
        Some(schedule)
    }

    /// Reports a schedule that cannot be kept to: as an error with `rondo.compat=spec`, else as a warning.
    fn report_schedule(&mut self, at: &Pointer, message: String, help: &str) {
        let source = &self.document.source;
        let report = match self.document.compat {
            Compat::Spec => Diagnostic::error,
            Compat::SonataFlow => Diagnostic::warning,
        };
        self.diagnostics.push(report(codes::INVALID_SCHEDULE, source, at, message).help(help));
    }

    fn report_unused_schedule(&mut self, at: &Pointer, why: &str, help: &str) {
        let source = &self.document.source;
        let message = format!("start: `schedule` has no effect: {why}");
        let warning = Diagnostic::warning(codes::UNUSED_PROPERTY, source, at, message);
        self.diagnostics.push(warning.on_key(source, at).help(help));
    }
}

/// Whether the first state waits for events.
fn starts_by_event(workflow: &Workflow) -> bool {
    let first = workflow.states.iter().find(|state| state.name == workflow.start.value);
    first.is_some_and(|state| matches!(state.kind, StateKind::Event(_)))
}
