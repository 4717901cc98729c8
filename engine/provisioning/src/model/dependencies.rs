//! Which request waits for which.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A way that leads from a request back to itself, as `[a, b, a]`; `None` when there is none. `edges` has for each request those that it
/// depends on; what it does not name depends on nothing. The way begins with the first request of a cycle in the order of `edges`.
pub(crate) fn find_cycle(edges: &BTreeMap<String, Vec<String>>) -> Option<Vec<String>> {
    let remaining = unsorted(edges);
    // Whatever is left lies on a cycle or before one, so that following any edge among them comes back to where it has been.
    let mut way: Vec<&str> = Vec::new();
    let mut next = *remaining.iter().next()?;
    loop {
        if let Some(begin) = way.iter().position(|seen| *seen == next) {
            let mut cycle: Vec<String> = way.iter().skip(begin).map(ToString::to_string).collect();
            cycle.push(next.to_owned());
            return Some(cycle);
        }
        way.push(next);
        next = edges.get(next)?.iter().map(String::as_str).find(|on| remaining.contains(on))?;
    }
}

/// What is left when each request is taken away of which nothing depends on one that is left (Kahn's algorithm).
fn unsorted(edges: &BTreeMap<String, Vec<String>>) -> BTreeSet<&str> {
    let mut open: BTreeMap<&str, usize> = BTreeMap::new();
    let mut dependents: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (request, on) in edges {
        let distinct: BTreeSet<&str> = on.iter().map(String::as_str).collect();
        for on in &distinct {
            open.entry(on).or_default();
            dependents.entry(on).or_default().push(request);
        }
        *open.entry(request).or_default() += distinct.len();
    }
    let mut ready: VecDeque<&str> =
        open.iter().filter(|(_, count)| **count == 0).map(|(request, _)| *request).collect();
    while let Some(done) = ready.pop_front() {
        open.remove(done);
        for dependent in dependents.get(done).into_iter().flatten() {
            if let Some(count) = open.get_mut(dependent) {
                *count -= 1;
                if *count == 0 {
                    ready.push_back(dependent);
                }
            }
        }
    }
    open.into_keys().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn edges(pairs: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
        let list = |on: &[&str]| on.iter().map(ToString::to_string).collect();
        pairs.iter().map(|(request, on)| ((*request).to_owned(), list(on))).collect()
    }

    #[test]
    fn a_cycle_is_told_with_its_way() {
        for (pairs, cycle) in [
            (&[("a", &["b"][..]), ("b", &["c"]), ("d", &["a", "b"])][..], None),
            (&[("a", &["b"]), ("b", &["a"])], Some(vec!["a", "b", "a"])),
            (&[("a", &["a"])], Some(vec!["a", "a"])),
            (&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])], Some(vec!["b", "c", "b"])),
            (&[("a", &["b", "b"])], None),
        ] {
            let expected = cycle.map(|way| way.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(find_cycle(&edges(pairs)), expected, "{pairs:?}");
        }
    }

    proptest! {
        #[test]
        fn a_way_is_found_when_there_is_one_and_follows_the_edges(pairs in proptest::collection::vec((0_u8..8, 0_u8..8), 0..24)) {
            let mut edges: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for (from, to) in &pairs {
                edges.entry(from.to_string()).or_default().push(to.to_string());
            }
            #[allow(clippy::single_match_else, reason = "both ways are proofs of the same weight")]
            match find_cycle(&edges) {
                Some(way) => {
                    prop_assert_eq!(way.first(), way.last());
                    for step in way.windows(2) {
                        prop_assert!(edges[&step[0]].contains(&step[1]));
                    }
                }
                // Without a cycle each request can be given a number that is greater than those it depends on.
                None => {
                    let mut height: BTreeMap<String, usize> = BTreeMap::new();
                    for _ in 0..=edges.len() {
                        for (request, on) in &edges {
                            let above = on.iter().map(|on| height.get(on).copied().unwrap_or(0) + 1).max().unwrap_or(0);
                            height.insert(request.clone(), above);
                        }
                    }
                    for (request, on) in &edges {
                        prop_assert!(on.iter().all(|on| height.get(on).copied().unwrap_or(0) < height[request]));
                    }
                }
            }
        }
    }
}
