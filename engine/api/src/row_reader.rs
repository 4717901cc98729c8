//! Reads instances from the database, and claims memory before it reads them.

use rondo_runtime::Engine;
use rondo_store::{Instance, Query, StoreError};

use crate::request_memory::{Claim, NoMemory};

/// Bytes claimed for the first try: most lists are smaller.
const FIRST: u64 = 256 * 1024;

/// By how much the next try claims more. Each try reads all rows again, so a smaller factor would read them too often.
const FACTOR: u64 = 8;

/// Why rows cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RowsError {
    /// They take more bytes than allowed.
    #[error("the rows take more than {0} bytes")]
    TooLarge(u64),
    /// There is no memory for them now.
    #[error(transparent)]
    NoMemory(#[from] NoMemory),
    /// The database fails.
    #[error(transparent)]
    Store(StoreError),
}

/// Reads rows of at most `most` bytes together, and adds their bytes to the claim.
pub(crate) async fn read(
    engine: &Engine,
    query: Query,
    claim: &mut Claim,
    most: u64,
) -> Result<Vec<Instance>, RowsError> {
    let held = claim.bytes();
    let mut bound = FIRST.min(most);
    loop {
        claim.grow_to(held.saturating_add(bound))?;
        match engine.store().query(Query { max_bytes: Some(bound), ..query.clone() }).await {
            Ok(rows) => {
                claim.give_back(held.saturating_add(rows.iter().map(Instance::bytes).sum()));
                return Ok(rows);
            }
            Err(StoreError::TooLarge(_)) if bound < most => bound = bound.saturating_mul(FACTOR).min(most),
            Err(StoreError::TooLarge(_)) => return Err(RowsError::TooLarge(most)),
            Err(error) => return Err(RowsError::Store(error)),
        }
    }
}
