//! The reviewer: says what waits for a decision, and with `--auto-approve` decides it after a while.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::{Value, json};

use super::{desk::Desk, token_of};
use crate::{
    demo::{POLL_INTERVAL, stamp},
    output,
};

/// Long enough to see what waits, in the terminal and on the page; four things wait one after another.
const APPROVAL_DELAY: Duration = Duration::from_secs(2);

/// The pool whose launches the reviewer finds too expensive, so that a refusal is seen as well.
const REFUSED_POOL: &str = "lab";

/// Looks for ever.
pub(super) async fn run(desk: &Desk, decides: bool, url: &str, begin: Instant) {
    let mut seen: BTreeMap<String, Instant> = BTreeMap::new();
    loop {
        // The desk is there from the beginning, but its pools are not.
        let waiting =
            desk.ask("rita", Method::GET, "/approvals?state=pending", None).await.unwrap_or_default();
        for approval in waiting["items"].as_array().into_iter().flatten() {
            let Some(id) = approval["id"].as_str() else { continue };
            let first = !seen.contains_key(id);
            let since = *seen.entry(id.to_owned()).or_insert_with(Instant::now);
            if first {
                say_that_it_waits(approval, decides, url, begin);
            }
            if decides && since.elapsed() >= APPROVAL_DELAY {
                decide(desk, id, approval, begin).await;
            }
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

fn say_that_it_waits(approval: &Value, decides: bool, url: &str, begin: Instant) {
    let title = approval["title"].as_str().unwrap_or_default();
    let how = if decides {
        "rita decides in a moment (--auto-approve)".to_owned()
    } else {
        format!("you decide at {url}/desk/inbox (token `{}`)", token_of("rita"))
    };
    output::line(&format!("{} {:<14} waits              {title}: {how}", stamp(begin), "inbox"));
}

async fn decide(desk: &Desk, id: &str, approval: &Value, begin: Instant) {
    let is_refused = approval["pool"] == REFUSED_POOL;
    let (decision, reason) =
        if is_refused { ("rejected", "too expensive for a demo") } else { ("approved", "fine for a demo") };
    let body = json!({"decision": decision, "reason": reason});
    let decided = desk.ask("rita", Method::POST, &format!("/approvals/{id}/decision"), Some(&body)).await;
    let what = match decided {
        Ok(_) => format!("{decision:<18} by rita, “{reason}”"),
        Err(error) => error,
    };
    output::line(&format!("{} {:<14} {what}", stamp(begin), "inbox"));
}
