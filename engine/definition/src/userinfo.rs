//! Removes user names and passwords from URLs in messages.
//!
//! Promises: the rest of the URL, and text without such a URL, stay as they are.

use std::{borrow::Cow, ops::Range};

/// A text whose URLs have lost their `user:password@`.
pub fn without_userinfo(text: &str) -> Cow<'_, str> {
    replace(text, |_| String::new())
}

/// The same with stars instead, so that columns stay where they are.
pub(crate) fn starred(text: &str) -> Cow<'_, str> {
    replace(text, |hidden| "*".repeat(hidden.chars().count()))
}

fn replace(text: &str, by: impl Fn(&str) -> String) -> Cow<'_, str> {
    let mut shown = Cow::Borrowed(text);
    for range in places(text).into_iter().rev() {
        let with = by(text.get(range.clone()).unwrap_or_default());
        shown.to_mut().replace_range(range, &with);
    }
    shown
}

/// The bytes of each `user:password@` behind a `scheme://`.
fn places(text: &str) -> Vec<Range<usize>> {
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
    use super::{starred, without_userinfo};

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
        assert_eq!(starred("url=http://ü:p@h/"), "url=http://****h/");
    }
}
