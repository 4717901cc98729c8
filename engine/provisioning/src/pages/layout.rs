//! The frame around every page, and answers that are pages.

use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, html};

use super::{assets, session::Visitor, texts::who};
use crate::refusal::Refusal;

/// The pages that the navigation names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Requests,
    Inbox,
    Products,
    Clusters,
    Pools,
    Webhooks,
}

impl Place {
    const ALL: [Self; 6] =
        [Self::Requests, Self::Inbox, Self::Products, Self::Clusters, Self::Pools, Self::Webhooks];

    fn title(self) -> &'static str {
        match self {
            Self::Requests => "Requests",
            Self::Inbox => "Inbox",
            Self::Products => "Products",
            Self::Clusters => "Clusters",
            Self::Pools => "Pools",
            Self::Webhooks => "Webhooks",
        }
    }

    pub(super) fn address(self) -> &'static str {
        match self {
            Self::Requests => "/desk/requests",
            Self::Inbox => "/desk/inbox",
            Self::Products => "/desk/products",
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
    // A page of one thing leads back to the list of all.
    let list = place.filter(|place| place.title() != title);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Provisioning desk" }
                link rel="icon" type="image/svg+xml" href=(assets::ICON);
                link rel="stylesheet" href=(assets::STYLE);
                script defer src=(assets::SCRIPT) {}
            }
            body data-live=(if is_live { "yes" } else { "no" }) {
                a class="skip" href="#content" { "Skip to the content" }
                header {
                    div {
                        b { "Provisioning desk" }
                        @if let Some(visitor) = visitor {
                            nav aria-label="Pages" { @for other in Place::ALL {
                                a href=(other.address()) aria-current=[(place == Some(other)).then_some("page")] { (other.title()) }
                            } }
                            form method="post" action="/desk/sign-out" {
                                (who(&visitor.person.reference))
                                @if visitor.has_session { button class="plain" { "Sign out" } }
                            }
                        }
                    }
                }
                main {
                    @if let Some(list) = list { p class="back" { a href=(list.address()) { "All " (list.title().to_lowercase()) } } }
                    div class="title" {
                        h1 { (title) }
                        // The script says here whether the page is fresh.
                        @if is_live { p id="live" role="status" {} }
                    }
                    div id="content" tabindex="-1" { (content) }
                }
                @if visitor.is_some() { footer { "Times are UTC." } }
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

/// A table. On a narrow screen each row becomes a block in which every cell says its heading.
pub(super) fn table<const N: usize>(
    headings: [&str; N],
    rows: impl IntoIterator<Item = [Markup; N]>,
) -> Markup {
    html! {
        table {
            thead { tr { @for heading in headings { th scope="col" { (heading) } } } }
            tbody { @for row in rows { tr {
                @for (heading, cell) in headings.iter().zip(row) { td data-label=(heading) { (cell) } }
            } } }
        }
    }
}

/// What became of a form.
pub(super) fn notice(is_good: bool, text: &str) -> Markup {
    let (tone, role) = if is_good { ("good", "status") } else { ("bad", "alert") };
    html! { p class={ "notice " (tone) } role=(role) { (text) } }
}

/// A request that a page does not carry out, as a page.
#[derive(Debug)]
pub(super) struct Problem(pub(super) Refusal);

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl Problem {
    /// The status of the answer.
    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The answer with a page of one's own.
    pub(super) fn shown_as(&self, page: Response) -> Response {
        (self.status(), page).into_response()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let content = html! {
            (notice(false, &self.0.sentence()))
            @if let Some(details) = &self.0.details { section { (super::texts::value(details)) } }
            p { a href=(Place::Requests.address()) { "Back to the requests" } }
        };
        self.shown_as(outside("This did not work", &content))
    }
}
