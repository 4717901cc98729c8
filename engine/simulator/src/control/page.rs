//! The approver's page, rendered from the world as it is.
//!
//! Promises: complete without JavaScript, where it reloads itself; with it the content is fetched and swapped, so that
//! nothing flickers and a form that is being used keeps its place. Everything that came from outside is escaped.

use std::fmt::Write;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::gitlab::Issue;
use crate::world::{Urls, World};

/// How many of the latest calls and notifications are shown.
const LATEST: usize = 12;

/// The whole page.
pub(super) fn render(world: &World, urls: &Urls) -> String {
    let now = world.clock.now();
    let cluster = world.cluster.describe(now);
    let (waiting, other): (Vec<&Issue>, Vec<&Issue>) =
        world.gitlab.issues().partition(|issue| issue.awaits_decision());

    let mut content = String::new();
    section(&mut content, "Waiting for your decision", &waiting, "Nothing is waiting.", |issue| {
        card(issue, now)
    });
    section(&mut content, "Decided", other.iter().rev(), "No decisions yet.", |issue| {
        row(&issue.title, &labels(issue), issue.state(), &age(issue.updated, now))
    });
    section(&mut content, "Template runs", world.backstage.tasks().iter().rev(), "No runs yet.", |task| {
        let detail = format!("{} · {}", escape(&task.value("namespace")), escape(&task.value("size")));
        row(&task.template, &detail, task.status(), &age(task.created, now))
    });
    section(&mut content, "Namespaces", items(&cluster["namespaces"]), "No namespaces yet.", |namespace| {
        let metadata = &namespace["metadata"];
        let size = text(&metadata["labels"]["self-service/size"]);
        let owner = text(&metadata["annotations"]["self-service/owner"]);
        let detail = [size, owner].map(escape).join(" ").trim().to_owned();
        row(text(&metadata["name"]), &detail, text(&namespace["status"]["phase"]), "")
    });
    section(
        &mut content,
        "Virtual machines",
        items(&cluster["virtualmachines"]),
        "No machines yet.",
        |machine| {
            let metadata = &machine["metadata"];
            let name = format!("{}/{}", text(&metadata["namespace"]), text(&metadata["name"]));
            let domain = &machine["spec"]["template"]["spec"]["domain"];
            let detail =
                format!("{} CPU · {}", domain["cpu"]["cores"], escape(text(&domain["memory"]["guest"])));
            row(&name, &detail, text(&machine["status"]["printableStatus"]), "")
        },
    );
    let notifications = world.backstage.notifications().iter().rev().take(LATEST);
    section(&mut content, "Notifications", notifications, "Nobody was notified yet.", |notification| {
        let payload = &notification["payload"];
        let user = notification["user"].as_str().unwrap_or("everybody");
        row(text(&payload["title"]), &escape(user), text(&payload["severity"]), "")
    });
    section(
        &mut content,
        "Latest calls",
        world.traffic.calls().iter().rev().take(LATEST),
        "No calls yet.",
        |call| {
            let detail = if call.repeated { "repeated, answered from memory" } else { "" };
            let what = format!("{} {}", call.method, call.path);
            row(&what, &format!("{} {detail}", call.service), &call.status.to_string(), &age(call.time, now))
        },
    );

    TEMPLATE
        .replace("{gitlab}", &escape(&urls.gitlab))
        .replace("{backstage}", &escape(&urls.backstage))
        .replace("{kubernetes}", &escape(&urls.kubernetes))
        .replace("{content}", &content)
}

/// A heading with its items, or what to say when there are none.
fn section<T>(
    page: &mut String,
    heading: &str,
    items: impl IntoIterator<Item = T>,
    none: &str,
    render: impl Fn(T) -> String,
) {
    let items: Vec<String> = items.into_iter().map(render).collect();
    let body = if items.is_empty() { format!("<p class=none>{none}</p>") } else { items.concat() };
    // Writing to a string cannot fail.
    let _ = write!(page, "<section><h2>{heading} <small>{}</small></h2>{body}</section>", items.len());
}

/// An issue with its buttons.
fn card(issue: &Issue, now: DateTime<Utc>) -> String {
    let at = format!("/_sim/issues/{}/{}", issue.project, issue.iid);
    let description = issue.description.as_deref().unwrap_or_default();
    format!(
        "<article><h3>{} <small>#{} · {}</small></h3><p>{}</p><pre>{}</pre><div class=buttons>\
         <form method=post action=\"{at}/approve\"><button class=yes>Approve</button></form>\
         <form method=post action=\"{at}/deny\"><button class=no>Deny</button></form></div></article>",
        escape(&issue.title),
        issue.iid,
        age(issue.created, now),
        labels(issue),
        escape(description),
    )
}

/// One line: what, about it (HTML), state, when.
fn row(what: &str, detail: &str, state: &str, when: &str) -> String {
    let tone = match state {
        "completed" | "Active" | "Running" | "200" | "201" | "202" => "good",
        "failed" | "cancelled" | "ErrorUnschedulable" | "high" | "critical" => "bad",
        status if status.starts_with(['4', '5']) => "bad",
        "processing" | "Provisioning" | "Starting" => "busy",
        _ => "",
    };
    format!(
        "<div class=row><b>{}</b><span>{detail}</span><i class=\"pill {tone}\">{}</i><time>{when}</time></div>",
        escape(what),
        escape(state),
    )
}

fn labels(issue: &Issue) -> String {
    let pills: Vec<String> =
        issue.labels.iter().map(|label| format!("<i class=pill>{}</i>", escape(label))).collect();
    pills.join(" ")
}

/// `3 min ago`.
fn age(then: DateTime<Utc>, now: DateTime<Utc>) -> String {
    match (now - then).num_seconds() {
        seconds if seconds < 5 => "just now".into(),
        seconds if seconds < 90 => format!("{seconds} s ago"),
        seconds if seconds < 5400 => format!("{} min ago", seconds / 60),
        seconds => format!("{} h ago", seconds / 3600),
    }
}

fn items(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

const TEMPLATE: &str = include_str!("page.html");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_from_outside_cannot_become_markup() {
        let shown = row("<script>alert('1')</script>", "", "\"&", "");
        assert_eq!(
            shown,
            "<div class=row><b>&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;</b><span></span>\
             <i class=\"pill \">&quot;&amp;</i><time></time></div>"
        );
    }
}
