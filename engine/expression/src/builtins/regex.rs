//! Regular expressions, as SonataFlow's jq finds them.
//!
//! Promises: a search takes work in proportion to text times pattern, which is bounded before it begins. Letters and digits are those of
//! Unicode.

mod pattern;
mod work;

use std::ops::Range;

use jaq_core::ValR;

use self::pattern::prepared;
pub use self::work::positions_of_pattern;
use crate::{
    budget,
    value::{Items, Val},
};

/// `test`
pub(super) fn test(text: &Val, pattern: &Val, flags: &Val) -> ValR<Val> {
    let (text, pattern) = prepared(text, pattern, flags)?;
    Ok(Val::Bool(pattern.search(text, 0)?.is_some()))
}

/// What `match` gives, as an array.
pub(super) fn matches(text: &Val, pattern: &Val, flags: &Val) -> ValR<Val> {
    let (text, pattern) = prepared(text, pattern, flags)?;
    let (mut all, mut start, mut counted) = (Items::default(), 0, (0, 0));
    while let Some((whole, found)) = pattern.search(text, start)? {
        let offset = counted.1 + characters(text, counted.0..whole.start);
        counted = (whole.start, offset);
        // SonataFlow's jq gives no groups for an empty match.
        let groups = if whole.is_empty() { &[] } else { found.get(1..).unwrap_or_default() };
        let captures = groups.iter().enumerate().map(|(index, group)| {
            let name = pattern.names.get(index + 1).cloned().flatten();
            let position = match group {
                Some(group) => Val::from(offset + characters(text, whole.start..group.start)),
                None => Val::Int(-1),
            };
            let shown = group.clone().map_or(Val::Null, |group| part(text, group));
            let length = group.clone().map_or(0, |group| characters(text, group));
            Val::object([
                ("offset", position),
                ("length", Val::from(length)),
                ("string", shown),
                ("name", name.map_or(Val::Null, Val::text)),
            ])
        });
        let captures = Val::array(captures.collect::<Vec<_>>());
        // The objects of a match take ten times the memory of their JSON.
        budget::spend(16 + 8 * captures.elements().len() as u64);
        all.push(Val::object([
            ("offset", Val::from(offset)),
            ("length", Val::from(characters(text, whole.clone()))),
            ("string", part(text, whole.clone())),
            ("captures", captures),
        ]));
        start = next_start(text, &whole);
        if !pattern.global || start >= text.len() {
            break;
        }
    }
    Ok(Val::from_items(all))
}

/// The text in parts: text between the matches, and between those an object of the named groups of each match.
pub(super) fn parts(text: &Val, pattern: &Val, flags: &Val) -> ValR<Val> {
    let (text, pattern) = prepared(text, pattern, flags)?;
    let (mut all, mut copied, mut start) = (Items::default(), 0, 0);
    while let Some((whole, found)) = pattern.search(text, start)? {
        budget::spend(8);
        all.push(part(text, copied..whole.start));
        let named = pattern.names.iter().zip(found).filter_map(|(name, group)| {
            Some((name.clone()?, group.map_or(Val::Null, |group| part(text, group))))
        });
        all.push(Val::object(named.collect::<Vec<_>>()));
        copied = whole.end;
        if !pattern.global || copied == text.len() {
            break;
        }
        start = next_start(text, &whole);
    }
    all.push(part(text, copied..text.len()));
    Ok(Val::from_items(all))
}

fn part(text: &str, range: Range<usize>) -> Val {
    Val::text(text.get(range).unwrap_or_default())
}

fn characters(text: &str, range: Range<usize>) -> usize {
    text.get(range).map_or(0, |part| part.chars().count())
}

/// Where the next search begins: behind the match, and one character further if the match is empty.
fn next_start(text: &str, whole: &Range<usize>) -> usize {
    let step = text.get(whole.end..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
    if whole.is_empty() { whole.end + step } else { whole.end }
}
