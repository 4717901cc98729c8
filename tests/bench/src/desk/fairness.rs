//! What became of the tenants: how many requests of each ran at once, and how evenly they got on.

use std::collections::BTreeMap;

/// From when to when a flow worked on a request, in milliseconds since 1970.
pub(super) type Span = (i64, i64);

/// How many spans overlap at most. Who begins at the moment at which another one ends is not there with it.
pub(super) fn most_at_once(spans: &[Span]) -> usize {
    let mut changes: Vec<(i64, i32)> = spans.iter().flat_map(|(from, to)| [(*from, 1), (*to, -1)]).collect();
    changes.sort_unstable();
    let (mut now, mut most) = (0, 0);
    for (_, change) in changes {
        now += change;
        most = most.max(now);
    }
    usize::try_from(most).unwrap_or_default()
}

/// How evenly tenants got on, in seconds.
#[derive(Debug, PartialEq)]
pub(super) struct Progress {
    /// Between the first and the last tenant to have their k-th request done, for the k for which that is longest.
    pub(super) widest_spread: f64,
    /// That k.
    pub(super) widest_at: usize,
    /// The longest time in which nothing of a tenant was done although it waited.
    pub(super) longest_gap: f64,
    /// Between two requests of a tenant that are done, on average.
    pub(super) mean_gap: f64,
}

/// Looks at the moments at which requests of each tenant were done, in milliseconds; all have begun to wait at `begin`.
pub(super) fn progress(begin: i64, done: &BTreeMap<String, Vec<i64>>) -> Progress {
    let mut found = Progress { widest_spread: 0.0, widest_at: 0, longest_gap: 0.0, mean_gap: 0.0 };
    let (mut gaps, mut count) = (0.0, 0.0);
    for moments in done.values() {
        let mut before = begin;
        for moment in moments {
            let gap = seconds(moment - before);
            found.longest_gap = found.longest_gap.max(gap);
            gaps += gap;
            count += 1.0;
            before = *moment;
        }
    }
    found.mean_gap = gaps / f64::max(count, 1.0);
    let shortest = done.values().map(Vec::len).min().unwrap_or_default();
    for place in 0..shortest {
        let moments = || done.values().filter_map(|moments| moments.get(place));
        let spread = moments().max().zip(moments().min()).map(|(last, first)| seconds(last - first));
        if let Some(spread) = spread.filter(|spread| *spread > found.widest_spread) {
            (found.widest_spread, found.widest_at) = (spread, place + 1);
        }
    }
    found
}

#[allow(clippy::cast_precision_loss, reason = "for people")]
fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_that_touch_are_not_at_once() {
        assert_eq!(most_at_once(&[(0, 10), (10, 20), (20, 30)]), 1);
        assert_eq!(most_at_once(&[(0, 10), (9, 20), (5, 30)]), 3);
        assert_eq!(most_at_once(&[]), 0);
    }

    #[test]
    fn the_tenant_that_is_left_behind_widens_the_spread() {
        let even = vec![1000, 2000, 3000];
        let late = vec![1000, 2500, 9000];
        let done = BTreeMap::from([("a".to_owned(), even), ("b".to_owned(), late)]);
        let expected = Progress { widest_spread: 6.0, widest_at: 3, longest_gap: 6.5, mean_gap: 12.0 / 6.0 };
        assert_eq!(progress(0, &done), expected);
    }
}
