//! Lowers the arguments of a call, and reports those that its function cannot take.
//!
//! Owns: the arguments that each type of function needs. Never: checks the value of an expression; the call does.

use rondo_definition::{
    Diagnostic, Pointer, codes, did_you_mean,
    model::{self, FunctionKind, FunctionRef},
};
use rondo_expression::Val;
use rondo_program::Arguments;
use serde_json::{Map, Value};

use crate::Lowering;

/// The arguments of an `OData` function (spec-0.8, "Invoking an `OData` service").
const ODATA_ARGUMENTS: [&str; 2] = ["queryOptions", "key"];

/// Beginnings of custom operations, each with the argument that it cannot do without.
const NEEDED: [(&str, &str); 2] = [("script:", "script"), ("jwt-parser", "token")];

impl Lowering<'_> {
    /// The arguments of a call. `place` names them in messages.
    pub(crate) fn lower_arguments(
        &mut self,
        function: &model::Function,
        reference: &FunctionRef,
        place: &str,
    ) -> Arguments {
        let at = &reference.name.at;
        let given = reference.arguments.as_ref();
        let has = |name: &str| {
            given.is_some_and(|given| !given.value.is_object() || given.value.get(name).is_some())
        };
        match function.kind {
            FunctionKind::GraphQl => return self.lower_graph_ql_arguments(function, reference, place),
            FunctionKind::OData => {
                let members = given.and_then(|given| given.value.as_object()).into_iter().flatten();
                for (name, _) in members.filter(|(name, _)| !ODATA_ARGUMENTS.contains(&name.as_str())) {
                    let help = match did_you_mean(name, ODATA_ARGUMENTS) {
                        Some(known) => format!("did you mean `{known}`?"),
                        None => "there are `queryOptions` and `key`".to_owned(),
                    };
                    let message = format!("{place}: function `{}` takes no argument `{name}`", function.name);
                    self.report_argument(at, message, &help);
                }
            }
            FunctionKind::Custom => {
                let operation = function.operation.value.trim();
                let needed = NEEDED.into_iter().find(|(beginning, _)| operation.starts_with(beginning));
                if let Some((_, name)) = needed.filter(|(_, name)| !has(name)) {
                    let message = format!("{place}: function `{}` is called without `{name}`", function.name);
                    self.report_argument(at, message, &format!("give it `arguments: {{{name}: …}}`"));
                }
            }
            _ => {}
        }
        let Some(given) = given else { return Arguments::None };
        let value = normalize_arguments(&given.value);
        let template = self.context.compile_rewritten_template(&value, &given.value, &given.at, place);
        Arguments::Template(template)
    }

    /// `{arguments, selectionSet}`. Both are required (spec-0.8, "Invoking a GraphQL Operation").
    fn lower_graph_ql_arguments(
        &mut self,
        function: &model::Function,
        reference: &FunctionRef,
        place: &str,
    ) -> Arguments {
        let (arguments, selection) = (&reference.arguments, &reference.selection_set);
        for (name, is_given) in [("arguments", arguments.is_some()), ("selectionSet", selection.is_some())] {
            if !is_given {
                let message =
                    format!("{place}: the GraphQL function `{}` is called without `{name}`", function.name);
                self.report_argument(&reference.name.at, message, "give it `arguments` and `selectionSet`");
            }
        }
        let mut members = Map::new();
        if let Some(arguments) = arguments {
            members.insert("arguments".to_owned(), normalize_arguments(&arguments.value));
        }
        let written = arguments.as_ref().map_or(&Value::Null, |arguments| &arguments.value);
        let at = arguments.as_ref().map_or(&reference.name.at, |arguments| &arguments.at);
        let template = self.context.compile_rewritten_template(&Value::Object(members), written, at, place);
        let Some(selection) = selection else { return Arguments::Template(template) };
        let functions = self.context.expression_functions();
        let language = self.context.language;
        match template.with_pieces("selectionSet", &selection.value, language, &functions) {
            Ok(template) => Arguments::Template(template),
            Err(error) => {
                let place = format!("{place}: selectionSet");
                self.context.report_invalid_expression(&selection.value, &selection.at, &place, &error);
                Arguments::None
            }
        }
    }

    fn report_argument(&mut self, at: &Pointer, message: String, help: &str) {
        let source = &self.context.document.source;
        self.context
            .diagnostics
            .push(Diagnostic::error(codes::MISSING_ARGUMENT, source, at, message).help(help));
    }
}

/// The arguments as SonataFlow reads them: a text with the JSON of an object becomes the object, arguments that are null and list elements
/// that are null are removed.
pub(crate) fn normalize_arguments(arguments: &Value) -> Value {
    let object = arguments.as_str().and_then(|text| serde_json::from_str::<Map<String, Value>>(text).ok());
    let arguments = object.map_or_else(|| arguments.clone(), Value::Object);
    let mut arguments = Value::from(Val::from(arguments).without_null_elements());
    if let Value::Object(members) = &mut arguments {
        members.retain(|_, value| !value.is_null());
    }
    arguments
}
