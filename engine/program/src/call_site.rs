//! The calls that the actions of a workflow make, as their author wrote them.
//!
//! Owns: what a check of the calls against the operations of their functions needs, with places in the document. Never: the value of an
//! expression, or anything that a call is made of; [`Instruction::Call`](crate::Instruction::Call) has that.

use rondo_definition::Pointer;

/// A call of a function by an action.
#[derive(Debug, Clone, PartialEq)]
pub struct CallSite {
    /// Name of the function.
    pub function: String,
    /// The action in messages: ``state `Ask`: action `ask` ``.
    pub place: String,
    /// The place of the function's name.
    pub at: Pointer,
    /// What the function is called with.
    pub arguments: WrittenArguments,
    /// The part of the answer that the action takes, if the document names it by a path.
    pub result: Option<WrittenResult>,
}

/// The arguments of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum WrittenArguments {
    /// There are none.
    None,
    /// An expression gives them all, or a text is all there is.
    Computed,
    /// They are written by name.
    Named {
        /// The place of all.
        at: Pointer,
        /// Each of them, in the order of the document. One that is null counts as absent and is not here.
        arguments: Vec<WrittenArgument>,
    },
}

/// An argument, or a member of one.
#[derive(Debug, Clone, PartialEq)]
pub struct WrittenArgument {
    /// Its name.
    pub name: String,
    /// The place of its value.
    pub at: Pointer,
    /// Its members that are not null, if it is written as an object.
    pub members: Option<Vec<WrittenArgument>>,
}

/// The part of an answer that an action takes (`results` of specification 0.8).
#[derive(Debug, Clone, PartialEq)]
pub struct WrittenResult {
    /// The names from the answer to the part.
    pub path: Vec<String>,
    /// Its place in the document.
    pub at: Pointer,
    /// Whether the part is merged into the data at the top, while an expression of the workflow reads the first name of the path from the
    /// data, where nothing else in the document puts it.
    pub is_read_in_data: bool,
}
