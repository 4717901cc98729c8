//! Escapes control characters of text from files and services, for a terminal or a log.
//!
//! Promises: the result is one line without terminal control sequences; other characters do not change.

use std::borrow::Cow;

/// A text with control characters escaped, as `\n` or `\u{1b}`.
///
/// ```
/// # use rondo_definition::visible;
/// assert_eq!(visible("fine, größer"), "fine, größer");
/// assert_eq!(visible("two\nlines \u{1b}[31m"), "two\\nlines \\u{1b}[31m");
/// ```
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_control) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_control(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    Cow::Owned(shown)
}

/// Whether a character is a control character, a line separator or a change of the writing direction.
pub fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn control_characters_are_escaped() {
        for (text, expected) in [
            ("", ""),
            ("plain `text` \\n, 語", "plain `text` \\n, 語"),
            ("a\nb\r\n\tc", "a\\nb\\r\\n\\tc"),
            ("\u{1b}]0;title\u{7}", "\\u{1b}]0;title\\u{7}"),
            ("\u{7f}\u{9b}2J\0", "\\u{7f}\\u{9b}2J\\u{0}"),
            ("a\u{202e}b\u{2028}", "a\\u{202e}b\\u{2028}"),
        ] {
            assert_eq!(visible(text), expected);
        }
    }
}
