//! The statements of lists, which are put together from what is asked for.
//!
//! Promises: a list walks the index of one of its filters, in the order of the numbers of its rows, so that a page takes the time of its own
//! rows; a test looks at the plan of each. Never: holds a value; all are bound.

use rondo_store::rusqlite::types::Value;

/// Which way a list goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// From the oldest row to the newest.
    Onwards,
    /// From the newest row to the oldest.
    Back,
}

/// Which rows of a table a list has: those with these values, behind a number.
#[derive(Debug)]
pub(super) struct Filter<'f> {
    pub(super) table: &'f str,
    /// The index of one of the filters; `None` to walk the table itself.
    pub(super) index: Option<&'f str>,
    /// Columns with the values that they must have.
    pub(super) columns: &'f [(&'f str, Option<&'f str>)],
    pub(super) way: Way,
    /// The number behind which the list goes on.
    pub(super) after: Option<i64>,
    pub(super) limit: u32,
}

impl Filter<'_> {
    /// The statement, which reads number and body, and its values.
    pub(super) fn statement(&self) -> (String, Vec<Value>) {
        let (sign, order, first) = match self.way {
            Way::Onwards => ('>', "", 0),
            Way::Back => ('<', " DESC", i64::MAX),
        };
        let index = self.index.map(|index| format!(" INDEXED BY {index}")).unwrap_or_default();
        let mut sql = format!("SELECT number, body FROM {}{index} WHERE number {sign} ?1", self.table);
        let mut values = vec![Value::Integer(self.after.unwrap_or(first))];
        for (column, wanted) in self.columns {
            let Some(wanted) = wanted else { continue };
            values.push(Value::Text((*wanted).to_owned()));
            sql.push_str(&format!(" AND {column} = ?{}", values.len()));
        }
        values.push(Value::Integer(self.limit.into()));
        sql.push_str(&format!(" ORDER BY number{order} LIMIT ?{}", values.len()));
        (sql, values)
    }
}
