//! Lists that are read page by page.

use axum::Json;
use serde_json::Value;

use super::answer::items;
use crate::refusal::Refusal;

/// Items of one page, at most and by default.
pub(super) const MOST: u32 = 200;
const DEFAULT: u32 = 50;

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paging {
    /// The number behind which it begins.
    pub(super) after: Option<i64>,
    pub(super) limit: u32,
}

impl Paging {
    /// Reads the parameters `cursor` and `limit`.
    pub(super) fn read(cursor: Option<&str>, limit: Option<u32>) -> Result<Self, Refusal> {
        let after = cursor.map(|cursor| {
            cursor.parse::<i64>().map_err(|_| Refusal::invalid_at("/cursor", "it is not one of a list"))
        });
        Ok(Self { after: after.transpose()?, limit: limit.unwrap_or(DEFAULT).clamp(1, MOST) })
    }

    /// The answer: what was found, with the numbers of the rows, and where the list goes on. A full page may be the last one.
    pub(super) fn answer<T>(self, found: &[(i64, T)], view: impl Fn(&T) -> Value) -> Json<Value> {
        let is_full = found.len() as u64 == u64::from(self.limit);
        let next = found.last().filter(|_| is_full).map(|(number, _)| number.to_string());
        Json(items(found.iter().map(|(_, item)| view(item)).collect(), next))
    }
}
