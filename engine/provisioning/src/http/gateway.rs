//! The way of flows to the services of clusters, `/clusters/{cluster}/gateway/{service}/{path}`, and to those that users have linked,
//! `/users/{user}/gateway/github/{path}`, with the service's own methods and bodies.

use axum::{
    Router,
    body::Body,
    extract::{OriginalUri, Path, Request, State},
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::any,
};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{
    App, BASE,
    caller::{Caller, check_service, instance_of, read},
};
use crate::{
    gateway::{Call, Passed, Target},
    refusal::Refusal,
};

/// Headers of a call that services read, and beginnings of such. Everything else says who calls, or belongs to one connection.
const HEADERS: [&str; 2] = ["accept", "content-type"];
const BEGINNINGS: [&str; 1] = ["x-container-"];

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/clusters/{cluster}/gateway/{service}/{*path}", any(to_cluster))
        .route("/users/{user}/gateway/{service}/{*path}", any(for_user))
}

type Segments = Path<(String, String, String)>;

async fn to_cluster(
    State(app): State<App>,
    Caller(person): Caller,
    OriginalUri(uri): OriginalUri,
    Path((cluster, _, _)): Segments,
    request: Request,
) -> Result<Response, Refusal> {
    check_service(&person)?;
    pass_on(&app, Target::Cluster(cluster), &uri, request).await
}

async fn for_user(
    State(app): State<App>,
    Caller(person): Caller,
    OriginalUri(uri): OriginalUri,
    Path((user, service, _)): Segments,
    request: Request,
) -> Result<Response, Refusal> {
    check_service(&person)?;
    if service != "github" {
        return Err(Refusal::not_found("service of users called", &service));
    }
    pass_on(&app, Target::GitHubOf(user), &uri, request).await
}

async fn pass_on(app: &App, target: Target, uri: &Uri, request: Request) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let bytes = read(body).await?;
    let body: Option<Value> = match bytes.iter().all(u8::is_ascii_whitespace) {
        true => None,
        false => Some(serde_json::from_slice(&bytes).map_err(|error| {
            Refusal::bad_request(format!("the gateway passes bodies of JSON on, and this is none: {error}"))
        })?),
    };
    let (service, path) =
        split(uri.path()).ok_or_else(|| Refusal::bad_request("the path names no service"))?;
    let call = Call {
        method: parts.method.as_str().to_owned(),
        service,
        path,
        query: uri.query().map(str::to_owned),
        headers: passed_headers(&parts.headers),
        body,
    };
    let Passed { status, headers, body } =
        app.desk.pass_on(target, instance_of(&parts.headers), call).await?;
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    let has_body = !(status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED));
    let mut answer = if has_body { Body::from(body).into_response() } else { Body::empty().into_response() };
    *answer.status_mut() = status;
    answer.headers_mut().remove(header::CONTENT_TYPE);
    answer.headers_mut().extend(headers);
    Ok(answer)
}

/// Service and encoded path below it, of the path of a call: the decoded one cannot be sent on as it came.
fn split(path: &str) -> Option<(String, String)> {
    let mut parts = path.strip_prefix(BASE)?.splitn(6, '/');
    // An empty text before the first slash, `clusters` or `users`, whose, `gateway`.
    parts.nth(3)?;
    let (service, path) = (parts.next()?, parts.next()?);
    Some((percent_decode_str(service).decode_utf8().ok()?.into_owned(), path.to_owned()))
}

fn passed_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let is_passed = |name: &str| {
        HEADERS.contains(&name) || BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
    };
    let passed = headers.iter().filter(|(name, _)| is_passed(name.as_str()));
    passed
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_split_as_it_was_written() {
        let split = |path: &str| split(path).map(|(service, path)| format!("{service} {path}"));
        assert_eq!(
            split("/desk/v1/clusters/os-eu/gateway/compute/servers/detail").as_deref(),
            Some("compute servers/detail")
        );
        assert_eq!(
            split("/desk/v1/clusters/a%2Fb/gateway/object-store/x%2Fy").as_deref(),
            Some("object-store x%2Fy")
        );
        assert_eq!(
            split("/desk/v1/clusters/gateway/gateway/kubernetes/api//v1").as_deref(),
            Some("kubernetes api//v1")
        );
        assert_eq!(
            split("/desk/v1/users/clusters/gateway/github/repos/john/shop").as_deref(),
            Some("github repos/john/shop")
        );
        assert_eq!(split("/desk/v1/clusters/os-eu/gateway/compute"), None);
    }

    #[test]
    fn headers_that_say_who_calls_stay_here() {
        let pairs = [
            ("authorization", "Bearer x"),
            ("kogitoprocinstanceid", "1"),
            ("x-container-meta-quota-bytes", "5"),
            ("content-type", "a/b"),
            ("cookie", "c"),
        ];
        let headers =
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let passed: Vec<_> = passed_headers(&headers).into_iter().map(|(name, _)| name).collect();
        assert_eq!(passed, ["x-container-meta-quota-bytes", "content-type"]);
    }
}
