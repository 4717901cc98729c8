//! Expressions: the value type of the engine, jq and `JSONPath` within a budget, data filters and merging.
//!
//! Owns: [`Val`]; [`Expression`], compiled once; [`Template`], the one rule for "expression or text"; [`merge`] and [`assign`].
//! Promises: an evaluation ends within its [`Budget`] of steps, stack and size, however slow the machine is, and none can abort the
//! process.
//! Never: `$ENV`, `input`, `halt`, or any other way out of the expression; of the machine only its name is seen (`hostname`).

mod assign;
mod budget;
mod builtins;
mod expression;
mod jackson_jq;
mod jq;
mod jsonpath;
mod merge;
mod template;
mod text;
mod text_builder;
mod value;

pub use assign::{assign, is_path};
pub use budget::{Budget, Exceeded, steps_taken};
pub use expression::{CompileError, EvalError, Expression, Language, Scope, compile, compile_property};
pub use jq::pattern_found;
pub use merge::{MergeRules, merge};
pub use template::{Template, embedded_expressions};
pub use text::strip;
pub use value::{Array, Large, Lookup, Members, Object, ReadError, ReadLimits, Size, Text, Val};

/// Spends the steps of the budget that runs on this thread; see [`Budget::bound`].
pub mod work {
    pub use crate::budget::{spend_on_bytes, spend_on_elements, step};
    pub use crate::builtins::positions_of_pattern;
}
