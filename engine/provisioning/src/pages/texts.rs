//! How values look on pages.

use jiff::Timestamp;
use maud::{Markup, html};
use serde_json::{Map, Value};

use crate::model::{Amount, Request, Resources, State, Step, StepStatus};

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

/// A person, group or role: users of the default namespace, who are nearly all, by their bare name.
pub(super) fn who(reference: &str) -> Markup {
    let name = reference.strip_prefix("user:default/").unwrap_or(reference);
    html! { span class="who" title=(reference) { (name) } }
}

/// Several people, groups or roles.
pub(super) fn who_all(references: &[String]) -> Markup {
    html! { @for (number, reference) in references.iter().enumerate() {
        @if number > 0 { ", " }
        (who(reference))
    } }
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

/// Members of an object with their values, one a line.
pub(super) fn members(object: &Map<String, Value>) -> Markup {
    html! {
        dl {
            @for (name, member) in object {
                dt { (words(name)) }
                dd { (value(member)) }
            }
        }
    }
}

/// A value as people write it.
pub(super) fn value(value: &Value) -> Markup {
    html! {
        @match value {
            Value::Null => "–",
            Value::Bool(yes) => (if *yes { "yes" } else { "no" }),
            Value::Number(number) => (number),
            Value::String(text) => (text),
            Value::Object(object) => (members(object)),
            Value::Array(items) if items.iter().any(Value::is_object) => {
                @for item in items { div class="item" { (self::value(item)) } }
            },
            Value::Array(items) => {
                @for (number, item) in items.iter().enumerate() {
                    @if number > 0 { ", " }
                    (self::value(item))
                }
            },
        }
    }
}

/// A name of JSON as words: `primaryTechnicalLead` as `Primary technical lead`, `memoryGiB` as `Memory GiB`.
fn words(name: &str) -> String {
    if name == "cpu" {
        return "CPU".to_owned();
    }
    let (name, unit) = name.strip_suffix("GiB").map_or((name, ""), |rest| (rest, " GiB"));
    let mut words = String::new();
    let mut letters = name.chars().peekable();
    let mut is_after_small = false;
    while let Some(letter) = letters.next() {
        let is_acronym = letters.peek().is_some_and(|next| next.is_uppercase());
        match letter.is_uppercase() && is_after_small {
            true if is_acronym => words.extend([' ', letter]),
            true => words.extend(std::iter::once(' ').chain(letter.to_lowercase())),
            false => words.push(letter),
        }
        is_after_small = letter.is_lowercase();
    }
    words.push_str(unit);
    let mut letters = words.trim_start().chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_of_json_are_shown_as_words() {
        for (name, expected) in [
            ("cpu", "CPU"),
            ("memoryGiB", "Memory GiB"),
            ("primaryTechnicalLead", "Primary technical lead"),
            ("apiURL", "Api URL"),
            ("already two", "Already two"),
            ("GiB", "GiB"),
            ("", ""),
        ] {
            assert_eq!(words(name), expected);
        }
    }

    #[test]
    fn values_are_shown_as_people_write_them_and_escaped() {
        let shown = value(
            &json!({"isTest": false, "names": ["a", "<b>"], "people": [{"role": "EDITOR"}], "none": null}),
        );
        assert_eq!(
            shown.into_string(),
            "<dl><dt>Is test</dt><dd>no</dd><dt>Names</dt><dd>a, &lt;b&gt;</dd>\
             <dt>People</dt><dd><div class=\"item\"><dl><dt>Role</dt><dd>EDITOR</dd></dl></div></dd><dt>None</dt><dd>–</dd></dl>"
        );
    }

    #[test]
    fn only_users_of_the_default_namespace_lose_their_kind() {
        for (reference, name) in [
            ("user:default/jane", "jane"),
            ("role:reviewer", "role:reviewer"),
            ("user:other/jane", "user:other/jane"),
            ("<b>", "&lt;b&gt;"),
        ] {
            assert!(who(reference).into_string().contains(&format!(">{name}</span>")), "{reference}");
        }
    }
}
