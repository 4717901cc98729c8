//! What can be asked about instances.
//!
//! Owns: the meaning of filters. Promises: a filter is true or false for every instance, never unknown: a comparison with what is missing is
//! false, and `Not` of that is true.

use serde_json::Value;

/// A list of instances.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    /// Which instances; all, if left out.
    pub filter: Filter,
    /// Sorted by what; the first counts most. What is missing comes last when ascending and first when descending. Equal
    /// instances stand in the order of their insertion.
    pub order: Vec<(Field, Direction)>,
    /// How many at most.
    pub limit: Option<u64>,
    /// How many to leave out at the beginning.
    pub offset: u64,
    /// What to read of them.
    pub columns: Columns,
    /// How many bytes at most, counted by [`Instance::bytes`](crate::Instance::bytes); more is
    /// [`StoreError::TooLarge`](crate::StoreError::TooLarge). Reading stops there, so this bounds the memory too.
    pub max_bytes: Option<u64>,
}

/// The large columns that are read; the others always are. What is not read is left empty in the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Columns {
    /// `data`, `input` and `extra`.
    pub data: bool,
    /// `frames` and `sealed`.
    pub frames: bool,
}

impl Columns {
    /// The whole row.
    pub const ALL: Self = Self { data: true, frames: true };
}

/// Which way to sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// Which instances.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// All of them must hold; without any, everything passes.
    And(Vec<Filter>),
    /// One of them must hold; without any, nothing passes.
    Or(Vec<Filter>),
    /// It must not hold.
    Not(Box<Filter>),
    /// A column.
    Compare {
        /// Which.
        field: Field,
        /// What must hold for it.
        condition: Condition,
    },
    /// A value inside of `{"workflowdata": data, …extra}`.
    Json {
        /// Names of members, outermost first, whatever characters they hold. Nothing stands below `workflowdatainput`, for
        /// the store does not know how the input is written; the empty path leads nowhere.
        path: Vec<String>,
        /// What must hold for it.
        condition: Condition,
    },
}

impl Filter {
    /// Everything passes.
    pub fn all() -> Self {
        Self::And(Vec::new())
    }
}

impl Default for Filter {
    fn default() -> Self {
        Self::all()
    }
}

/// A column that can be compared and sorted by. An operand of another type than the column's matches nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// Id; operands are texts of UUIDs.
    Id,
    /// Id of the workflow.
    Workflow,
    /// Version of the workflow.
    Version,
    /// Name of the workflow.
    Name,
    /// State; operands are names as in [`State::as_str`](crate::State::as_str).
    State,
    /// Business key.
    BusinessKey,
    /// Reference id.
    ReferenceId,
    /// Id of the parent.
    Parent,
    /// Id of the root.
    Root,
    /// Id of the root's workflow.
    RootWorkflow,
    /// Start; operands are milliseconds since 1970, as for the other moments.
    StartedAt,
    /// End.
    EndedAt,
    /// Last commit.
    UpdatedAt,
    /// Where the error happened: `action`, else `state`, else `nodeDefinitionId` of the error.
    ErrorNode,
    /// `message` of the error.
    ErrorMessage,
}

/// What must hold for a column or a JSON value.
///
/// With a **text** as operand, a JSON value is compared by its text: `"5"` equals 5 and `"5"`, `"true"` equals true. With
/// another operand JSON values are compared: numbers by value, lists and objects by their JSON text.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// The same.
    Equal(Value),
    /// The same as one of them; nothing passes an empty list.
    In(Vec<Value>),
    /// Text in which each `*` of the pattern stands for any text. Other characters stand for themselves, and case matters.
    Like(String),
    /// Missing or null; with `false`, there and not null.
    IsNull(bool),
    /// Greater. Texts are compared by code point, moments and numbers by value; other things have no order.
    Greater(Value),
    /// Greater or the same.
    GreaterOrEqual(Value),
    /// Less.
    Less(Value),
    /// Less or the same.
    LessOrEqual(Value),
    /// From the first to the second, both included.
    Between(Value, Value),
    /// JSON only: a list that has this value, or an object that has a member of this name.
    Contains(Value),
    /// JSON only: [`Condition::Contains`] for all of them.
    ContainsAll(Vec<Value>),
    /// JSON only: [`Condition::Contains`] for one of them.
    ContainsAny(Vec<Value>),
}
