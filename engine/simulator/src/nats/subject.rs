//! Subjects of messages, and the patterns of subscriptions.

/// Whether a subscription's pattern takes a subject: `*` stands for one part, a last `>` for one or more.
pub(super) fn matches(pattern: &str, subject: &str) -> bool {
    let mut patterns = pattern.split('.');
    let mut parts = subject.split('.');
    loop {
        match (patterns.next(), parts.next()) {
            (Some(">"), Some(_)) | (None, None) => return true,
            (Some("*"), Some(_)) => {}
            (Some(wanted), Some(part)) if wanted == part => {}
            _ => return false,
        }
    }
}

/// Whether a text is a subject: parts that are not empty, without blanks.
pub(super) fn is_valid(subject: &str) -> bool {
    subject.split('.').all(|part| !part.is_empty() && !part.contains(char::is_whitespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_take_parts_of_subjects() {
        for (pattern, subject, expected) in [
            ("a", "a", true),
            ("a", "b", false),
            ("a", "a.b", false),
            ("a.*", "a.b", true),
            ("a.*", "a", false),
            ("a.*", "a.b.c", false),
            ("*.b", "a.b", true),
            ("a.>", "a.b.c", true),
            ("a.>", "a", false),
            (">", "a.b", true),
        ] {
            assert_eq!(matches(pattern, subject), expected, "{pattern} {subject}");
        }
    }

    #[test]
    fn subjects_have_no_empty_parts() {
        for (subject, expected) in [("a.b", true), ("", false), ("a..b", false), (".a", false), ("a.", false)]
        {
            assert_eq!(is_valid(subject), expected, "{subject}");
        }
    }
}
