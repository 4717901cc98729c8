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
    layout::{self, Place, Problem, section},
    session::Visitor,
    texts::{link, members, moment, pill, state, status_name, steps},
};
use crate::{
    model::{Access, RecordedStatus, Request, State as RequestState, Step, StepStatus, Transition},
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
    let rows = html! {
        div class="scroll" { table {
            tr { th { "Request" } th { "Pool" } th { "What" } th { "State" } th { "Steps" } th { "Changed" } }
            @for (_, request) in &found { (row(request)) }
        } }
    };
    let is_full = found.len() as u64 == u64::from(MOST);
    let before = found.last().map(|(number, _)| *number).filter(|_| is_full);
    let content = html! {
        form class="row" method="get" action=(Place::Requests.address()) {
            (choice("pool", "all pools", known.iter().map(String::as_str), pool.as_deref()))
            (choice("state", "all states", RequestState::ALL.iter().map(|state| state.name()), chosen.as_deref()))
            button class="plain" { "Show" }
        }
        br;
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

fn row(request: &Request) -> Markup {
    let asked = &request.asked;
    html! {
        tr {
            td { a href={ "/desk/requests/" (request.id) } { (asked.name) } br; small { (asked.requester) } }
            td { (asked.pool) }
            td { (asked.kind) " " small { (asked.provider) @if let Some(cluster) = &request.cluster { " · " (cluster) } } }
            td {
                (state(request.state))
                @if let Some(failure) = &request.failure { br; small class="bad" { (failure.code) } }
                @else if let Some(waits) = &request.waits_for { br; small { (waits) } }
            }
            td { (steps(request)) }
            td class="number" { (moment(request.changed_at)) }
        }
    }
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
                dd { @for (name, amount) in asked.resources.each() { (amount) " " small { (name) } "  " } }
                dt { "Pool" } dd { (asked.pool) }
                dt { "Requester" } dd { (asked.requester) }
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
    let tone = |status| match status {
        StepStatus::Pending => "",
        StepStatus::Running => "busy",
        StepStatus::Completed => "good",
        StepStatus::Failed => "bad",
    };
    html! {
        section {
            h2 { "Steps" }
            div class="scroll" { table {
                tr { th { "Step" } th { "Status" } th { "Detail" } th { "Began" } th { "Ended" } }
                @for record in &request.steps { tr {
                    td { (record.name.name()) }
                    td { (pill(status_name(record.status), tone(record.status))) }
                    td { (record.detail.as_deref().unwrap_or_default()) }
                    td class="number" { @if let Some(at) = record.started_at { (moment(at)) } }
                    td class="number" { @if let Some(at) = record.ended_at { (moment(at)) } }
                } }
            } }
        }
    }
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
    let rows = html! {
        div class="scroll" { table {
            tr { th { "Kind" } th { "Name" } th { "Status" } th { "Id at the provider" } th { "More" } }
            @for made in &request.recorded { tr {
                td { (made.kind) }
                td { (made.name) }
                td { (match made.status {
                    RecordedStatus::Creating => pill("Creating", "busy"),
                    RecordedStatus::Created => pill("Created", "good"),
                }) }
                td { (made.provider_id.as_deref().unwrap_or_default()) }
                td { (members(&made.attributes)) }
            } }
        } }
    };
    section("Recorded resources", request.recorded.len(), "Nothing is recorded.", &rows)
}

fn history_section(history: &[Transition]) -> Markup {
    let rows = html! {
        div class="scroll" { table {
            tr { th { "When" } th { "From" } th { "To" } th { "Who" } th { "Why" } }
            @for transition in history { tr {
                td class="number" { (moment(transition.at)) }
                td { @if let Some(from) = transition.from { (state(from)) } }
                td { (state(transition.to)) }
                td { (transition.by) }
                td { (transition.why.as_deref().unwrap_or_default()) }
            } }
        } }
    };
    section("History", history.len(), "Nothing has happened.", &rows)
}

fn event_section(events: &[Logged]) -> Markup {
    let step = |event: &Logged| {
        event.data["step"].as_str().and_then(Step::of_name).map(Step::name).unwrap_or_default()
    };
    let rows = html! {
        div class="scroll" { table {
            tr { th { "When" } th { "Event" } th { "Step" } th { "Id" } }
            @for event in events { tr {
                td class="number" { (moment(event.at)) }
                td { (event.event_type) }
                td { (step(event)) }
                td { (event.id) }
            } }
        } }
    };
    section("Events", events.len(), "There were no events.", &rows)
}
