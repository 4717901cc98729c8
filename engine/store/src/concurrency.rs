//! Concurrency groups: how many instances that have something in common run at once.
//!
//! Owns: the types with which a commit asks for places, and those with which a waiting instance is explained. The rules are those of
//! [`Store::commit`](crate::Store::commit).

use uuid::Uuid;

/// A group and its limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConcurrencyGroup {
    /// Name.
    pub name: String,
    /// How many of its instances with the same key run at once at most.
    pub limit: u32,
}

/// An instance that is inserted and needs a place of a group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlaceRequest {
    /// Id of the instance.
    pub instance: Uuid,
    /// Name of the group. One that is not stored has no limit.
    pub group: String,
    /// What the instances that share the limit have in common. The empty text is a key like any other.
    pub key: String,
}

/// A place that goes from an instance which ends to one that is inserted by the same commit and goes on in its stead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaceTransfer {
    /// Id of the instance that ends. If it has no place, nothing is transferred.
    pub from: Uuid,
    /// Id of the instance that is inserted.
    pub to: Uuid,
}

/// An instance that waits for a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingForPlace {
    /// Id of the instance.
    pub instance: Uuid,
    /// Name of the group.
    pub group: String,
    /// [`PlaceRequest::key`].
    pub key: String,
    /// The limit; `None` if the group is not stored any more.
    pub limit: Option<u32>,
    /// How many instances with this key run.
    pub running: u64,
    /// How many wait, this one included.
    pub waiting: u64,
}
