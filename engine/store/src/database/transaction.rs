//! The transaction that is open, with its compiled statements.

use rusqlite::{CachedStatement, Connection};

/// The open transaction of the writer.
///
/// Statements are compiled once for all work of a transaction: looking one up in the cache of the connection costs a good part of
/// what running it costs.
pub struct Transaction<'connection> {
    connection: &'connection Connection,
    statements: Vec<(&'static str, CachedStatement<'connection>)>,
    has_failpoints: bool,
}

impl<'connection> Transaction<'connection> {
    pub(super) fn new(connection: &'connection Connection) -> Self {
        Self { connection, statements: Vec::new(), has_failpoints: false }
    }

    /// The connection, for statements whose text is put together.
    pub fn connection(&self) -> &'connection Connection {
        self.connection
    }

    /// Lets crash tests end the process right before this transaction is written, and right after. What is written while the engine starts
    /// has no failpoints, or it would never be ready.
    pub(crate) fn enable_failpoints(&mut self) {
        self.has_failpoints = true;
    }

    pub(super) fn has_failpoints(&self) -> bool {
        self.has_failpoints
    }

    /// A statement, compiled.
    pub fn statement(&mut self, sql: &'static str) -> rusqlite::Result<&mut CachedStatement<'connection>> {
        // They are few, and differ in their length.
        let known = self.statements.iter().position(|(known, _)| *known == sql);
        let place = known.unwrap_or(self.statements.len());
        if known.is_none() {
            self.statements.push((sql, self.connection.prepare_cached(sql)?));
        }
        Ok(&mut self.statements[place].1)
    }
}
