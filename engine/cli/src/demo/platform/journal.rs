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
    let say = |who: &str, what: &str, more: &str| {
        output::line(format!("{} {who:<14} {what:<18} {more}", stamp(begin)).trim_end());
    };
    let (mut events, mut mails) = (0, 0);
    let mut jobs: Vec<JobState> = Vec::new();
    loop {
        let received = services.received_events();
        let mut news: Vec<&ReceivedEvent> = received.iter().skip(events).collect();
        // Deliveries are made side by side and may overtake each other. Their ids count the events of a request.
        news.sort_by_key(|event| place(event));
        for event in news {
            let name = desk.name_of(event.data["requestId"].as_str().unwrap_or_default()).await;
            let (what, more) = describe(event);
            say(&name, what, &more);
        }
        events = received.len();
        let sent = services.mails();
        for mail in sent.iter().skip(mails) {
            say("mail", "sent", &format!("{} → {}", mail.subject, mail.to.join(", ")));
        }
        mails = sent.len();
        let current = services.provisioner_jobs();
        for (number, job) in current.iter().enumerate() {
            if jobs.get(number) != Some(&job.state) {
                let what = match job.state {
                    JobState::Running => "takes a message",
                    JobState::CallingBack => "is done",
                    JobState::Reported => "called back",
                    JobState::Refused => "was not expected",
                    JobState::Silent => "keeps silent",
                };
                let text = |member: &str| job.message[member].as_str().unwrap_or_default();
                let more = format!("{} {} on {}", text("action"), text("licencePlate"), job.cluster);
                say("provisioner", what, &more);
            }
        }
        jobs = current.iter().map(|job| job.state).collect();
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// The request and number of an event, of which its id is made.
fn place(event: &ReceivedEvent) -> (String, u32) {
    let (request, number) = event.id.rsplit_once('-').unwrap_or((&event.id, ""));
    (request.to_owned(), number.parse().unwrap_or(u32::MAX))
}

/// What happened, and more about it.
fn describe(event: &ReceivedEvent) -> (&str, String) {
    let data = &event.data;
    let text = |pointer: &str| data.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let kind = event.event_type.trim_start_matches("provisioning.");
    let more = match kind {
        "started" => text("/state").to_owned(),
        "resource.allocated" => text("/cluster").to_owned(),
        "step-completed" => text("/step").to_owned(),
        "service.activated" => text("/access/ip").to_owned(),
        "failed" => format!("{} {}", text("/failure/code"), text("/failure/message")),
        "rolled-back" => text("/cause").to_owned(),
        _ => String::new(),
    };
    (kind, more)
}
