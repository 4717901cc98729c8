//! How values look on pages.

use jiff::Timestamp;
use maud::{Markup, html};
use serde_json::{Map, Value};

use crate::model::{Amount, Request, State, Step, StepStatus};

/// A moment in short, with the whole one as a hint.
pub(super) fn moment(at: Timestamp) -> Markup {
    let short = at.strftime("%Y-%m-%d %H:%M:%S").to_string();
    html! { time datetime=(at) title=(at) { (short) } }
}

/// A word in a colour.
pub(super) fn pill(word: &str, tone: &str) -> Markup {
    html! { i class={ "pill " (tone) } { (word) } }
}

/// The state of a request.
pub(super) fn state(state: State) -> Markup {
    let tone = match state {
        State::Completed => "good",
        State::Failed => "bad",
        State::PendingApproval | State::RollingBack | State::Suspended => "warn",
        State::RolledBack => "",
        State::Queued | State::Allocating | State::Configuring | State::Activating | State::Verifying => {
            "busy"
        }
    };
    pill(state.name(), tone)
}

/// The four steps of a request in a row.
pub(super) fn steps(request: &Request) -> Markup {
    html! {
        ol class="steps" {
            @for step in Step::ALL {
                li class=(status_name(request.step(step))) title=(status_name(request.step(step))) { (step.name()) }
            }
        }
    }
}

/// The name of a step's status.
pub(super) fn status_name(status: StepStatus) -> &'static str {
    match status {
        StepStatus::Pending => "Pending",
        StepStatus::Running => "Running",
        StepStatus::Completed => "Completed",
        StepStatus::Failed => "Failed",
    }
}

/// How much of a limit is used; without a limit only how much.
pub(super) fn used_of(used: Amount, limit: Option<Amount>) -> Markup {
    let Some(limit) = limit else { return html! { (used) " " small { "of any" } } };
    html! {
        meter min="0" max=(limit.to_string()) value=(used.to_string()) {} " "
        (used) " of " (limit)
    }
}

/// An address as a link, if it leads to a page; other schemes are only shown.
pub(super) fn link(address: &str) -> Markup {
    let is_page = ["http://", "https://"].iter().any(|scheme| address.starts_with(scheme));
    html! {
        @if is_page { a href=(address) rel="noreferrer" { (address) } } @else { (address) }
    }
}

/// Members of an object with their values, one a line.
pub(super) fn members(object: &Map<String, Value>) -> Markup {
    html! {
        dl {
            @for (name, value) in object {
                dt { (name) }
                dd { @match value {
                    Value::String(text) => (text),
                    Value::Object(_) | Value::Array(_) => pre { (serde_json::to_string_pretty(value).unwrap_or_default()) },
                    other => (other),
                } }
            }
        }
    }
}
