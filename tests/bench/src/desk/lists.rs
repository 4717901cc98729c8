//! Long lists: how long a page takes at most, at the beginning, by cursor, and with filters that few or many things pass.

use reqwest::Method;
use serde_json::{Value, json};

use super::{client::Desk, serve};
use crate::{Options, Result};

/// Milliseconds that a page is aimed to take at most.
const GOAL: f64 = 50.0;

/// Tenants of the listed requests.
const TENANTS: usize = 50;

/// Requests that are made at once, which is as many as a batch takes.
const BATCH: usize = 100;

/// One of so many requests is rare: of a pool and of approvers that have few others.
const RARE: usize = 5000;

/// Requests of a page.
const PAGES: [usize; 2] = [50, 200];

pub(crate) async fn run(options: &Options) -> Result<()> {
    let count = options.listed.div_ceil(BATCH) * BATCH;
    let folder = tempfile::tempdir()?;
    let server = serve(options, folder.path(), true).await?;
    let desk = Desk::of(&server);
    fill(&desk, count).await?;
    println!("pages of the lists of {count} requests: each list from its first page to its last");
    println!("{:>44} {:>8} {:>8} {:>10} {:>10}", "", "items", "pages", "median ms", "worst ms");
    let tenant = tenant(1);
    let mut lists: Vec<String> = PAGES.iter().map(|limit| format!("/requests?limit={limit}")).collect();
    lists.extend(
        [
            "state=Queued",
            "state=Pending%20Approval",
            "state=Completed",
            "state=Suspended",
            "pool=rare",
            "pool=rare&state=Queued",
            "pool=nobody",
            "orderId=order-77",
        ]
        .map(|filter| format!("/requests?limit=200&{filter}")),
    );
    lists.extend(
        ["", "&state=Pending%20Approval", "&state=Completed"]
            .map(|state| format!("/requests?limit=200&pool={tenant}{state}")),
    );
    lists.extend(
        [
            "state=pending".to_owned(),
            "state=pending&approver=me".to_owned(),
            "approver=kim".to_owned(),
            "state=approved&approver=kim".to_owned(),
            "state=pending&approver=nobody".to_owned(),
            "requester=jane&state=pending".to_owned(),
            "requester=nobody".to_owned(),
            format!("pool={tenant}"),
            "pool=rare&state=pending&approver=me".to_owned(),
        ]
        .map(|filter| format!("/approvals?{filter}")),
    );
    lists.push("/events".to_owned());
    let mut worst = 0.0_f64;
    for list in lists {
        worst = worst.max(walk(&desk, &list).await?);
    }
    for filter in ["", "?pool=rare", "?state=Completed", "?pool=nobody", "?pool=rare&state=Failed"] {
        worst = worst.max(walk_page(&desk, &format!("/desk/requests{filter}")).await?);
    }
    worst = worst.max(walk_page(&desk, "/desk/inbox").await?);
    println!("worst page {worst:.1} ms, goal {GOAL:.0}; memory {:.0} MiB\n", server.memory()?);
    server.stop()
}

/// Reads a list of the API from its beginning to its end. Answers how long the slowest page took.
async fn walk(desk: &Desk, list: &str) -> Result<f64> {
    let separator = if list.contains('?') { '&' } else { '?' };
    let parameter = if list.starts_with("/events") { "after" } else { "cursor" };
    let (mut items, mut taken) = (0, Vec::new());
    let mut place = String::new();
    loop {
        let (page, milliseconds) = desk.timed_page(&format!("{list}{place}")).await?;
        items += page.items.len();
        taken.push(milliseconds);
        let Some(next) = page.next else { return Ok(print(list, items, taken)) };
        place = format!("{separator}{parameter}={next}");
    }
}

/// The same for a list that people look at.
async fn walk_page(desk: &Desk, path: &str) -> Result<f64> {
    let separator = if path.contains('?') { '&' } else { '?' };
    let (mut items, mut taken) = (0, Vec::new());
    let mut place = String::new();
    loop {
        let (html, milliseconds) = desk.read(&format!("{path}{place}")).await?;
        items += html.matches("<tr>").count().saturating_sub(1) + html.matches("<article>").count();
        taken.push(milliseconds);
        let next = html.split_once(r#"name="before" value=""#).and_then(|(_, rest)| rest.split_once('"'));
        let Some((before, _)) = next else { return Ok(print(path, items, taken)) };
        place = format!("{separator}before={before}");
    }
}

fn print(list: &str, items: usize, mut taken: Vec<f64>) -> f64 {
    taken.sort_by(f64::total_cmp);
    let median = taken.get(taken.len() / 2).copied().unwrap_or_default();
    let worst = taken.last().copied().unwrap_or_default();
    println!("{list:>44} {items:>8} {:>8} {median:>10.1} {worst:>10.1}", taken.len());
    worst
}

/// Makes requests in batches. Of ten, six wait for a place, two for people, and two have failed. A few are rare in one way or another.
async fn fill(desk: &Desk, count: usize) -> Result<()> {
    desk.make_cluster("manual", &json!({})).await?;
    let pool = json!({"kind": "tenant", "grants": [{"to": "everyone", "actions": ["create"]}]});
    let pools = (0..TENANTS).map(tenant).chain(["rare".to_owned()]);
    for name in pools {
        desk.send(Method::PUT, &format!("/pools/{name}"), &pool).await?;
    }
    for (kind, priority, approvers) in
        [("vps", 1, json!(["role:reviewer", "group:ops"])), ("cluster", 2, json!(["admin", "kim"]))]
    {
        let rule = json!({"name": kind, "priority": priority, "minCpu": 16, "types": [kind], "approvers": approvers});
        desk.send(Method::POST, "/approval-rules", &rule).await?;
    }
    let mut rare = Vec::new();
    for first in (0..count).step_by(BATCH) {
        let requests: Vec<Value> = (first..first + BATCH).map(request).collect();
        let made = desk.send(Method::POST, "/requests/batch", &json!({"requests": requests})).await?;
        let of_rare = first.is_multiple_of(RARE).then(|| made["items"][4]["id"].as_str().map(str::to_owned));
        rare.extend(of_rare.flatten());
    }
    for id in rare {
        complete(desk, &id).await?;
    }
    Ok(())
}

fn tenant(number: usize) -> String {
    format!("tenant-{number:02}")
}

fn request(number: usize) -> Value {
    let is_rare = number.is_multiple_of(RARE);
    let (kind, cpu) = match number % 10 {
        0 if is_rare => ("cluster", 16),
        0 | 1 => ("vps", 16),
        _ => ("vps", 2),
    };
    json!({
        "pool": if is_rare { "rare".to_owned() } else { tenant(number / 10 % TENANTS) },
        "requester": "user:default/jane", "type": kind, "name": format!("shop-{number}"),
        // There is no cluster of the one.
        "provider": if (2..4).contains(&(number % 10)) { "proxmox" } else { "manual" },
        "region": "eu", "orderId": format!("order-{}", number / 3), "reason": "for the new shop, as agreed",
        "resources": {"instances": 1, "cpu": cpu, "memoryGiB": 4, "storageGiB": 40},
    })
}

/// Reports a request as provisioned.
async fn complete(desk: &Desk, id: &str) -> Result<()> {
    for step in ["allocate", "configure", "activate", "verify"] {
        for status in ["Running", "Completed"] {
            desk.send(Method::PUT, &format!("/requests/{id}/steps/{step}"), &json!({"status": status}))
                .await?;
        }
    }
    Ok(())
}
