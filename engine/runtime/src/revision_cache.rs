//! Cache of revisions that are not served any more, but to which instances are pinned.
//!
//! Promises: a revision is in memory once, however many instances run it. A revision that no active instance runs stays in memory only while
//! it is among the [`KEPT`] that were used last. Never: reads the database; `load` does.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Weak},
};

use parking_lot::Mutex;

use crate::catalog::Deployed;

/// How many of the last used revisions stay in memory although no instance runs them. Sleeping instances of one revision wake one after the
/// other, and without the cache each would compile it again; a compiled revision takes some hundred kilobytes.
const KEPT: usize = 16;

/// Older revisions, by digest.
#[derive(Default)]
pub(crate) struct RevisionCache {
    cached: Mutex<Cached>,
}

#[derive(Default)]
struct Cached {
    /// All revisions in memory that came by this cache, by digest.
    known: HashMap<String, Weak<Deployed>>,
    /// The last used revisions, the latest at the end.
    kept: VecDeque<Arc<Deployed>>,
}

impl RevisionCache {
    /// The revision, if it is in memory.
    pub(crate) fn find(&self, revision: &str) -> Option<Arc<Deployed>> {
        let mut cached = self.cached.lock();
        let found = cached.known.get(revision)?.upgrade()?;
        cached.used(&found);
        Some(found)
    }

    /// Adds a revision that was read from the database. If another task has added it meanwhile, returns that one instead.
    pub(crate) fn keep(&self, deployed: Deployed) -> Arc<Deployed> {
        let mut cached = self.cached.lock();
        let known = cached.known.get(&deployed.revision).and_then(Weak::upgrade);
        let deployed = known.unwrap_or_else(|| Arc::new(deployed));
        cached.known.insert(deployed.revision.clone(), Arc::downgrade(&deployed));
        cached.used(&deployed);
        deployed
    }
}

impl Cached {
    fn used(&mut self, deployed: &Arc<Deployed>) {
        self.kept.retain(|kept| !Arc::ptr_eq(kept, deployed));
        self.kept.push_back(Arc::clone(deployed));
        if self.kept.len() > KEPT {
            self.kept.pop_front();
            self.known.retain(|_, known| known.strong_count() > 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revision(number: usize) -> Deployed {
        let text = r#"{"id": "w", "version": "1", "specVersion": "0.8", "start": "S", "states": [{"name": "S", "type": "inject", "data": {}, "end": true}]}"#;
        let (document, problems) =
            rondo_definition::parse_with("w.sw.json", text, rondo_definition::Options::default());
        let document = document.unwrap_or_else(|| panic!("{problems:?}"));
        let specs = rondo_function::Specs::new(None);
        let (deployed, _) = crate::catalog::deploy(document, &rondo_function::Secrets::default(), &specs);
        Deployed { revision: number.to_string(), ..deployed }
    }

    #[test]
    fn a_revision_that_nothing_runs_leaves_memory_and_one_that_something_runs_stays() {
        let cache = RevisionCache::default();
        let running = cache.keep(revision(0));
        for number in 1..=KEPT + 1 {
            drop(cache.keep(revision(number)));
        }
        assert!(cache.find("1").is_none(), "it was used before all others, and nothing runs it");
        assert!(cache.find("2").is_some());
        assert!(Arc::ptr_eq(&cache.find("0").unwrap(), &running));
        assert!(Arc::ptr_eq(&cache.keep(revision(0)), &running), "it is in memory once");
        assert!(cache.cached.lock().known.len() <= KEPT + 1);
    }
}
