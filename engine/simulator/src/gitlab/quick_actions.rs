//! Lines of descriptions and comments that are commands: `/label ~approved`, `/unlabel ~denied`, `/close`, `/reopen`.
//!
//! GitLab carries them out and removes them from the text. A quoted or indented line is no command.
//! Source: <https://docs.gitlab.com/user/project/quick_actions/>.

use jiff::Timestamp;

use super::Issue;

/// Carries out the commands of a text, and gives the text without them.
pub(super) fn carry_out(issue: &mut Issue, text: &str, now: Timestamp) -> String {
    let mut kept = Vec::new();
    for line in text.split(['\n', '\r']) {
        let (command, rest) = line.trim_end().split_once(' ').unwrap_or((line.trim_end(), ""));
        let labels = rest.split_whitespace().map(|label| label.trim_start_matches('~').trim_matches('"'));
        match command {
            "/label" => issue.labels.extend(labels.map(str::to_owned)),
            "/unlabel" => labels.for_each(|label| {
                issue.labels.remove(label);
            }),
            "/close" => issue.closed = issue.closed.or(Some(now)),
            "/reopen" => issue.closed = None,
            _ => kept.push(line),
        }
    }
    kept.join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::Gitlab;
    use super::*;

    #[test]
    fn commands_stand_at_the_beginning_of_a_line() {
        let now = Timestamp::UNIX_EPOCH;
        for (text, labels, closed, kept) in [
            ("please\n/label ~approved ~\"big\"\nthanks", vec!["approved", "big"], false, "please\nthanks"),
            ("a\r/label ~approved", vec!["approved"], false, "a"),
            ("/label ~a\n/unlabel ~a\n/close", vec![], true, ""),
            ("/close\n/reopen", vec![], false, ""),
            (
                "> /label ~approved\n  /close\nno /close",
                vec![],
                false,
                "> /label ~approved\n  /close\nno /close",
            ),
        ] {
            let mut gitlab = Gitlab::new(&["group/project".to_owned()]);
            let issue = gitlab.open(1, "t".to_owned(), Some(text.to_owned()), [].into(), now);
            let found: Vec<_> = issue.labels.iter().map(String::as_str).collect();
            assert_eq!((found, issue.closed.is_some()), (labels, closed), "{text:?}");
            assert_eq!(issue.description.as_deref(), Some(kept), "{text:?}");
        }
    }
}
