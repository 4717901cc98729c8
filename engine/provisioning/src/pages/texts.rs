//! How values look on pages.

use jiff::Timestamp;
use maud::{Markup, html};

use crate::model::{Amount, Request, Resources, State, Step, StepStatus};
pub(super) use crate::values::{members, value, who, who_all};

/// A moment in short, with the whole one as a hint.
pub(super) fn moment(at: Timestamp) -> Markup {
    let short = at.strftime("%Y-%m-%d %H:%M:%S").to_string();
    html! { time datetime=(at) title=(at) { (short) } }
}

/// A word in a colour.
pub(super) fn pill(word: &str, tone: &str) -> Markup {
    html! { span class={ "pill " (tone) } { (word) } }
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

/// The four steps of a request in a row. The status is a colour, a sign, and a word for those who see neither.
pub(super) fn steps(request: &Request) -> Markup {
    html! {
        ol class="steps" {
            @for step in Step::ALL {
                @let status = status_name(request.step(step));
                li class=(status) title=(status) { (step.name()) span class="unseen" { " " (status) } }
            }
        }
    }
}

/// The status of a step.
pub(super) fn step_status(status: StepStatus) -> Markup {
    let tone = match status {
        StepStatus::Pending => "",
        StepStatus::Running => "busy",
        StepStatus::Completed => "good",
        StepStatus::Failed => "bad",
    };
    pill(status_name(status), tone)
}

/// The name of a step's status.
fn status_name(status: StepStatus) -> &'static str {
    match status {
        StepStatus::Pending => "Pending",
        StepStatus::Running => "Running",
        StepStatus::Completed => "Completed",
        StepStatus::Failed => "Failed",
    }
}

/// What a request takes.
pub(super) fn resources(resources: &Resources) -> Markup {
    html! {
        span class="number" { (resources.cpu) " CPU" } " · "
        span class="number" { (resources.memory) " GiB memory" } " · "
        span class="number" { (resources.storage) " GiB storage" } " · "
        span class="number" { (resources.instances) (if resources.instances == 1 { " instance" } else { " instances" }) }
    }
}

/// How much of a limit is used, as numbers and as a bar; without a limit only how much. `what` names it for those who do not see the bar.
pub(super) fn used_of(what: &str, used: Amount, limit: Option<Amount>) -> Markup {
    let Some(limit) = limit else {
        return html! { span class="number" { (used) " " small { "no limit" } } };
    };
    // From here on the bar warns.
    let nearly_full = Amount::from_thousandths(limit.thousandths() / 10 * 8);
    html! {
        span class="number" { (used) " of " (limit) }
        meter min="0" max=(limit) high=(nearly_full) optimum="0" value=(used) aria-label={ (what) " used" } {}
    }
}

/// An address as a link, if it leads to a page; other schemes are only shown.
pub(super) fn link(address: &str) -> Markup {
    link_as(address, address)
}

/// An address as a link with a text of its own, if it leads to a page; other schemes are only shown.
pub(super) fn link_as(address: &str, text: &str) -> Markup {
    let is_page = ["http://", "https://"].iter().any(|scheme| address.starts_with(scheme));
    html! {
        @if is_page { a href=(address) rel="noreferrer" { (text) } } @else { (address) }
    }
}
