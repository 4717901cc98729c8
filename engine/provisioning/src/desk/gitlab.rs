//! Calls of GitLab: issues of approvals, their comments, and who has set a label.
//!
//! Never: decides what an answer means. What people have written is written so that GitLab takes no line of it for a command.

use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use crate::{model::is_same_label, settings::Tickets};

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Events of labels of one page, and pages at most.
const PAGE: usize = 100;
const MOST_PAGES: usize = 20;

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum GitLabError {
    /// The thing is not there, or the token may not see it.
    #[error("GitLab answered 404 Not Found")]
    NotFound,
    /// Another status.
    #[error("GitLab answered {0}")]
    Status(StatusCode),
    /// No answer, or one that cannot be read.
    #[error("{0}")]
    Answer(String),
}

/// A project of GitLab.
pub(super) struct Project<'d> {
    client: &'d Client,
    tickets: &'d Tickets,
    issues: String,
}

impl<'d> Project<'d> {
    /// The project of this path or number.
    pub(super) fn new(client: &'d Client, tickets: &'d Tickets, project: &str) -> Self {
        let base = tickets.url.trim_end_matches('/');
        let issues =
            format!("{base}/api/v4/projects/{}/issues", utf8_percent_encode(project, NON_ALPHANUMERIC));
        Self { client, tickets, issues }
    }

    /// Opens an issue.
    pub(super) async fn open_issue(&self, title: &str, description: &str) -> Result<Value, GitLabError> {
        self.call(Method::POST, &self.issues, Some(json!({"title": title, "description": description}))).await
    }

    /// The issue whose description has a mark.
    pub(super) async fn find_issue(&self, mark: &str) -> Result<Option<Value>, GitLabError> {
        let found =
            self.call(Method::GET, &format!("{}?in=description&search={mark}", self.issues), None).await?;
        let mut found = found.as_array().into_iter().flatten();
        Ok(found.find(|issue| issue["description"].as_str().is_some_and(|text| text.contains(mark))).cloned())
    }

    /// An issue.
    pub(super) async fn issue(&self, number: u64) -> Result<Value, GitLabError> {
        self.call(Method::GET, &format!("{}/{number}", self.issues), None).await
    }

    /// Writes a comment.
    pub(super) async fn comment(&self, number: u64, text: &str) -> Result<(), GitLabError> {
        let url = format!("{}/{number}/notes", self.issues);
        self.call(Method::POST, &url, Some(json!({"body": text}))).await.map(drop)
    }

    /// Closes an issue.
    pub(super) async fn close(&self, number: u64) -> Result<(), GitLabError> {
        let url = format!("{}/{number}", self.issues);
        self.call(Method::PUT, &url, Some(json!({"state_event": "close"}))).await.map(drop)
    }

    /// The name of the user who has set a label last; `None` when GitLab does not know.
    pub(super) async fn who_labelled(&self, number: u64, label: &str) -> Result<Option<String>, GitLabError> {
        let mut name = None;
        for page in 1..=MOST_PAGES {
            let url = format!("{}/{number}/resource_label_events?per_page={PAGE}&page={page}", self.issues);
            let events = match self.call(Method::GET, &url, None).await {
                Ok(events) => events,
                Err(GitLabError::NotFound) => return Ok(name),
                Err(error) => return Err(error),
            };
            let Some(events) = events.as_array() else { return Ok(name) };
            let mut added = events.iter().filter(|event| {
                event["action"] == "add"
                    && event["label"]["name"].as_str().is_some_and(|name| is_same_label(name, label))
            });
            name = added
                .next_back()
                .and_then(|event| event["user"]["username"].as_str().map(str::to_owned))
                .or(name);
            if events.len() < PAGE {
                break;
            }
        }
        Ok(name)
    }

    async fn call(&self, method: Method, url: &str, body: Option<Value>) -> Result<Value, GitLabError> {
        let mut request =
            self.client.request(method, url).header("PRIVATE-TOKEN", &self.tickets.token).timeout(TIMEOUT);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let unreadable = |error: reqwest::Error| GitLabError::Answer(error.without_url().to_string());
        let answer = request.send().await.map_err(unreadable)?;
        match answer.status() {
            status if status.is_success() => answer.json().await.map_err(unreadable),
            StatusCode::NOT_FOUND => Err(GitLabError::NotFound),
            status => Err(GitLabError::Status(status)),
        }
    }
}

/// What somebody has written, as a quotation: GitLab takes a line that begins with `/` for a command, which it would carry out with the
/// rights of the desk.
pub(super) fn quoted(text: &str) -> String {
    let lines: Vec<_> = text.trim().split(['\r', '\n']).map(|line| format!("> {line}")).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_a_quotation_is_a_command() {
        let text = quoted("fine\n/label ~approved\r\n/close\r/assign @max\n");
        assert!(text.lines().all(|line| line.starts_with("> ")) && !text.contains('\r'), "{text}");
    }
}
