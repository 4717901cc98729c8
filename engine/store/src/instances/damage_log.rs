//! Which rows were found damaged.
//!
//! Promises: the log names each damaged instance once, however often lists come across it.

use std::{collections::BTreeSet, fmt::Display, sync::Arc};

use parking_lot::Mutex;

use crate::database::is_damage;

/// Names that are remembered. Beyond, damage is counted and logged no more: the file as a whole is damaged then.
const MOST: usize = 10_000;

/// The damaged rows that were found since the database was opened. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct DamageLog(Arc<Mutex<BTreeSet<String>>>);

impl DamageLog {
    /// How many instances were found damaged.
    pub(super) fn count(&self) -> u64 {
        self.0.lock().len() as u64
    }

    /// Notes that a row is damaged, and logs it the first time.
    pub(super) fn note(&self, read: &'static str, instance: &dyn Display, problem: &dyn Display) {
        let is_new = {
            let mut known = self.0.lock();
            known.len() < MOST && known.insert(instance.to_string())
        };
        if is_new {
            tracing::error!(
                read,
                error = %problem,
                "instance {instance} is damaged in the database: it does not go on, and lists leave it out or show it in error"
            );
        }
    }

    /// A row for a list, or nothing when it is damaged.
    pub(super) fn unless_damaged<T>(
        &self,
        read: &'static str,
        instance: &dyn Display,
        row: rusqlite::Result<T>,
    ) -> rusqlite::Result<Option<T>> {
        match row {
            Err(error) if is_damage(&error) => {
                self.note(read, instance, &error);
                Ok(None)
            }
            row => row.map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_row_counts_once_and_a_damaged_file_does_not_fill_the_memory() {
        let log = DamageLog::default();
        for round in 0..2 {
            for instance in 0..MOST + 3 {
                log.note("list", &instance, &"no JSON");
            }
            assert_eq!(log.count(), MOST as u64, "round {round}");
        }
    }
}
