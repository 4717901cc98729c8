//! Two plain pages for people who open the engine in a browser: the list of workflows, and one workflow.
//!
//! Promises: a page runs no script, loads nothing and is shown in no frame of another site, whatever the texts of a workflow contain: the
//! template library escapes them, and a content security policy makes the browser refuse the rest.

use axum::{
    Router,
    extract::State,
    http::{HeaderName, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use rondo_runtime::Deployed;

use crate::{app::App, links};

const STYLE: PreEscaped<&str> = PreEscaped(
    "body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:3rem auto;padding:0 1rem}\
    table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.4rem .8rem .4rem 0;border-bottom:1px solid #ccc}\
    pre{background:#f4f4f4;padding:1rem;overflow:auto}code{font-size:.9em}\
    @media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}a{color:#8ab4f8}pre{background:#242424}}",
);

/// Allows a page nothing but [`STYLE`], which the policy identifies by its hash.
const POLICY: &str = "default-src 'none'; style-src 'sha256-oZJjdiMh+pQbsr4DtPn/MWxbsS7XTWxGIaLVvnBGknk='; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 3] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    // For browsers that do not know `frame-ancestors`.
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
];

/// The route `/`.
pub(crate) fn routes() -> Router<App> {
    Router::new().route("/", get(home))
}

async fn home(State(app): State<App>) -> Response {
    let workflows = app.engine.workflows();
    let rows = workflows.iter().map(|deployed| Row {
        id: &deployed.program.id,
        name: &deployed.program.name,
        version: &deployed.program.version,
        description: &deployed.outline.description,
    });
    (HEADERS, page("Rondo", &list(rows))).into_response()
}

/// The page of a workflow.
pub(crate) fn workflow(app: &App, deployed: &Deployed) -> Response {
    let workflow = &deployed.program;
    let schema = deployed.input_schema.as_ref();
    let schema = schema.map(|schema| serde_json::to_string_pretty(&schema.document).unwrap_or_default());
    let about = Row {
        id: &workflow.id,
        name: &workflow.name,
        version: &workflow.version,
        description: &deployed.outline.description,
    };
    let endpoint = links::endpoint(&app.engine, &workflow.id);
    (HEADERS, page(about.name, &details(about, &endpoint, schema.as_deref()))).into_response()
}

/// A workflow as the pages show it.
#[derive(Clone, Copy)]
struct Row<'a> {
    id: &'a str,
    name: &'a str,
    version: &'a str,
    description: &'a str,
}

fn list<'a>(workflows: impl Iterator<Item = Row<'a>>) -> Markup {
    html! {
        p {
            a href="/q/openapi" { "OpenAPI document" } " · " a href="/q/health" { "health" }
            " · GraphQL at " code { "/graphql" }
        }
        table {
            tr { th { "workflow" } th { "name" } th { "version" } th { "description" } }
            @for workflow in workflows {
                tr {
                    td { a href={ "/" (links::path_of(workflow.id)) } { (workflow.id) } }
                    td { (workflow.name) }
                    td { (workflow.version) }
                    td { (workflow.description) }
                }
            }
        }
    }
}

fn details(workflow: Row<'_>, endpoint: &str, input_schema: Option<&str>) -> Markup {
    let information = format!("/management/processes/{}", workflow.id);
    html! {
        p { (workflow.description) }
        p {
            "Version " (workflow.version) ". Start it by " code { "POST " (endpoint) }
            " with JSON; a list of its instances that have not ended is at the same address."
        }
        p {
            a href={ (information) "/source" } { "Source" } " · "
            a href=(information) { "information" } " · "
            a href="/" { "all workflows" }
        }
        @if let Some(schema) = input_schema {
            h2 { "Input" }
            pre { (schema) }
        }
    }
}

fn page(title: &str, body: &Markup) -> Html<String> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            meta charset="utf-8";
            title { (title) }
            style { (STYLE) }
            h1 { (title) }
            (body)
        }
    };
    Html(page.into_string())
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_policy_names_the_style_of_the_pages() {
        let hash = STANDARD.encode(Sha256::digest(STYLE.0));
        assert!(POLICY.contains(&format!("'sha256-{hash}'")), "{hash}");
        let Html(page) = page("", &list(std::iter::empty()));
        assert!(page.contains(&format!("<style>{}</style>", STYLE.0)), "{page}");
    }

    #[test]
    fn texts_of_workflows_are_shown_and_not_run() {
        let hostile = "\"><script>alert('1')</script><img src=x onerror=\"alert(2)\">&amp;";
        let workflow = Row { id: hostile, name: hostile, version: hostile, description: hostile };
        let Html(list) = page(hostile, &list([workflow].into_iter()));
        let Html(details) = page(hostile, &details(workflow, hostile, Some(hostile)));
        for page in [list, details] {
            assert!(page.matches("&quot;&gt;&lt;script&gt;alert(").count() >= 6, "{page}");
            for markup in ["<script", "<img", "onerror=\""] {
                assert!(!page.contains(markup), "{markup} in {page}");
            }
        }
    }
}
