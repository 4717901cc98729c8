//! How much work a regular expression can be.
//!
//! For each byte of the text an engine without backtracking looks, at worst, at each position of the pattern: at each of its characters and
//! classes, as often as they are repeated by a number.

use regex_syntax::{
    ParserBuilder,
    hir::{Hir, HirKind},
};

/// The positions of a pattern that an engine without backtracking can search for; `None` of any other.
pub fn positions_of_pattern(pattern: &str) -> Option<usize> {
    ParserBuilder::new().build().parse(pattern).ok().map(|tree| count(&tree))
}

/// The positions of a pattern that such an engine has compiled; 1 of any other.
pub(super) fn positions(pattern: &str, ignores_case: bool, ignores_blanks: bool) -> usize {
    let mut parser =
        ParserBuilder::new().case_insensitive(ignores_case).ignore_whitespace(ignores_blanks).build();
    parser.parse(pattern).map_or(1, |tree| count(&tree))
}

fn count(tree: &Hir) -> usize {
    match tree.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Class(_) => 1,
        HirKind::Literal(literal) => literal.0.len(),
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min).max(1);
            count(&repetition.sub).saturating_mul(usize::try_from(times).unwrap_or(usize::MAX))
        }
        HirKind::Capture(capture) => count(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().map(count).fold(0, usize::saturating_add)
        }
    }
}

/// At least the positions of any pattern, by its text alone: all of its characters that can stand for one, times the product of all numbers
/// in its repetitions.
pub(super) fn positions_at_most(pattern: &str) -> usize {
    let mut parts = pattern.split('{');
    let (mut characters, mut times) = (standing(parts.next().unwrap_or_default()), 1_usize);
    for part in parts {
        let (repetition, rest) = part.split_once('}').unwrap_or_default();
        let most = repetition.split(',').filter_map(|number| number.trim().parse::<usize>().ok()).max();
        times = times.saturating_mul(most.unwrap_or(1).max(1));
        characters += standing(rest);
    }
    characters.saturating_mul(times)
}

/// How many characters of a part of a pattern can stand for one of the text.
fn standing(part: &str) -> usize {
    part.chars().filter(|character| !"()|^$*+?:=!<>\\".contains(*character)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_repeated_by_a_number_counts_as_often() {
        for (pattern, expected, at_most) in [
            ("abc", 3, 3),
            ("[a-z]+@\\w*", 3, 7),
            ("(a?){300}b", 301, 600),
            ("(a{2,5}b){10}", 60, 100),
            ("a{3,}", 3, 3),
            ("(a|bc|)*", 4, 3),
            ("", 1, 0),
        ] {
            assert_eq!(positions(pattern, false, false), expected, "{pattern}");
            assert_eq!(positions_at_most(pattern), at_most, "{pattern}");
        }
        assert_eq!((positions_of_pattern("(?=a)b"), positions_of_pattern("a{3}")), (None, Some(3)));
        assert_eq!(positions_at_most("(?=(a?){300}b)"), 600);
        assert_eq!(positions_at_most("x{9999999999}{9999999999}{9999999999}"), usize::MAX);
    }
}
