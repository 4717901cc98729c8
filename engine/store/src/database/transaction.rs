//! The transaction that is open, with its compiled statements.

use rusqlite::{CachedStatement, Connection};

/// The open transaction of the writer.
///
/// Statements are compiled once for all work of a transaction: looking one up in the cache of the connection costs a good part of
/// what running it costs.
pub struct Transaction<'connection> {
    connection: &'connection Connection,
    statements: Vec<(&'static str, CachedStatement<'connection>)>,
}

impl<'connection> Transaction<'connection> {
    pub(super) fn new(connection: &'connection Connection) -> Self {
        Self { connection, statements: Vec::new() }
    }

    /// The connection, for statements whose text is put together.
    pub fn connection(&self) -> &'connection Connection {
        self.connection
    }

    /// A statement, compiled.
    pub fn statement(&mut self, sql: &'static str) -> rusqlite::Result<&mut CachedStatement<'connection>> {
        // They are few, and differ in their length.
        let place = match self.statements.iter().position(|(known, _)| *known == sql) {
            Some(place) => place,
            None => {
                self.statements.push((sql, self.connection.prepare_cached(sql)?));
                self.statements.len() - 1
            }
        };
        Ok(&mut self.statements[place].1)
    }
}
