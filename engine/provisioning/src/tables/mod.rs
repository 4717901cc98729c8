//! The rows of the desk. Each function is one statement or two; none decides anything.
//!
//! All take a connection: that of the open transaction, or one that only reads.

pub(crate) mod answers;
pub(crate) mod approvals;
mod approvers;
pub(crate) mod clusters;
pub(crate) mod creates;
pub(crate) mod credentials;
pub(crate) mod events;
pub(crate) mod links;
mod listing;
pub(crate) mod mails;
pub(crate) mod namespaces;
pub(crate) mod pools;
pub(crate) mod products;
pub(crate) mod requests;
pub(crate) mod rules;
pub(crate) mod spaces;
pub(crate) mod usage;
pub(crate) mod webhooks;

use jiff::Timestamp;
use rondo_store::{
    Component,
    rusqlite::{Error, Row, types::Type},
};
use serde::{Serialize, de::DeserializeOwned};

/// The tables of the desk.
pub const DESK: Component = Component {
    name: "desk",
    migrations: &[
        include_str!("../../migrations/0001_desk.sql"),
        include_str!("../../migrations/0002_products.sql"),
        include_str!("../../migrations/0003_links.sql"),
        include_str!("../../migrations/0004_credentials.sql"),
        include_str!("../../migrations/0005_lists.sql"),
        include_str!("../../migrations/0006_spaces.sql"),
    ],
};

#[cfg(test)]
pub(crate) mod tests;

type Found<T> = rondo_store::rusqlite::Result<T>;

/// Reads a column that holds JSON.
fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Found<T> {
    let text = row.get_ref(column)?.as_str()?;
    serde_json::from_str(text)
        .map_err(|error| Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

/// Writes something as JSON.
fn text(value: &impl Serialize) -> Found<String> {
    serde_json::to_string(value).map_err(|error| Error::ToSqlConversionFailure(Box::new(error)))
}

/// A moment as a column has it.
fn moment(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_millisecond)
}
