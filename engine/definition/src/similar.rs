//! Finds suggestions for misspelt names.

/// Only this many characters of a name are compared, because the comparison takes quadratic time and the names come from files.
const COMPARED_CHARACTERS: usize = 80;

/// The most similar candidate, if at most one letter in three differs. Case is ignored.
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
    fn only_similar_names_are_suggested() {
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
