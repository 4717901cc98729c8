//! The requests with their four steps, and one of them with all that is known of it.

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
    texts::{link, members, moment, pill, resources, state, step_status, steps, who},
};
use crate::{
    model::{Access, RecordedStatus, Request, State as RequestState, Step, Transition},
    refusal::Refusal,
    tables::{self, events::Logged, requests::Latest},
};

/// Requests of a page: as many as a person looks through.
const MOST: u32 = 50;

/// Events of a request that its page shows.
const MOST_EVENTS: u32 = 200;

pub(super) fn routes() -> Router<Pages> {
    Router::new().route("/requests", get(list)).route("/requests/{id}", get(show))
}

#[derive(Deserialize)]
struct Filter {
    pool: Option<String>,
    state: Option<String>,
    before: Option<i64>,
}

async fn list(
    State(pages): State<Pages>,
    visitor: Visitor,
    Query(filter): Query<Filter>,
) -> Result<Response, Problem> {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let latest =
        Latest { pool: given(filter.pool), state: given(filter.state), before: filter.before, limit: MOST };
    let (pool, chosen) = (latest.pool.clone(), latest.state.clone());
    let (found, known) = pages
        .desk
        .read(move |connection| {
            let known: Vec<String> = tables::pools::all(connection)?.into_iter().map(|(id, _)| id).collect();
            Ok((tables::requests::latest(connection, &latest)?, known))
        })
        .await?;
    let rows = table(
        ["Request", "Pool", "What", "State", "Steps", "Changed"],
        found.iter().map(|(_, request)| row(request)),
    );
    let is_full = found.len() as u64 == u64::from(MOST);
    let before = found.last().map(|(number, _)| *number).filter(|_| is_full);
    let content = html! {
        form class="row" method="get" action=(Place::Requests.address()) {
            (choice("pool", "All pools", known.iter().map(String::as_str), pool.as_deref()))
            (choice("state", "All states", RequestState::ALL.iter().map(|state| state.name()), chosen.as_deref()))
            button class="plain" { "Show" }
        }
        (section("Latest first", found.len(), "There are no such requests.", &rows))
        @if let Some(before) = before {
            form class="row" method="get" action=(Place::Requests.address()) {
                @if let Some(pool) = &pool { input type="hidden" name="pool" value=(pool); }
                @if let Some(state) = &chosen { input type="hidden" name="state" value=(state); }
                input type="hidden" name="before" value=(before);
                button class="plain" { "Older ones" }
            }
        }
    };
    Ok(layout::live(&visitor, Place::Requests, "Requests", &content))
}

/// A list to choose one of, or none.
fn choice<'a>(name: &str, none: &str, values: impl Iterator<Item = &'a str>, chosen: Option<&str>) -> Markup {
    html! {
        select name=(name) aria-label=(name) {
            option value="" { (none) }
            @for value in values {
                option value=(value) selected[chosen == Some(value)] { (value) }
            }
        }
    }
}

fn row(request: &Request) -> [Markup; 6] {
    let asked = &request.asked;
    [
        html! { a href={ "/desk/requests/" (request.id) } { (asked.name) } br; small { (who(&asked.requester)) } },
        html! { (asked.pool) },
        html! { (asked.kind) br; small { (asked.provider) @if let Some(cluster) = &request.cluster { " · " (cluster) } } },
        html! {
            (state(request.state))
            @if let Some(failure) = &request.failure { br; small class="bad" { (failure.code) } }
            @else if let Some(waits) = &request.waits_for { br; small { (waits) } }
        },
        steps(request),
        moment(request.changed_at),
    ]
}

async fn show(
    State(pages): State<Pages>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let (request, history, events) = pages
        .desk
        .read(move |connection| {
            let request =
                tables::requests::get(connection, &id)?.ok_or_else(|| Refusal::not_found("request", &id))?;
            let history = tables::requests::history(connection, &id)?;
            let events = tables::events::behind(connection, 0, Some(&id), MOST_EVENTS)?;
            Ok((request, history, events))
        })
        .await?;
    let content = html! {
        (summary(&request))
        (step_section(&request))
        @if let Some(access) = &request.access { (access_section(access)) }
        (recorded_section(&request))
        (history_section(&history))
        (event_section(&events))
    };
    Ok(layout::live(&visitor, Place::Requests, &request.asked.name, &content))
}

fn summary(request: &Request) -> Markup {
    let asked = &request.asked;
    html! {
        section {
            dl {
                dt { "State" } dd { (state(request.state)) }
                @if let Some(failure) = &request.failure {
                    dt { "Failure" }
                    dd {
                        b class="bad" { (failure.code) } " " (failure.message)
                        @for violation in &failure.violations { br; (violation.message) }
                    }
                }
                @if let Some(waits) = &request.waits_for { dt { "Waits for" } dd { (waits) } }
                dt { "What" } dd { (asked.kind) " by " (asked.provider) }
                dt { "Resources" }
                dd { (resources(&asked.resources)) }
                dt { "Pool" } dd { (asked.pool) }
                dt { "Requester" } dd { (who(&asked.requester)) }
                @if let Some(reason) = &asked.reason { dt { "Reason" } dd { (reason) } }
                @if let Some(cluster) = &request.cluster { dt { "Cluster" } dd { (cluster) } }
                @if let Some(order) = &asked.order_id { dt { "Order" } dd { (order) } }
                @if !asked.depends_on.is_empty() {
                    dt { "Depends on" }
                    dd { @for on in &asked.depends_on { a href={ "/desk/requests/" (on) } { (on) } " " } }
                }
                @if let Some(instance) = &request.instance_id { dt { "Flow" } dd { (instance) } }
                dt { "Attempt" } dd { (request.attempt) }
                dt { "Made" } dd { (moment(request.created_at)) }
                dt { "Id" } dd { (request.id) }
            }
        }
    }
}

fn step_section(request: &Request) -> Markup {
    let rows = request.steps.iter().map(|record| {
        [
            html! { (record.name.name()) },
            step_status(record.status),
            html! { (record.detail.as_deref().unwrap_or_default()) },
            html! { @if let Some(at) = record.started_at { (moment(at)) } },
            html! { @if let Some(at) = record.ended_at { (moment(at)) } },
        ]
    });
    html! { section { h2 { "Steps" } (table(["Step", "Status", "Detail", "Began", "Ended"], rows)) } }
}

fn access_section(access: &Access) -> Markup {
    html! {
        section {
            h2 { "Access" }
            dl {
                @if let Some(ip) = &access.ip { dt { "Address" } dd { (ip) } }
                @if let Some(name) = &access.hostname { dt { "Name" } dd { (name) } }
                @for endpoint in &access.endpoints {
                    dt { (endpoint["name"].as_str().unwrap_or("endpoint")) }
                    dd { (link(endpoint["url"].as_str().unwrap_or_default())) }
                }
                @if let Some(notes) = &access.notes { dt { "Notes" } dd { (notes) } }
            }
        }
    }
}

fn recorded_section(request: &Request) -> Markup {
    let rows = request.recorded.iter().map(|made| {
        [
            html! { (made.kind) },
            html! { (made.name) },
            match made.status {
                RecordedStatus::Creating => pill("Creating", "busy"),
                RecordedStatus::Created => pill("Created", "good"),
            },
            html! { (made.provider_id.as_deref().unwrap_or_default()) },
            html! { @if !made.attributes.is_empty() { (members(&made.attributes)) } },
        ]
    });
    let rows = table(["Kind", "Name", "Status", "Id at the provider", "More"], rows);
    section("Recorded resources", request.recorded.len(), "Nothing is recorded.", &rows)
}

fn history_section(history: &[Transition]) -> Markup {
    let rows = history.iter().map(|transition| {
        [
            moment(transition.at),
            html! { @if let Some(from) = transition.from { (state(from)) } },
            state(transition.to),
            who(&transition.by),
            html! { (transition.why.as_deref().unwrap_or_default()) },
        ]
    });
    let rows = table(["When", "From", "To", "Who", "Why"], rows);
    section("History", history.len(), "Nothing has happened.", &rows)
}

fn event_section(events: &[Logged]) -> Markup {
    let step = |event: &Logged| {
        event.data["step"].as_str().and_then(Step::of_name).map(Step::name).unwrap_or_default()
    };
    let rows = events.iter().map(|event| {
        [
            moment(event.at),
            html! { (event.event_type) },
            html! { (step(event)) },
            html! { small { (event.id) } },
        ]
    });
    let rows = table(["When", "Event", "Step", "Id"], rows);
    section("Events", events.len(), "There were no events.", &rows)
}
