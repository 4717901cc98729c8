//! Projects, issues and notes of the simulated GitLab, and the rules of issues.
//!
//! Promises: issue numbers (`iid`) count from 1 in each project; labels are sorted by name, as GitLab returns them, so
//! that a label may stand at any position among others.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::quick_actions;
use crate::clock::{later, millis};

/// Projects with their issues and labels.
#[derive(Debug)]
pub(crate) struct Gitlab {
    projects: Vec<Project>,
    /// Across all projects, in the order of their creation.
    issues: Vec<Issue>,
    notes: u64,
}

/// A project; its name is the last part of its path.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    pub(crate) id: u64,
    pub(crate) path: String,
    /// Color by name.
    pub(crate) labels: BTreeMap<String, String>,
}

/// An issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// Number across all projects.
    pub id: u64,
    /// Number within the project.
    pub iid: u64,
    /// Id of the project.
    pub project: u64,
    /// One line.
    pub title: String,
    /// Markdown.
    pub description: Option<String>,
    /// Names, sorted.
    pub labels: BTreeSet<String>,
    /// Comments, oldest first.
    pub notes: Vec<Note>,
    /// When it was opened.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// When it was closed; absent: it is open.
    pub closed: Option<Timestamp>,
}

/// A comment on an issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Number across all issues.
    pub id: u64,
    /// Markdown.
    pub body: String,
    /// When it was written.
    pub created: Timestamp,
}

/// The decision of an approver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Sets the label `approved`.
    Approve,
    /// Sets the label `denied`.
    Deny,
}

/// The project has no issue of this number.
#[derive(Debug, thiserror::Error)]
#[error("project {project} has no issue {iid}")]
pub struct UnknownIssue {
    /// Id of the project.
    pub project: u64,
    /// Number within the project.
    pub iid: u64,
}

impl Gitlab {
    pub(crate) fn new(paths: &[String]) -> Self {
        let projects = (1..)
            .zip(paths)
            .map(|(id, path)| Project { id, path: path.clone(), labels: BTreeMap::new() })
            .collect();
        Self { projects, issues: Vec::new(), notes: 0 }
    }

    pub(crate) fn projects(&self) -> &[Project] {
        &self.projects
    }

    /// The project with this id or this path.
    pub(crate) fn project(&self, reference: &str) -> Option<&Project> {
        self.projects.iter().find(|project| project.is(reference))
    }

    pub(crate) fn project_mut(&mut self, reference: &str) -> Option<&mut Project> {
        self.projects.iter_mut().find(|project| project.is(reference))
    }

    pub(crate) fn issues(&self) -> impl Iterator<Item = &Issue> {
        self.issues.iter()
    }

    pub(crate) fn issue(&self, project: u64, iid: u64) -> Option<&Issue> {
        self.issues.iter().find(|issue| issue.project == project && issue.iid == iid)
    }

    pub(crate) fn issue_mut(&mut self, project: u64, iid: u64) -> Option<&mut Issue> {
        self.issues.iter_mut().find(|issue| issue.project == project && issue.iid == iid)
    }

    /// Opens an issue.
    pub(crate) fn open(
        &mut self,
        project: u64,
        title: String,
        description: Option<String>,
        labels: BTreeSet<String>,
        now: Timestamp,
    ) -> Issue {
        let id = 1 + self.issues.len() as u64;
        let iid = 1 + self.issues.iter().filter(|issue| issue.project == project).count() as u64;
        let mut issue = Issue {
            id,
            iid,
            project,
            title,
            description: None,
            labels,
            notes: Vec::new(),
            created: now,
            updated: now,
            closed: None,
        };
        issue.description = description.map(|text| quick_actions::carry_out(&mut issue, &text, now));
        self.issues.push(issue.clone());
        issue
    }

    /// Adds a comment; `None` when the issue does not exist.
    pub(crate) fn comment(&mut self, project: u64, iid: u64, body: String, now: Timestamp) -> Option<Note> {
        let id = self.notes + 1;
        let issue = self.issue_mut(project, iid)?;
        let body = quick_actions::carry_out(issue, &body, now);
        let note = Note { id, body, created: now };
        issue.notes.push(note.clone());
        issue.updated = now;
        self.notes = id;
        Some(note)
    }

    pub(crate) fn decide(
        &mut self,
        project: u64,
        iid: u64,
        decision: Decision,
        now: Timestamp,
    ) -> Result<(), UnknownIssue> {
        let issue = self.issue_mut(project, iid).ok_or(UnknownIssue { project, iid })?;
        issue.labels.insert(decision.label().to_owned());
        issue.updated = now;
        Ok(())
    }

    /// Approves open issues of at least this age that are undecided.
    pub(crate) fn approve_undecided(&mut self, age: Duration, now: Timestamp) {
        let due = |issue: &&mut Issue| issue.awaits_decision() && later(issue.created, age) <= now;
        for issue in self.issues.iter_mut().filter(due) {
            issue.labels.insert(Decision::Approve.label().to_owned());
            issue.updated = now;
        }
    }

    /// Projects and issues in GitLab's own form, each issue with its notes.
    pub(crate) fn describe(&self, base: &str) -> Value {
        let with_notes = |issue: &Issue| {
            let mut described = self.issue_json(issue, base);
            described["notes"] = issue.notes.iter().map(|note| note.json(issue)).collect();
            described
        };
        json!({
            "projects": self.projects.iter().map(|project| project.json(base)).collect::<Value>(),
            "issues": self.issues.iter().map(with_notes).collect::<Value>(),
        })
    }

    pub(crate) fn issue_json(&self, issue: &Issue, base: &str) -> Value {
        let path = self.projects.iter().find(|project| project.id == issue.project).map_or("", |p| &p.path);
        json!({
            "id": issue.id,
            "iid": issue.iid,
            "project_id": issue.project,
            "title": issue.title,
            "description": issue.description,
            "state": issue.state(),
            "created_at": millis(issue.created),
            "updated_at": millis(issue.updated),
            "closed_at": issue.closed.map(millis),
            "closed_by": issue.closed.map(|_| bot()),
            "labels": issue.labels,
            "milestone": null,
            "assignees": [],
            "author": bot(),
            "type": "ISSUE",
            "assignee": null,
            "user_notes_count": issue.notes.len(),
            "confidential": false,
            "web_url": format!("{base}/{path}/-/issues/{}", issue.iid),
            "references": {
                "short": format!("#{}", issue.iid),
                "relative": format!("#{}", issue.iid),
                "full": format!("{path}#{}", issue.iid),
            },
        })
    }
}

impl Project {
    fn is(&self, reference: &str) -> bool {
        self.path == reference || reference.parse() == Ok(self.id)
    }

    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    pub(crate) fn json(&self, base: &str) -> Value {
        json!({
            "id": self.id,
            "name": self.name(),
            "name_with_namespace": self.path.replace('/', " / "),
            "path": self.name(),
            "path_with_namespace": self.path,
            "default_branch": "main",
            "visibility": "internal",
            "archived": false,
            "issues_enabled": true,
            "web_url": format!("{base}/{}", self.path),
        })
    }
}

impl Issue {
    /// `opened` or `closed`.
    pub fn state(&self) -> &'static str {
        if self.closed.is_some() { "closed" } else { "opened" }
    }

    /// Whether it is open and has neither of the labels that decide.
    pub fn awaits_decision(&self) -> bool {
        let decided =
            [Decision::Approve, Decision::Deny].map(|decision| self.labels.contains(decision.label()));
        self.closed.is_none() && !decided.contains(&true)
    }
}

impl Note {
    pub(crate) fn json(&self, issue: &Issue) -> Value {
        json!({
            "id": self.id,
            "body": self.body,
            "author": bot(),
            "created_at": millis(self.created),
            "updated_at": millis(self.created),
            "system": false,
            "noteable_id": issue.id,
            "noteable_type": "Issue",
            "project_id": issue.project,
            "noteable_iid": issue.iid,
            "resolvable": false,
            "confidential": false,
            "internal": false,
        })
    }
}

impl Decision {
    /// The label that says so.
    pub fn label(self) -> &'static str {
        match self {
            Self::Approve => "approved",
            Self::Deny => "denied",
        }
    }
}

fn bot() -> Value {
    json!({ "id": 2, "username": "self-service-bot", "name": "Self-service", "state": "active" })
}
