//! Mails of the desk: to whom, about what, and when a mail that was not taken is tried again.
//!
//! Never: holds an address or the token of a link. Both are made when the mail is sent.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Tries of a mail at most. With the pauses between them they take a day.
const MOST_ATTEMPTS: u32 = 150;

/// A mail that waits to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mail {
    /// The same for each try, so that a mail service can know it again.
    pub(crate) id: Uuid,
    /// Who gets it: the entity reference of a user.
    pub(crate) to: String,
    /// What it says.
    pub(crate) content: Content,
    /// How often it was tried.
    #[serde(default)]
    pub(crate) attempts: u32,
}

/// What a mail says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Content {
    /// A question, with the link that decides it.
    Question {
        /// The approval.
        approval: String,
        /// The link of the person who gets it.
        link: Uuid,
        /// Why it is sent now.
        occasion: Occasion,
    },
    /// How a question ended.
    Outcome {
        /// The approval.
        approval: String,
    },
    /// What a flow says.
    Notice {
        /// Subject.
        subject: String,
        /// Text.
        text: String,
    },
}

/// Why a question is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Occasion {
    /// It is new.
    Asked,
    /// It waits for long.
    Reminded,
    /// Those who were asked before have not decided in time.
    Escalated,
}

impl Mail {
    /// A mail that was not tried yet.
    pub(crate) fn new(to: &str, content: Content) -> Self {
        Self { id: Uuid::now_v7(), to: to.to_owned(), content, attempts: 0 }
    }

    /// Counts a try that failed. The answer is the pause before the next one; `None` when it is given up.
    pub(crate) fn fail(&mut self) -> Option<Duration> {
        self.attempts = self.attempts.saturating_add(1);
        let seconds = match self.attempts {
            1 => 5,
            2 => 30,
            3 => 120,
            4 => 300,
            _ => 600,
        };
        (self.attempts < MOST_ATTEMPTS).then(|| Duration::from_secs(seconds))
    }
}

/// Whether a mail that a service answered so is worth another try: the service is away or busy, or does not know the desk yet.
pub(crate) fn is_worth_another_try(status: u16) -> bool {
    matches!(status, 401 | 403 | 404 | 408 | 425 | 429 | 500..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_tried_for_about_a_day() {
        let mut mail = Mail::new("user:default/kim", Content::Outcome { approval: "1".to_owned() });
        let mut pauses = Vec::new();
        while let Some(pause) = mail.fail() {
            pauses.push(pause);
        }
        assert_eq!(pauses.iter().take(5).map(Duration::as_secs).collect::<Vec<_>>(), [5, 30, 120, 300, 600]);
        let all: Duration = pauses.iter().sum();
        assert!((Duration::from_hours(24)..Duration::from_hours(26)).contains(&all), "{all:?}");
    }
}
