//! The frame around every page, and answers that are pages.

use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, html};

use super::{assets, session::Visitor};
use crate::refusal::Refusal;

/// The pages that the navigation names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Requests,
    Inbox,
    Clusters,
    Pools,
    Webhooks,
}

impl Place {
    const ALL: [Self; 5] = [Self::Requests, Self::Inbox, Self::Clusters, Self::Pools, Self::Webhooks];

    fn title(self) -> &'static str {
        match self {
            Self::Requests => "Requests",
            Self::Inbox => "Inbox",
            Self::Clusters => "Clusters",
            Self::Pools => "Pools",
            Self::Webhooks => "Webhooks",
        }
    }

    pub(super) fn address(self) -> &'static str {
        match self {
            Self::Requests => "/desk/requests",
            Self::Inbox => "/desk/inbox",
            Self::Clusters => "/desk/clusters",
            Self::Pools => "/desk/pools",
            Self::Webhooks => "/desk/webhooks",
        }
    }
}

/// A page that keeps itself fresh.
pub(super) fn live(visitor: &Visitor, place: Place, title: &str, content: &Markup) -> Response {
    page(Some(visitor), Some(place), title, content, true)
}

/// A page that answers a form, and stays as it is.
pub(super) fn answer(visitor: &Visitor, place: Place, title: &str, content: &Markup) -> Response {
    page(Some(visitor), Some(place), title, content, false)
}

/// A page for somebody who is not signed in.
pub(super) fn outside(title: &str, content: &Markup) -> Response {
    page(None, None, title, content, false)
}

fn page(
    visitor: Option<&Visitor>,
    place: Option<Place>,
    title: &str,
    content: &Markup,
    is_live: bool,
) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Provisioning desk" }
                link rel="stylesheet" href=(assets::STYLE);
                script defer src=(assets::SCRIPT) {}
            }
            body data-live=(if is_live { "yes" } else { "no" }) {
                header {
                    div {
                        b { "Provisioning desk" }
                        @if let Some(visitor) = visitor {
                            nav { @for other in Place::ALL {
                                a href=(other.address()) aria-current=[(place == Some(other)).then_some("page")] { (other.title()) } "  "
                            } }
                            form method="post" action="/desk/sign-out" {
                                span { (visitor.person.reference) }
                                @if visitor.has_session { button class="plain" { "Sign out" } }
                            }
                        }
                    }
                }
                main {
                    h1 { (title) }
                    div id="content" { (content) }
                }
            }
        }
    };
    Html(page.into_string()).into_response()
}

/// A heading with its items, or the sentence `none` without any.
pub(super) fn section(heading: &str, count: usize, none: &str, items: &Markup) -> Markup {
    html! {
        section {
            h2 { (heading) " " small { (count) } }
            @if count == 0 { p class="none" { (none) } } @else { (items) }
        }
    }
}

/// What became of a form.
pub(super) fn notice(is_good: bool, text: &str) -> Markup {
    html! { p class={ "notice " (if is_good { "good" } else { "bad" }) } role="status" { (text) } }
}

/// A request that a page does not carry out, as a page.
#[derive(Debug)]
pub(super) struct Problem(pub(super) Refusal);

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let content = html! {
            (notice(false, &self.0.message))
            @if let Some(details) = &self.0.details {
                section { pre { (serde_json::to_string_pretty(details).unwrap_or_default()) } }
            }
            p { a href="/desk/requests" { "Back to the requests" } }
        };
        (status, outside("This did not work", &content)).into_response()
    }
}
