//! Lowers the functions of a 0.8 document to declarations.
//!
//! Owns: the meaning of `type` and `operation` of a function, one file for each group of types. Promises: a problem that makes every call
//! of a function fail is an error at the function's operation, if it can be found without reading another file.

mod arguments;
mod authentication;
mod custom;
mod references;
mod replacement;

use rondo_definition::{
    Code, Diagnostic, Document, codes,
    model::{self, Workflow},
};
use rondo_program::{Declarations, Function, FunctionKind};

pub(super) use arguments::normalize_arguments;
pub(super) use custom::log_level;
pub use replacement::{replace_functions, unused_replacements};

/// The declarations of a document.
///
/// They are returned even if there are errors. A function with an error is [`FunctionKind::Unusable`], or is not declared if no call
/// instruction is lowered for it.
pub(crate) fn lower_functions(document: &Document) -> (Declarations, Vec<Diagnostic>) {
    let workflow = &document.workflow;
    let mut declarations = Declarations::default();
    let mut diagnostics = Vec::new();
    for function in workflow.functions.values() {
        let kind = match function_kind(workflow, function) {
            Ok(Some(kind)) => kind,
            Ok(None) => continue,
            Err(Problem { code, message, help }) => {
                let reason = format!("function `{}` {message}", function.name);
                let error = Diagnostic::error(code, &document.source, &function.operation.at, reason.clone());
                diagnostics.push(error.help(help));
                FunctionKind::Unusable { reason }
            }
        };
        let (name, at) = (function.name.clone(), function.operation.at.clone());
        declarations.functions.push(Function { name, kind, at });
    }
    (declarations, diagnostics)
}

/// Why a function cannot be called.
#[derive(Debug)]
struct Problem {
    code: Code,
    /// The sentence after the name of the function.
    message: String,
    help: String,
}

impl Problem {
    fn new(code: Code, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: help.into() }
    }

    /// The function is of a kind that Rondo cannot call. Another operation can stand in for it, which the help says.
    fn unsupported(function: &model::Function, message: String) -> Self {
        let help = format!(
            "set `rondo.functions.{}.replacement` to an operation that answers instead, such as `rest:post:https://service.example/path`",
            property_part(&function.name)
        );
        Self::new(codes::FUNCTION_TYPE, message, help)
    }
}

/// A name as a part of a property's key: quoted if it has dots, which separate parts.
fn property_part(name: &str) -> String {
    if name.contains('.') { format!("\"{name}\"") } else { name.to_owned() }
}

/// The kind of a function; `None` for a function that becomes an instruction of the program.
fn function_kind(workflow: &Workflow, function: &model::Function) -> Result<Option<FunctionKind>, Problem> {
    Ok(match function.kind {
        model::FunctionKind::Expression => None,
        model::FunctionKind::Custom => custom::custom_function(function)?,
        model::FunctionKind::Rest => Some(references::open_api_function(workflow, function)?),
        model::FunctionKind::AsyncApi => Some(references::async_api_function(workflow, function)?),
        model::FunctionKind::Rpc => Some(references::grpc_function(workflow, function)),
        model::FunctionKind::GraphQl => Some(references::graph_ql_function(function)?),
        model::FunctionKind::OData => Some(references::odata_function(function)?),
    })
}
