//! Places at which a crash test ends the process.

/// A place where a crash would be interesting. Does nothing, save in a build with the feature `failpoints`.
///
/// There the environment variable `RONDO_FAILPOINTS` says at which places the process aborts, and at the how-manieth time of passing (the
/// first, if that is left out): `RONDO_FAILPOINTS=turn-before-commit@3,commit-after`.
#[inline]
pub fn failpoint(name: &str) {
    #[cfg(feature = "failpoints")]
    armed::pass(name);
    #[cfg(not(feature = "failpoints"))]
    let _ = name;
}

/// A place that only one kind of thing is to crash at: `RONDO_FAILPOINTS=turn-of:greeting`.
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

    /// How many times each armed place is still to be passed.
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
