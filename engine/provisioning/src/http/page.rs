//! Pages for people who come by a link: plain HTML without scripts.
//!
//! Promises: what people have written is escaped; nothing is loaded from elsewhere; a page is kept by no cache and shown in no frame, and
//! its address, which may hold a secret, is sent to nobody.

use crate::{model::Approval, values::members};
use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};

/// What a browser may do with a page. The style stands in the page itself.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Stands in the page itself, which loads nothing.
const STYLE: &str = include_str!("page.css");

/// A page.
pub(super) struct Page {
    status: StatusCode,
    html: String,
}

impl Page {
    /// A page with a heading, which is escaped, and a body, which is HTML.
    pub(super) fn new(status: StatusCode, heading: &str, body: &str) -> Self {
        let heading = escape(heading);
        let html = format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta name=\"robots\" content=\"noindex\"><title>{heading}</title><style>{STYLE}</style></head>\
             <body><main><h1>{heading}</h1>{body}</main></body></html>\n"
        );
        Self { status, html }
    }

    #[cfg(test)]
    pub(super) fn html(&self) -> &str {
        &self.html
    }

    #[cfg(test)]
    pub(super) fn status(&self) -> u16 {
        self.status.as_u16()
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut answer = (self.status, Html(self.html)).into_response();
        let headers: [(HeaderName, &'static str); 4] = [
            (header::CACHE_CONTROL, "no-store"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        answer.headers_mut().extend(headers.map(|(name, value)| (name, HeaderValue::from_static(value))));
        answer
    }
}

/// What an approver has to know, as a list.
pub(super) fn details(approval: &Approval) -> String {
    let details = &approval.asked.details;
    if details.is_empty() { String::new() } else { members(details).into_string() }
}

/// A text as HTML shows it, within an element or a quoted attribute.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
