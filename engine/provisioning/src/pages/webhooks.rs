//! The webhooks with their deliveries, and buttons that try one or switch it on again.

use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    Pages,
    forms::Sent,
    layout::{self, Place, Problem, notice, section, table},
    session::Visitor,
    texts::{moment, pill},
};
use crate::{
    http::check_manages,
    model::{Delivery, Webhook},
    refusal::Refusal,
    tables,
};

/// Deliveries of a page.
const MOST: u32 = 100;

pub(super) fn routes() -> Router<Pages> {
    Router::new()
        .route("/webhooks", get(list))
        .route("/webhooks/{id}", get(show))
        .route("/webhooks/{id}/test", post(test))
        .route("/webhooks/{id}/enable", post(enable))
}

async fn list(State(pages): State<Pages>, visitor: Visitor) -> Result<Response, Problem> {
    let webhooks = pages.desk.read(|connection| Ok(tables::webhooks::list(connection, None)?)).await?;
    let rows = webhooks.iter().map(|(id, webhook)| {
        [
            html! { a href={ "/desk/webhooks/" (id) } { (webhook.url) } },
            html! { (webhook.pool) },
            html! { (events(webhook)) },
            state(webhook),
        ]
    });
    let rows = table(["Receiver", "Pool", "Events", "State"], rows);
    let content = section("Webhooks", webhooks.len(), "There are no webhooks.", &rows);
    Ok(layout::live(&visitor, Place::Webhooks, "Webhooks", &content))
}

fn events(webhook: &Webhook) -> String {
    if webhook.events.is_empty() { "all".to_owned() } else { webhook.events.join(", ") }
}

fn state(webhook: &Webhook) -> Markup {
    html! {
        @match &webhook.disabled_reason {
            Some(reason) => { (pill("off", "bad")) " " small { (reason) } }
            None => {
                (pill("on", "good"))
                @if webhook.failures > 0 { " " small { (webhook.failures) " failed in a row" } }
            }
        }
    }
}

async fn show(
    State(pages): State<Pages>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let content = content(&pages, id).await?;
    Ok(layout::live(&visitor, Place::Webhooks, "Webhook", &content))
}

async fn content(pages: &Pages, id: String) -> Result<Markup, Problem> {
    let wanted = id.clone();
    let (webhook, deliveries) = pages
        .desk
        .read(move |connection| {
            let webhook = tables::webhooks::get(connection, &wanted)?
                .ok_or_else(|| Refusal::not_found("webhook", &wanted))?;
            Ok((webhook, tables::webhooks::deliveries(connection, &wanted, MOST)?))
        })
        .await?;
    let rows = table(["When", "Event", "State", "Answer", "Tries"], deliveries.iter().map(row));
    Ok(html! {
        section {
            dl {
                dt { "Receiver" } dd { (webhook.url) }
                dt { "Pool" } dd { (webhook.pool) }
                dt { "Events" } dd { (events(&webhook)) }
                dt { "State" } dd { (state(&webhook)) }
            }
            div class="buttons" {
                form method="post" action={ "/desk/webhooks/" (id) "/test" } { button class="plain" { "Send a test" } }
                @if webhook.disabled_reason.is_some() {
                    form method="post" action={ "/desk/webhooks/" (id) "/enable" } { button { "Switch on" } }
                }
            }
        }
        (section("Deliveries", deliveries.len(), "Nothing was delivered yet.", &rows))
    })
}

fn row(delivery: &Delivery) -> [Markup; 5] {
    let tone = match delivery.state.as_str() {
        "delivered" => "good",
        "failed" => "bad",
        _ => "busy",
    };
    let answer = delivery.answer.as_deref().unwrap_or_default();
    [
        moment(delivery.at),
        html! { (delivery.event_type) br; small { (delivery.event) } },
        pill(&delivery.state, tone),
        html! {
            @if let Some(status) = delivery.status { (status) " " }
            @if let Some(took) = delivery.milliseconds { small { (took) " ms" } }
            @if let Some(problem) = &delivery.problem { br; small class="bad" { (problem) } }
            @if !answer.is_empty() { details { summary { "What it said" } pre { (answer) } } }
        },
        html! { span class="number" { (delivery.attempts) } },
    ]
}

#[derive(Deserialize)]
struct Nothing {}

/// Whether somebody may change a webhook.
async fn check(pages: &Pages, visitor: &Visitor, id: &str) -> Result<(), Problem> {
    let id = id.to_owned();
    let checked = pages.desk.change(&visitor.person, move |work| {
        let webhook =
            tables::webhooks::get(work.connection, &id)?.ok_or_else(|| Refusal::not_found("webhook", &id))?;
        check_manages(work, &webhook.pool)
    });
    Ok(checked.await?)
}

async fn test(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    Sent { visitor, form: Nothing {} }: Sent<Nothing>,
) -> Result<Response, Problem> {
    check(&pages, &visitor, &id).await?;
    let delivery = pages.desk.test_webhook(id.clone()).await?;
    let is_delivered = delivery.state == "delivered";
    let text = match (&delivery.problem, delivery.status) {
        (Some(problem), _) => format!("The test was not delivered: {problem}"),
        (None, Some(status)) => format!("The receiver answered {status}."),
        (None, None) => "The test was sent.".to_owned(),
    };
    let content = html! {
        (notice(is_delivered, &text))
        (content(&pages, id.clone()).await?)
        p { a href={ "/desk/webhooks/" (id) } { "Back to the live view" } }
    };
    Ok(layout::answer(&visitor, Place::Webhooks, "Webhook", &content))
}

async fn enable(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    Sent { visitor, form: Nothing {} }: Sent<Nothing>,
) -> Result<Response, Problem> {
    check(&pages, &visitor, &id).await?;
    let address = format!("/desk/webhooks/{id}");
    pages.desk.change(&visitor.person, move |work| work.enable_webhook(&id).map(drop)).await?;
    Ok(Redirect::to(&address).into_response())
}
