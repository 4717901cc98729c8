//! The pools with their quota and grants.

use axum::{Router, extract::State, response::Response, routing::get};
use maud::{Markup, html};

use super::{
    Pages,
    layout::{self, Place, Problem, section, table},
    session::Visitor,
    texts::{pill, used_of, who},
};
use crate::{
    model::{Amount, Pool, Resources},
    tables,
};

pub(super) fn routes() -> Router<Pages> {
    Router::new().route("/pools", get(list))
}

async fn list(State(pages): State<Pages>, visitor: Visitor) -> Result<Response, Problem> {
    let pools = pages
        .desk
        .read(|connection| {
            let mut pools = Vec::new();
            for (id, pool) in tables::pools::all(connection)? {
                let used = tables::usage::of_pool(connection, &id)?;
                pools.push((id, pool, used));
            }
            Ok(pools)
        })
        .await?;
    let rows = table(
        ["Pool", "Instances", "CPU", "Memory GiB", "Storage GiB", "Who may"],
        pools.iter().map(|(id, pool, used)| row(id, pool, used)),
    );
    let content = section("Pools", pools.len(), "There are no pools.", &rows);
    Ok(layout::live(&visitor, Place::Pools, "Pools", &content))
}

fn row(id: &str, pool: &Pool, used: &Resources) -> [Markup; 6] {
    let quota = pool.quota.unwrap_or_default();
    [
        html! {
            a href={ "/desk/requests?pool=" (id) } { (pool.name.as_deref().unwrap_or(id)) }
            @if !pool.enabled { " " (pill("disabled", "bad")) }
            br; small { (id) " · " (pool.kind) @if let Some(owner) = &pool.owner { " · " (who(owner)) } }
        },
        used_of("Instances", Amount::whole(used.instances), quota.instances.map(Amount::whole)),
        used_of("CPU", used.cpu, quota.cpu),
        used_of("Memory", used.memory, quota.memory),
        used_of("Storage", used.storage, quota.storage),
        html! { @for grant in &pool.grants {
            (who(&grant.to)) " " small { (grant.actions.iter().map(|action| action.name()).collect::<Vec<_>>().join(", ")) } br;
        } },
    ]
}
