//! The approver's page, rendered from the present state.
//!
//! Promises: complete without JavaScript, where it reloads itself; with it the content is fetched and swapped, so that
//! nothing flickers and a form that is being used keeps its place. The template library escapes every text.

use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::{Value, json};

use crate::gitlab::Issue;
use crate::world::{Urls, World};

/// How many of the latest calls and notifications are shown: as many as fit on a screen with the other sections.
const LATEST: usize = 12;

pub(super) const STYLE: PreEscaped<&str> = PreEscaped(include_str!("page.css"));
const SCRIPT: PreEscaped<&str> = PreEscaped(include_str!("page.js"));

/// The whole page.
pub(super) fn render(world: &World, urls: &Urls) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Simulated services" }
                noscript { meta http-equiv="refresh" content="5"; }
                style { (STYLE) }
            }
            body {
                header {
                    h1 { "Simulated services" }
                    ul class="services" {
                        @for (name, url) in [
                            ("GitLab", &urls.gitlab), ("Backstage", &urls.backstage), ("Kubernetes", &urls.kubernetes),
                            ("OpenStack", &urls.openstack), ("Mail", &urls.mail), ("Orders", &urls.orders),
                        ] { li { (name) " " code { (url) } } }
                    }
                }
                main {
                    div id="content" { (sections(world)) }
                    footer {
                        form method="post" action="/_sim/reset" {
                            button class="quiet" { "Reset everything" }
                        }
                    }
                }
                script { (SCRIPT) }
            }
        }
    }
}

/// The sections: issues, runs, namespaces, machines, servers, orders, the provisioner, mails, notifications, calls.
fn sections(world: &World) -> Markup {
    let now = world.clock.now();
    let cluster = world.cluster.describe(now);
    let cloud = world.cloud.describe();
    let cloud_servers = items(&cloud["servers"]);
    let (waiting, other): (Vec<&Issue>, Vec<&Issue>) =
        world.gitlab.issues().partition(|issue| issue.awaits_decision());
    let waiting = waiting.into_iter().map(|issue| card(issue, now));
    let decided = other.into_iter().rev();
    let decided = decided
        .map(|issue| row(&issue.title, &labels(issue), state(issue.state()), &age(issue.updated, now)));
    let runs = world.backstage.tasks().iter().rev().map(|task| {
        let detail = html! { (task.namespace()) " · " (task.value("size")) };
        row(&task.template, &detail, state(task.status()), &age(task.created, now))
    });
    let notifications = world.backstage.notifications().iter().rev().take(LATEST).map(|notification| {
        let payload = &notification["payload"];
        let user = notification["user"].as_str().unwrap_or("everybody");
        row(text(&payload["title"]), &html! { (user) }, state(text(&payload["severity"])), "")
    });
    let servers = cloud_servers.iter().map(|server| {
        let detail = html! { (server["flavor"]["original_name"].as_str().unwrap_or_default()) " " (text(&server["fault"]["message"])) };
        row(text(&server["name"]), &detail, state(text(&server["status"])), "")
    });
    let orders = world.orders.orders().iter().rev().map(|order| {
        let customer = text(&order.data["customer"]);
        let name = json!(order.state);
        row(&order.id, &html! { (customer) }, state(text(&name)), &age(order.confirmed, now))
    });
    let jobs = world.provisioner.jobs.iter().rev().map(|job| {
        let what = format!("{} {}", text(&job.message["action"]), text(&job.message["licencePlate"]));
        let name = json!(job.state);
        row(&what, &html! { (job.cluster) }, state(text(&name)), &age(job.received, now))
    });
    let mails = world.mailbox.mails().iter().rev().take(LATEST).map(|mail| {
        row(&mail.subject, &html! { (mail.to.join(", ")) }, html! { i {} }, &age(mail.time, now))
    });
    let calls = world.traffic.calls().iter().rev().take(LATEST).map(|call| {
        let repeated = if call.repeated { "repeated, answered from memory" } else { "" };
        let detail = html! { (call.service) " " (repeated) };
        let what = format!("{} {}", call.method, call.path);
        row(&what, &detail, status(call.status), &age(call.time, now))
    });
    let waiting: Vec<Markup> = waiting.collect();
    let sections: [(&str, Vec<Markup>); 10] = [
        ("Decisions", decided.collect()),
        ("Template runs", runs.collect()),
        ("Namespaces", items(&cluster["namespaces"]).iter().map(namespace).collect()),
        ("Virtual machines", items(&cluster["virtualmachines"]).iter().map(machine).collect()),
        ("Servers", servers.collect()),
        ("Orders", orders.collect()),
        ("Provisioner", jobs.collect()),
        ("Mails", mails.collect()),
        ("Notifications", notifications.collect()),
        ("Latest calls", calls.collect()),
    ];
    let (empty, filled): (Vec<_>, Vec<_>) = sections.iter().partition(|(_, items)| items.is_empty());
    let empty: Vec<&str> = empty.into_iter().map(|(heading, _)| *heading).collect();
    html! {
        (section("Waiting for your decision", &waiting))
        @if waiting.is_empty() { p class="none" { "Nothing is waiting." } }
        @for (heading, items) in filled { (section(heading, items)) }
        // What a demo does not use stands in one line, not in a box each.
        @if !empty.is_empty() { p class="none" { "Nothing yet: " (empty.join(", ").to_lowercase()) "." } }
    }
}

/// A heading with its items; nothing without any.
fn section(heading: &str, items: &[Markup]) -> Markup {
    html! {
        @if !items.is_empty() {
            section {
                h2 { (heading) " " small { (items.len()) } }
                @for item in items { (item) }
            }
        }
    }
}

/// An issue with its buttons.
fn card(issue: &Issue, now: Timestamp) -> Markup {
    let at = format!("/_sim/issues/{}/{}", issue.project, issue.iid);
    html! {
        article {
            h3 { (issue.title) " " small { "#" (issue.iid) " · " (age(issue.created, now)) } }
            p { (labels(issue)) }
            pre { (issue.description.as_deref().unwrap_or_default()) }
            div class="buttons" {
                form method="post" action={ (at) "/approve" } { button class="yes" { "Approve" } }
                form method="post" action={ (at) "/deny" } { button class="no" { "Deny" } }
            }
        }
    }
}

fn namespace(namespace: &Value) -> Markup {
    let metadata = &namespace["metadata"];
    let size = text(&metadata["labels"]["self-service/size"]);
    let owner = text(&metadata["annotations"]["self-service/owner"]);
    let detail = format!("{size} {owner}");
    row(text(&metadata["name"]), &html! { (detail.trim()) }, state(text(&namespace["status"]["phase"])), "")
}

fn machine(machine: &Value) -> Markup {
    let metadata = &machine["metadata"];
    let name = format!("{}/{}", text(&metadata["namespace"]), text(&metadata["name"]));
    let domain = &machine["spec"]["template"]["spec"]["domain"];
    let detail = html! { (domain["cpu"]["cores"]) " CPU · " (text(&domain["memory"]["guest"])) };
    row(&name, &detail, state(text(&machine["status"]["printableStatus"])), "")
}

/// One line: name, detail, state, time.
fn row(what: &str, detail: &Markup, pill: Markup, when: &str) -> Markup {
    html! {
        div class="row" {
            b { (what) }
            span { (detail) }
            (pill)
            time { (when) }
        }
    }
}

/// The state of a thing.
fn state(name: &str) -> Markup {
    let tone = match name {
        "completed" | "Active" | "Running" | "ACTIVE" | "delivered" | "reported" => "good",
        "failed" | "cancelled" | "refused" | "refunded" | "ERROR" | "ErrorUnschedulable" | "high"
        | "critical" => "bad",
        "processing" | "provisioning" | "Provisioning" | "Starting" | "BUILD" | "running" => "busy",
        _ => "",
    };
    html! { i class={ "pill " (tone) } { (name) } }
}

/// An HTTP status.
fn status(status: u16) -> Markup {
    let tone = match status {
        200..=299 => "good",
        400.. => "bad",
        _ => "",
    };
    html! { i class={ "pill " (tone) } { (status) } }
}

fn labels(issue: &Issue) -> Markup {
    html! {
        @for (index, label) in issue.labels.iter().enumerate() {
            @if index > 0 { " " }
            i class="pill" { (label) }
        }
    }
}

/// `3 min ago`.
pub(super) fn age(then: Timestamp, now: Timestamp) -> String {
    match now.duration_since(then).as_secs() {
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;
    use crate::options::Options;

    /// Markup in an element, in an attribute, and characters that end either.
    const HOSTILE: &str = "\"><script>alert('1')</script><img src=x onerror=\"alert(2)\">&amp;";

    #[test]
    fn a_row_is_escaped() {
        let shown = row("<script>alert('1')</script>", &html! { "a " (HOSTILE) }, state("\"&"), "");
        insta::assert_snapshot!(shown.into_string(), @r#"<div class="row"><b>&lt;script&gt;alert('1')&lt;/script&gt;</b><span>a &quot;&gt;&lt;script&gt;alert('1')&lt;/script&gt;&lt;img src=x onerror=&quot;alert(2)&quot;&gt;&amp;amp;</span><i class="pill ">&quot;&amp;</i><time></time></div>"#);
    }

    #[test]
    fn what_came_from_outside_cannot_become_markup_anywhere_on_the_page() {
        let shared = crate::world::Shared::new(Options::default(), Urls::default());
        let [gitlab, backstage, kubernetes, openstack, mail, orders] =
            std::array::from_fn(|_| HOSTILE.to_owned());
        let urls = Urls { gitlab, backstage, kubernetes, openstack, mail, orders };
        let plain = render(&shared.world(), &Urls::default()).into_string();
        let mut world = shared.world();
        let now = world.clock.now();
        let named = || Some(HOSTILE.to_owned());
        for _ in 0..2 {
            world.gitlab.open(1, HOSTILE.to_owned(), named(), BTreeSet::from([HOSTILE.to_owned()]), now);
        }
        world.gitlab.decide(1, 1, crate::gitlab::Decision::Deny, now).unwrap();
        let values = json!({ "namespace": HOSTILE, "size": HOSTILE, "owner": HOSTILE });
        world.backstage.launch(
            HOSTILE.to_owned(),
            values.as_object().unwrap().clone(),
            std::time::Duration::from_hours(1),
            now,
        );
        let payload = json!({ "title": HOSTILE, "severity": HOSTILE });
        world.backstage.notify(json!({ "user": HOSTILE, "payload": payload }));
        world.cluster.create_tenant("tenant", HOSTILE, HOSTILE, now).unwrap();
        let page = render(&world, &urls).into_string();
        let shown = page.matches("&lt;script&gt;").count();
        assert!(shown >= 14, "the text stands in {shown} places");
        for opening in ["<script", "<img"] {
            let of_the_page_itself = plain.matches(opening).count();
            assert_eq!(page.matches(opening).count(), of_the_page_itself, "{opening}");
        }
        assert!(!page.contains("\"alert") && !page.contains("onerror=\""));
    }
}
