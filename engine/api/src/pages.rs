//! Two plain pages for people who open the engine in a browser: what it serves, and one workflow.
//!
//! No scripts and no external assets. Every text of a workflow is escaped.

use std::fmt::Write;

use axum::{
    Router,
    extract::State,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use rondo_runtime::Deployed;

use crate::{app::App, shape};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:3rem auto;padding:0 1rem}\
    table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.4rem .8rem .4rem 0;border-bottom:1px solid #ccc}\
    pre{background:#f4f4f4;padding:1rem;overflow:auto}code{font-size:.9em}\
    @media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}a{color:#8ab4f8}pre{background:#242424}}";

/// The route `/`.
pub(crate) fn routes() -> Router<App> {
    Router::new().route("/", get(home))
}

async fn home(State(app): State<App>) -> Html<String> {
    let mut rows = String::new();
    for deployed in app.engine.workflows() {
        let workflow = &deployed.program;
        let (id, name) = (escape(&workflow.id), escape(&workflow.name));
        let (version, description) = (escape(&workflow.version), escape(&deployed.outline.description));
        let path = escape(shape::path_of(&workflow.id));
        let _ = write!(
            rows,
            "<tr><td><a href=\"/{path}\">{id}</a></td><td>{name}</td><td>{version}</td><td>{description}</td></tr>"
        );
    }
    let links = "<p><a href=\"/q/openapi\">OpenAPI document</a> · <a href=\"/q/health\">health</a> · GraphQL at <code>/graphql</code></p>";
    let table = "<table><tr><th>workflow</th><th>name</th><th>version</th><th>description</th></tr>";
    page("Rondo", &format!("{links}{table}{rows}</table>"))
}

/// The page of a workflow.
pub(crate) fn workflow(app: &App, deployed: &Deployed) -> Response {
    let workflow = &deployed.program;
    let endpoint = escape(&shape::endpoint(&app.engine, &workflow.id));
    let id = escape(&workflow.id);
    let mut body = format!(
        "<p>{}</p><p>Version {}. Start it by <code>POST {endpoint}</code> with JSON; a list of its instances that have not \
         ended is at the same address.</p><p><a href=\"/management/processes/{id}/source\">Source</a> · \
         <a href=\"/management/processes/{id}\">information</a> · <a href=\"/\">all workflows</a></p>",
        escape(&deployed.outline.description),
        escape(&workflow.version),
    );
    if let Some(schema) = &deployed.input_schema {
        let text = serde_json::to_string_pretty(&schema.document).unwrap_or_default();
        let _ = write!(body, "<h2>Input</h2><pre>{}</pre>", escape(&text));
    }
    page(&workflow.name, &body).into_response()
}

fn page(title: &str, body: &str) -> Html<String> {
    let title = escape(title);
    Html(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title><style>{STYLE}</style>\
         <h1>{title}</h1>{body}</html>"
    ))
}

fn escape(text: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_workflows_are_shown_and_not_run() {
        assert_eq!(escape("<b a=\"1\" c='2'>&"), "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;");
        let Html(page) = page("<script>", "");
        assert!(!page.contains("<script>"));
    }
}
