//! The dialect-free form that workflow documents are lowered to: types only.
//!
//! Owns: [`Program`], a list of [`Instruction`]s with the scopes they open; [`Outline`], which views show of a workflow; [`Declarations`],
//! the functions that it calls; [`Failure`], the one form of an error. Promises: no type of this crate depends on the dialect of the document.
//! Never: reads a document (`lowering` does) or runs anything (`machine` does).

pub use rondo_definition::duration::{parse_duration, parse_moment};

mod call_site;
mod code;
pub mod earlier_classes;
mod error_match;
mod event;
mod failure;
mod function;
mod instruction;
mod legacy;
mod listing;
mod outline;
mod program;
pub mod schedule;
mod schema;
mod scope;
pub mod sonataflow;
mod stored_failure;

pub use call_site::{CallSite, WrittenArgument, WrittenArguments, WrittenResult};
pub use code::{Code, CodeBuilder, OuterPath};
pub use error_match::{ErrorMatch, FailureSet, TextMatch};
pub use event::{Correlation, Event, StartByEvent};
pub use failure::{Failure, FailureKind, MAX_BODY, Origin};
pub use function::{
    AsyncApiFunction, Authentication, AuthenticationScheme, Credential, Declarations, Function, FunctionKind,
    GraphQlFunction, GrpcFunction, HttpFunction, HttpMethod, JwtOperation, KnativeFunction, ODataFunction,
    OpenApiFunction, PythonFunction,
};
pub use instruction::{
    Arguments, BatchSize, Branch, Completion, Duration, EventFilter, EventTimeout, Instruction, LogLevel,
    Loop, OnParentEnd, Pc, Successor, Template, TimeLimit,
};
pub use legacy::LegacyNumbering;
pub use outline::{ActionOutline, Outline, StateOutline, Transition};
pub use program::{Program, Version};
pub use schedule::{Schedule, StartWindow};
pub use schema::{SchemaReference, SchemaSource};
pub use scope::{ActionKind, Handler, Jitter, RetryPolicy, Scope, ScopeId, ScopeKind, StateKind};
