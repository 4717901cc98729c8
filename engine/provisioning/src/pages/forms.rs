//! Forms: who sends them, and from where.
//!
//! A browser sends the cookie of a session with a form of any page of this site. So a form must come from this site: the
//! browser says so in `Sec-Fetch-Site` or `Origin`, which a page cannot change.

use axum::{
    Form,
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde::de::DeserializeOwned;

use super::{Pages, layout::Problem, session::Visitor};
use crate::refusal::Refusal;

/// A form, and who sent it.
pub(super) struct Sent<T> {
    pub(super) visitor: Visitor,
    pub(super) form: T,
}

impl<T: DeserializeOwned> FromRequest<Pages> for Sent<T> {
    type Rejection = Response;

    async fn from_request(request: Request, pages: &Pages) -> Result<Self, Response> {
        check_origin(request.headers()).map_err(|refusal| Problem(refusal).into_response())?;
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, pages).await?;
        let form = read(Request::from_parts(parts, body)).await?;
        Ok(Self { visitor, form })
    }
}

/// The fields of a form.
pub(super) async fn read<T: DeserializeOwned>(request: Request) -> Result<T, Response> {
    let form = Form::<T>::from_request(request, &()).await;
    form.map(|Form(form)| form)
        .map_err(|error| Problem(Refusal::bad_request(error.body_text())).into_response())
}

/// Refuses what a page of another site sends. A program that sends neither header is no page.
pub(super) fn check_origin(headers: &HeaderMap) -> Result<(), Refusal> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let is_own = match (text("sec-fetch-site"), text(header::ORIGIN.as_str())) {
        (Some(site), _) => site == "same-origin" || site == "none",
        (None, Some(origin)) => {
            let host = text(header::HOST.as_str()).unwrap_or_default();
            origin.split_once("://").is_some_and(|(_, origin)| origin.eq_ignore_ascii_case(host))
        }
        (None, None) => true,
    };
    if is_own { Ok(()) } else { Err(Refusal::forbidden("this form was sent by a page of another site")) }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn forms_of_other_sites_are_refused() {
        for (headers, is_own) in [
            (vec![], true),
            (vec![("sec-fetch-site", "same-origin")], true),
            (vec![("sec-fetch-site", "cross-site")], false),
            (vec![("sec-fetch-site", "same-site")], false),
            (vec![("origin", "http://desk:8080"), ("host", "desk:8080")], true),
            (vec![("origin", "http://evil.example"), ("host", "desk:8080")], false),
            (vec![("origin", "null"), ("host", "desk:8080")], false),
            (
                vec![("origin", "http://desk:8080"), ("host", "desk:8080"), ("sec-fetch-site", "cross-site")],
                false,
            ),
        ] {
            let parsed = headers
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            assert_eq!(check_origin(&parsed.collect()).is_ok(), is_own, "{headers:?}");
        }
    }
}
