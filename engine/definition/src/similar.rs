//! Suggestions for misspelt names.

/// Longest part of a name that is compared. The comparison takes quadratic time, and names come from files of others.
const COMPARED_CHARACTERS: usize = 80;

/// The most similar candidate, if at most one letter in three differs; case does not count.
pub fn did_you_mean<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let compared = |text: &str| text.to_lowercase().chars().take(COMPARED_CHARACTERS).collect::<String>();
    let wanted = compared(name);
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let other = compared(candidate);
            let longer = wanted.chars().count().max(other.chars().count());
            let distance = strsim::osa_distance(&wanted, &other);
            (distance * 3 <= longer).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_close_are_suggested() {
        for (name, expected) in [
            ("Aprove", Some("Approve")),
            ("approve", Some("Approve")),
            ("Apporve", Some("Approve")),
            ("Deny", None),
            ("", None),
        ] {
            assert_eq!(did_you_mean(name, ["Reject", "Approve"]), expected, "{name}");
        }
    }
}
