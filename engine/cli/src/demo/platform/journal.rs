//! Prints what happens, as it happens: events that the webhook received, mails, jobs of the provisioner.

use std::time::Instant;

use rondo_simulator::{JobState, ReceivedEvent, Simulator};
use serde_json::Value;

use super::desk::Desk;
use crate::{
    demo::{POLL_INTERVAL, stamp},
    output,
};

/// Prints for ever.
pub(super) async fn run(desk: &Desk, services: &Simulator, begin: Instant) {
    let (mut events, mut mails) = (0, 0);
    let mut jobs: Vec<JobState> = Vec::new();
    loop {
        let received = services.received_events();
        for event in received.iter().skip(events) {
            let request = event.data["requestId"].as_str().unwrap_or_default();
            let name = desk.name_of(request).await;
            output::line(&format!("{} {name:<16} {}", stamp(begin), describe(event)));
        }
        events = received.len();
        let sent = services.mails();
        for mail in sent.iter().skip(mails) {
            output::line(&format!(
                "{} {:<16} {} → {}",
                stamp(begin),
                "mail",
                mail.subject,
                mail.to.join(", ")
            ));
        }
        mails = sent.len();
        let current = services.provisioner_jobs();
        for (number, job) in current.iter().enumerate() {
            if jobs.get(number) != Some(&job.state) {
                let what = match job.state {
                    JobState::Running => "takes the message",
                    JobState::CallingBack => "is done",
                    JobState::Reported => "called back",
                    JobState::Refused => "called back, and nothing waits for it",
                    JobState::Silent => "keeps silent",
                };
                let text = |member: &str| job.message[member].as_str().unwrap_or_default();
                let (action, plate) = (text("action"), text("licencePlate"));
                output::line(&format!(
                    "{} {:<16} {what}: {action} {plate} on {}",
                    stamp(begin),
                    "provisioner",
                    job.cluster
                ));
            }
        }
        jobs = current.iter().map(|job| job.state).collect();
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// An event in one line.
fn describe(event: &ReceivedEvent) -> String {
    let data = &event.data;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let kind = event.event_type.trim_start_matches("provisioning.");
    let more = match kind {
        "started" => text(&data["state"]),
        "step-completed" => text(&data["step"]),
        "service.activated" => text(&data["access"]["ip"]),
        "failed" => {
            let failure = &data["failure"];
            format!("{} {}", text(&failure["code"]), text(&failure["message"]))
        }
        "rolled-back" => text(&data["cause"]),
        _ => String::new(),
    };
    format!("{kind} {more}").trim_end().to_owned()
}
