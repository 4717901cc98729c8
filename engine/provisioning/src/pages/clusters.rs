//! The clusters with their capacity and health, and a button that tests one.

use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::{get, post},
};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    Pages,
    forms::Sent,
    layout::{self, Place, Problem, notice, section, table},
    session::Visitor,
    texts::{link_as, pill, used_of},
};
use crate::{
    model::{Amount, Cluster, Health, Resources},
    refusal::Refusal,
    tables,
};

pub(super) fn routes() -> Router<Pages> {
    Router::new().route("/clusters", get(list)).route("/clusters/{cluster}/test", post(test))
}

async fn list(State(pages): State<Pages>, visitor: Visitor) -> Result<Response, Problem> {
    let content = content(&pages, &visitor).await?;
    Ok(layout::live(&visitor, Place::Clusters, "Clusters", &content))
}

async fn content(pages: &Pages, visitor: &Visitor) -> Result<Markup, Problem> {
    let clusters = pages.desk.read(|connection| Ok(tables::clusters::with_usage(connection)?)).await?;
    let may_test = visitor.person.is_admin();
    let rows = table(
        ["Cluster", "Health", "CPU", "Memory GiB", "Storage GiB", "Slots", "Test"],
        clusters.iter().map(|(cluster, used)| row(cluster, used, may_test)),
    );
    Ok(section("Registered", clusters.len(), "No cluster is registered.", &rows))
}

fn row(cluster: &Cluster, used: &Resources, may_test: bool) -> [Markup; 7] {
    let capacity = &cluster.capacity;
    let health = match cluster.health {
        _ if !cluster.enabled => pill("disabled", ""),
        Health::Online => pill("online", "good"),
        Health::Degraded => pill("degraded", "warn"),
        Health::Offline => pill("offline", "bad"),
    };
    [
        html! {
            b { (cluster.name) } @if cluster.default { " " small { "default" } }
            br; small {
                (cluster.kind) " · " (cluster.region)
                @if let Some(console) = &cluster.console_url { " · " (link_as(console, "console")) }
            }
        },
        health,
        used_of("CPU", used.cpu, capacity.cpu),
        used_of("Memory", used.memory, capacity.memory),
        used_of("Storage", used.storage, capacity.storage),
        used_of("Slots", Amount::whole(used.instances), capacity.slots.map(Amount::whole)),
        html! { @if may_test {
            form method="post" action={ "/desk/clusters/" (cluster.name) "/test" } {
                button class="plain" aria-label={ "Test " (cluster.name) } { "Test" }
            }
        } @else { "by admins" } },
    ]
}

#[derive(Deserialize)]
struct Nothing {}

async fn test(
    State(pages): State<Pages>,
    Path(name): Path<String>,
    Sent { visitor, form: Nothing {} }: Sent<Nothing>,
) -> Result<Response, Problem> {
    if !visitor.person.is_admin() {
        return Err(Refusal::forbidden("only an admin tests clusters").into());
    }
    let tested = pages.desk.test_cluster(name.clone()).await?;
    let text = match &tested.error {
        None => format!("{name} answered within {:.0} ms.", tested.latency_ms),
        Some(error) => format!("{name}: {error}"),
    };
    let content = html! {
        (notice(tested.ok, &text))
        (content(&pages, &visitor).await?)
        p { a href=(Place::Clusters.address()) { "Back to the live view" } }
    };
    Ok(layout::answer(&visitor, Place::Clusters, "Clusters", &content))
}
