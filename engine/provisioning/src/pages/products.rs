//! The private cloud products: licence plate, name, cluster, status, active request; and one of them with all that is known of it.

use axum::{
    Router,
    extract::{Path, Query, State},
    response::Response,
    routing::get,
};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    Pages,
    layout::{self, Place, Problem, section, table},
    session::Visitor,
    texts::{members, moment, pill},
};
use crate::{
    model::{Product, ProductLock, ProductStatus},
    refusal::Refusal,
    tables::{self, products::Listed},
};

/// Products of a page: as many as a person looks through.
const MOST: u32 = 50;

pub(super) fn routes() -> Router<Pages> {
    Router::new().route("/products", get(list)).route("/products/{plate}", get(show))
}

#[derive(Deserialize)]
struct Filter {
    #[serde(default)]
    from: String,
}

async fn list(
    State(pages): State<Pages>,
    visitor: Visitor,
    Query(filter): Query<Filter>,
) -> Result<Response, Problem> {
    let from = filter.from.trim().to_lowercase();
    let first = from.clone();
    // One more than is shown tells whether there is another page.
    let mut found =
        pages.desk.read(move |connection| Ok(tables::products::list(connection, &first, MOST + 1)?)).await?;
    let is_full = u32::try_from(found.len()).is_ok_and(|count| count > MOST);
    let next = if is_full { found.pop().map(|listed| listed.plate) } else { None };
    let rows = table(
        ["Licence plate", "Name", "Cluster", "Status", "Active request", "Changed"],
        found.iter().map(row),
    );
    let content = html! {
        form class="row" method="get" action=(Place::Products.address()) {
            label for="from" { "From licence plate" }
            input type="text" id="from" name="from" value=(from) size="8" maxlength="6" placeholder="a1b2c3" autocomplete="off";
            button class="plain" { "Show" }
        }
        (section("By licence plate", found.len(), "There are no such products.", &rows))
        @if let Some(next) = next {
            form class="row" method="get" action=(Place::Products.address()) {
                input type="hidden" name="from" value=(next);
                button class="plain" { "Further ones" }
            }
        }
    };
    Ok(layout::live(&visitor, Place::Products, "Products", &content))
}

fn row(listed: &Listed) -> [Markup; 6] {
    let Listed { plate, product, lock } = listed;
    [
        html! { a href={ "/desk/products/" (plate) } { (plate) } },
        html! { (product.text("name").unwrap_or_default()) br; small { (product.text("ministry").unwrap_or_default()) } },
        html! { (product.text("cluster").unwrap_or_default()) },
        status(product),
        html! { @if let Some(lock) = lock { (active(lock)) } },
        moment(product.changed_at),
    ]
}

/// Whether a product is there.
fn status(product: &Product) -> Markup {
    html! {
        (match product.status {
            ProductStatus::Active => pill("active", "good"),
            ProductStatus::Inactive => pill("archived", ""),
        })
        @if product.is_temporary() { " " (pill("temporary", "warn")) }
    }
}

/// The request that changes a product now, and whose callbacks it waits for.
fn active(lock: &ProductLock) -> Markup {
    let remaining = lock.remaining();
    html! {
        span class="pill busy" { (if remaining.is_empty() { "in progress" } else { "provisioning" }) }
        br; small {
            "since " (moment(lock.since))
            @if !remaining.is_empty() { " · waits for " (remaining.join(", ")) }
        }
    }
}

async fn show(
    State(pages): State<Pages>,
    visitor: Visitor,
    Path(plate): Path<String>,
) -> Result<Response, Problem> {
    let (plate, product, lock) = pages
        .desk
        .read(move |connection| {
            let product = tables::products::get(connection, &plate)?;
            let product = product.ok_or_else(|| Refusal::not_found("product", &plate))?;
            let lock = tables::products::lock(connection, &plate)?;
            Ok((plate, product, lock))
        })
        .await?;
    let content = html! {
        section {
            dl {
                dt { "Licence plate" } dd { (plate) }
                dt { "Status" } dd { (status(&product)) }
                dt { "Active request" }
                dd { @match &lock {
                    Some(lock) => { (active(lock)) br; small { "flow " (lock.request) } },
                    None => "none",
                } }
                dt { "Made" } dd { (moment(product.created_at)) }
                dt { "Changed" } dd { (moment(product.changed_at)) }
                @if let Some(at) = product.archived_at { dt { "Archived" } dd { (moment(at)) } }
            }
        }
        section { h2 { "Data" } (members(&product.data)) }
    };
    let title = product.text("name").unwrap_or(&plate);
    Ok(layout::live(&visitor, Place::Products, title, &content))
}
