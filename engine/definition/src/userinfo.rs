//! Removes user names and passwords from URLs in messages.
//!
//! Promises: the rest of the URL, and text without such a URL, stay as they are.

use std::{borrow::Cow, ops::Range};

/// The text with `user:password@` removed from all URLs.
pub fn without_userinfo(text: &str) -> Cow<'_, str> {
    replace(text, |_| String::new())
}

/// The text with stars instead of the `user:password@` of URLs, so that columns do not change.
pub(crate) fn with_starred_userinfo(text: &str) -> Cow<'_, str> {
    replace(text, |hidden| "*".repeat(hidden.chars().count()))
}

fn replace(text: &str, by: impl Fn(&str) -> String) -> Cow<'_, str> {
    let mut replaced = Cow::Borrowed(text);
    for range in userinfo_ranges(text).into_iter().rev() {
        let with = by(text.get(range.clone()).unwrap_or_default());
        replaced.to_mut().replace_range(range, &with);
    }
    replaced
}

/// The bytes of each `user:password@` after a `scheme://`.
fn userinfo_ranges(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find("://")) {
        let start = from + at + "://".len();
        let rest = text.get(start..).unwrap_or_default();
        let ends =
            |c: char| c.is_whitespace() || matches!(c, '/' | '\\' | '?' | '#' | '"' | '\'' | '`' | '<' | '>');
        let authority = rest.get(..rest.find(ends).unwrap_or(rest.len())).unwrap_or_default();
        if let Some(at) = authority.rfind('@') {
            found.push(start..start + at + 1);
        }
        from = start;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{with_starred_userinfo, without_userinfo};

    #[test]
    fn urls_lose_names_and_passwords() {
        for (text, expected) in [
            ("GET http://ada:s3cret@host:80/a@b?c=d@e", "GET http://host:80/a@b?c=d@e"),
            ("`htp://ada@host` and https://a:b@c@d/", "`htp://host` and https://d/"),
            ("rest:get:http://u:p@h", "rest:get:http://h"),
            ("ada@example.org, http://host/~ada@x", "ada@example.org, http://host/~ada@x"),
            ("http://[::1]:8080/", "http://[::1]:8080/"),
            ("://@", "://"),
        ] {
            assert_eq!(without_userinfo(text), expected);
        }
        assert_eq!(with_starred_userinfo("url=http://ü:p@h/"), "url=http://****h/");
    }
}
