//! Places at which a crash test ends the process.

/// Ends the process, if a crash test asks for it at this place. Does nothing in a build without the feature `failpoints`.
///
/// With the feature, the environment variable `RONDO_FAILPOINTS` lists the places at which the process aborts, each with the number of the
/// passage that does it (1, if left out): `RONDO_FAILPOINTS=turn-before-commit@3,commit-after`. The crate `fail` has no action that aborts
/// at the n-th passage, which is all that is needed here.
#[inline]
pub fn failpoint(name: &str) {
    #[cfg(feature = "failpoints")]
    armed::pass(name);
    #[cfg(not(feature = "failpoints"))]
    let _ = name;
}

/// A failpoint for one kind of thing only: `RONDO_FAILPOINTS=turn-of:greeting`.
#[inline]
pub fn failpoint_of(name: &str, kind: &str) {
    #[cfg(feature = "failpoints")]
    armed::pass(&format!("{name}:{kind}"));
    #[cfg(not(feature = "failpoints"))]
    let _ = (name, kind);
}

#[cfg(feature = "failpoints")]
mod armed {
    use std::{
        collections::HashMap,
        sync::{
            LazyLock,
            atomic::{AtomicU64, Ordering},
        },
    };

    /// How many passages are left until each listed place aborts.
    static LEFT: LazyLock<HashMap<String, AtomicU64>> =
        LazyLock::new(|| read(&std::env::var("RONDO_FAILPOINTS").unwrap_or_default()));

    pub(super) fn pass(name: &str) {
        if let Some(left) = LEFT.get(name)
            && left.fetch_sub(1, Ordering::Relaxed) == 1
        {
            eprintln!("failpoint `{name}`: aborting");
            std::process::abort();
        }
    }

    fn read(text: &str) -> HashMap<String, AtomicU64> {
        let places = text.split(',').map(str::trim).filter(|place| !place.is_empty());
        places
            .map(|place| {
                let (name, times) = place.split_once('@').unwrap_or((place, "1"));
                (name.to_owned(), AtomicU64::new(times.parse().unwrap_or(1)))
            })
            .collect()
    }
}
