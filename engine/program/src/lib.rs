//! The dialect-free program that workflow documents are lowered to.
//!
//! Owns: [`Program`], a list of [`Instruction`]s with the tables they point into (states, actions, handlers), and the
//! lowering of a Serverless Workflow 0.8 document to it; [`Declarations`], what its calls name. Promises: whatever [`lower`] returns without an error can be run
//! by the machine, every program counter in it is in range, every expression is compiled. Never: runs anything.

pub use rondo_definition::duration::parse_duration;

mod function;
mod instruction;
mod lower;
mod program;

pub use function::{
    Authentication, AuthenticationScheme, Credential, Declarations, Function, FunctionKind, HttpFunction,
    HttpMethod, OpenApiFunction,
};
pub use instruction::{
    Arguments, Branch, Completion, Duration, Instruction, LogLevel, Loop, Pc, Pick, Template, Wanted,
};
pub use lower::{declarations, lower};
pub use program::{
    ActionId, ActionInfo, ErrorMatch, Handler, Jitter, Program, RetryPolicy, StateId, StateInfo, Version,
};
