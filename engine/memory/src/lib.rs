//! The memory that the data of clients, services and instances may take, as one budget of the process.
//!
//! Limits on one body, one answer, one instance do not bound a process: a hundred answers of 16 MB are within each of them. So whatever
//! comes from outside takes a share of the budget before memory is allocated for it, and gives it back when the last byte has gone.
//!
//! To read or write large data takes more than their share for a moment, which nobody can count before; [`LargeWork`] lets few do it at once.
//!
//! Promises: the shares that are given out are never more than the budget; who waits is served in the order of arrival. Never: measures
//! what the process really takes; a share is what its owner says.

mod budget;
mod large_work;
mod machine;

pub use budget::{MemoryBudget, NoRoom, Share};
pub use large_work::{LargeWork, Place};
pub use machine::default_budget;
