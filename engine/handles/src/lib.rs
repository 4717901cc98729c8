//! How many files and sockets the process may have open, and what they are for.
//!
//! Clients, calls of services and the database draw file handles from one limit of the process. Without a division, idle connections to
//! services keep clients out, and a parallel loop keeps the database from opening a file. So each use has its part, and waits for a handle
//! of its own part only.
//!
//! Promises: the parts together are never more than the limit, unless it is below [`HandleBudget::SMALLEST_LIMIT`]. Never: counts the
//! handles that are open; the owner of each part does.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Handles that belong to none of the parts: the database with its readers, log and locks (20), temporary files of sorted lists, the
/// listener, what the runtime polls, the workflow files that are read again, standard streams, and libraries that look up names.
const RESERVED: usize = 48;

/// The highest soft limit that is asked for. Container runtimes set a hard limit of a billion; some libraries walk through all handles up
/// to the soft limit, and no engine serves more clients than this.
const HIGHEST: u64 = 1 << 20;

/// The parts of the limit of open files.
///
/// ```
/// use rondo_handles::HandleBudget;
///
/// let small = HandleBudget::of_limit(256);
/// assert_eq!((small.connections, small.calls, small.idle), (104, 52, 26));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandleBudget {
    /// Open files and sockets that the process may have.
    pub limit: usize,
    /// Connections of clients at once.
    pub connections: usize,
    /// Calls of services in flight at once. Half as many handles again are set aside for them: a call that looks up a name, or tries
    /// two addresses, has two handles for a moment.
    pub calls: usize,
    /// Connections to services that are kept open between calls.
    pub idle: usize,
}

impl HandleBudget {
    /// The smallest limit that the parts keep to. Below it each part is as for this one.
    pub const SMALLEST_LIMIT: usize = RESERVED + 16;

    /// The parts of the limit that the process has now. Ask after [`raise_limit`].
    pub fn of_process() -> Self {
        let soft = getrlimit(Resource::Nofile).current.unwrap_or(HIGHEST);
        Self::of_limit(usize::try_from(soft).unwrap_or(usize::MAX))
    }

    /// The parts of a limit: half for clients, the rest for calls, of which a third of those in flight may be idle.
    pub fn of_limit(limit: usize) -> Self {
        let shared = limit.max(Self::SMALLEST_LIMIT) - RESERVED;
        Self { limit, connections: shared / 2, calls: shared / 4, idle: shared / 8 }
    }
}

/// Raises the soft limit of open files to the hard limit, which every process may do for itself. Returns the budget of the new limit, or of
/// the old one where the system refuses.
pub fn raise_limit() -> HandleBudget {
    let mut limit = getrlimit(Resource::Nofile);
    let hard = limit.maximum.unwrap_or(HIGHEST).min(HIGHEST);
    if limit.current.is_some_and(|soft| soft < hard) {
        limit.current = Some(hard);
        // Where the system refuses, the process keeps the limit that it has.
        let _ = setrlimit(Resource::Nofile, limit);
    }
    HandleBudget::of_process()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_never_more_than_the_limit() {
        for limit in [64, 65, 100, 256, 1024, 65_536, 1 << 20] {
            let HandleBudget { connections, calls, idle, .. } = HandleBudget::of_limit(limit);
            assert!(RESERVED + connections + calls + calls / 2 + idle <= limit, "{limit}");
            assert!(connections > 0 && calls > 0 && idle > 0, "{limit}");
        }
        assert_eq!(HandleBudget::of_limit(3).calls, HandleBudget::of_limit(64).calls);
    }

    #[test]
    fn the_soft_limit_becomes_the_hard_limit() {
        let raised = raise_limit();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(
            limit.current,
            Some(limit.maximum.unwrap_or(HIGHEST).min(HIGHEST).max(raised.limit as u64))
        );
        assert_eq!(HandleBudget::of_process(), raised);
    }
}
