//! The order of the versions of a workflow (spec-0.8, "Workflow versions").

use std::cmp::{Ordering, Reverse};

/// Sorts items by their versions, the highest first: by Semantic Versioning if all of them are such versions, else as texts.
///
/// Many workflows have versions such as `1.0`, so a version may have any count of numbers; missing ones are 0.
pub(crate) fn sort_by_version<T>(items: &mut [T], version: impl Fn(&T) -> &str) {
    if items.iter().all(|item| Version::parse(version(item)).is_some()) {
        items.sort_by(|one, other| Version::parse(version(other)).cmp(&Version::parse(version(one))));
    } else {
        items.sort_by_key(|item| Reverse(version(item).to_owned()));
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Version<'a> {
    numbers: Vec<u64>,
    /// The identifiers after `-`.
    pre_release: Vec<&'a str>,
}

impl<'a> Version<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let text = text.split_once('+').map_or(text, |(version, _)| version);
        let (numbers, pre_release) = match text.split_once('-') {
            Some((numbers, identifiers)) => (numbers, identifiers.split('.').collect()),
            None => (text, Vec::new()),
        };
        let numbers: Option<Vec<u64>> = numbers.split('.').map(number).collect();
        let mut numbers = numbers?;
        while numbers.last() == Some(&0) {
            numbers.pop();
        }
        Some(Self { numbers, pre_release })
    }
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let numbers = self.numbers.cmp(&other.numbers);
        numbers.then_with(|| match (self.pre_release.is_empty(), other.pre_release.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => {
                let (own, others) = (self.pre_release.iter(), other.pre_release.iter());
                own.map(|text| Identifier::of(text)).cmp(others.map(|text| Identifier::of(text)))
            }
        })
    }
}

impl PartialOrd for Version<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// An identifier of a pre-release: numbers sort before texts.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Identifier<'a> {
    Number(u64),
    Text(&'a str),
}

impl<'a> Identifier<'a> {
    fn of(text: &'a str) -> Self {
        number(text).map_or(Self::Text(text), Self::Number)
    }
}

fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_version_is_first() {
        for (versions, expected) in [
            (vec!["1.0", "1.10", "1.9"], vec!["1.10", "1.9", "1.0"]),
            (
                vec!["1.0.0-rc.1", "1.0.0", "1.0.0-alpha", "1.0.0-rc.10"],
                vec!["1.0.0", "1.0.0-rc.10", "1.0.0-rc.1", "1.0.0-alpha"],
            ),
            (vec!["2", "10", "1.2.3"], vec!["10", "2", "1.2.3"]),
            // One of them is no such version, so all are texts.
            (vec!["9", "10", "draft"], vec!["draft", "9", "10"]),
        ] {
            let mut sorted = versions;
            sort_by_version(&mut sorted, |version| version);
            assert_eq!(sorted, expected);
        }
    }
}
