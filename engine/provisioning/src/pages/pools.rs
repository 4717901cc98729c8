//! The pools with their quota and grants.

use axum::{Router, extract::State, response::Response, routing::get};
use maud::{Markup, html};

use super::{
    Pages,
    layout::{self, Place, Problem, section},
    session::Visitor,
    texts::{pill, used_of},
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
    let rows = html! {
        div class="scroll" { table {
            tr { th { "Pool" } th { "Instances" } th { "CPU" } th { "Memory GiB" } th { "Storage GiB" } th { "Who may" } }
            @for (id, pool, used) in &pools { (row(id, pool, used)) }
        } }
    };
    let content = section("Pools", pools.len(), "There are no pools.", &rows);
    Ok(layout::live(&visitor, Place::Pools, "Pools", &content))
}

fn row(id: &str, pool: &Pool, used: &Resources) -> Markup {
    let quota = pool.quota.unwrap_or_default();
    html! {
        tr {
            td {
                a href={ "/desk/requests?pool=" (id) } { (pool.name.as_deref().unwrap_or(id)) }
                @if !pool.enabled { " " (pill("disabled", "bad")) }
                br; small { (pool.kind) @if let Some(owner) = &pool.owner { " · " (owner) } }
            }
            td class="number" { (used_of(Amount::whole(used.instances), quota.instances.map(Amount::whole))) }
            td class="number" { (used_of(used.cpu, quota.cpu)) }
            td class="number" { (used_of(used.memory, quota.memory)) }
            td class="number" { (used_of(used.storage, quota.storage)) }
            td { @for grant in &pool.grants {
                (grant.to) " " small { (grant.actions.iter().map(|action| action.name()).collect::<Vec<_>>().join(", ")) } br;
            } }
        }
    }
}
