//! What every part of the lowering needs: the document, its expressions compiled, its durations read, the problems found.

use std::{collections::BTreeSet, time::Duration as Span};

use rondo_definition::{
    Diagnostic, Document, Pointer, codes, duration,
    model::{At, ExpressionLang},
};
use rondo_expression::{CompileError, Expression, Language, Template};
use rondo_program::Duration;
use serde_json::Value;

use super::hints;

pub(super) struct Context<'a> {
    pub(super) document: &'a Document,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) language: Language,
    /// Names of the iteration parameters, with `$`.
    pub(super) parameters: BTreeSet<String>,
}

impl<'a> Context<'a> {
    pub(super) fn new(document: &'a Document) -> Self {
        let language = match document.workflow.expression_lang {
            ExpressionLang::Jq => Language::Jq,
            ExpressionLang::JsonPath => Language::JsonPath,
        };
        let parameters = hints::iteration_parameters(&document.workflow);
        Self { document, diagnostics: Vec::new(), language, parameters }
    }

    /// Compiles a property that is always an expression. `what` names it for people: `state A: condition`.
    pub(super) fn expression(&mut self, text: &At<String>, what: &str) -> Expression {
        match rondo_expression::compile_property(self.language, &text.value, &self.functions()) {
            Ok(expression) => {
                self.hint(&expression, &text.at, what);
                expression
            }
            Err(error) => {
                self.invalid_expression(&text.value, &text.at, what, &error);
                Expression::null(self.language)
            }
        }
    }

    /// Compiles an optional property that is always an expression.
    pub(super) fn optional(&mut self, text: Option<&At<String>>, what: &str) -> Option<Expression> {
        text.map(|text| self.expression(text, what))
    }

    /// Compiles a tree in which every text may be an expression. `what` names it for people.
    pub(super) fn template(&mut self, value: &Value, at: &Pointer, what: &str) -> Template {
        self.template_of(value, value, at, what)
    }

    /// The same of a tree that stands otherwise in the document.
    pub(super) fn template_of(
        &mut self,
        value: &Value,
        written: &Value,
        at: &Pointer,
        what: &str,
    ) -> Template {
        self.hint_tree(written, at, what);
        Template::compile(self.language, value, &self.functions())
    }

    /// Texts of the expression functions, for `fn:NAME`.
    pub(super) fn functions(&self) -> impl Fn(&str) -> Option<String> + use<'a> {
        let functions = &self.document.workflow.functions;
        move |name| {
            functions
                .get(name)
                .filter(|function| function.kind == rondo_definition::model::FunctionKind::Expression)
                .map(|function| function.operation.value.clone())
        }
    }

    /// A duration, or an expression that gives one.
    pub(super) fn computed_duration(&mut self, text: &At<String>, what: &str) -> Duration {
        match duration::parse_duration(&text.value) {
            Ok(span) => Duration::Fixed(span),
            Err(_) => Duration::Computed(self.expression(text, what)),
        }
    }

    /// Reports a construct that the engine does not run yet: nothing of a definition is dropped silently.
    pub(super) fn unsupported(&mut self, at: &Pointer, what: &str) {
        self.diagnostics.push(Diagnostic::error(
            codes::UNSUPPORTED,
            &self.document.source,
            at,
            format!("{what} is not supported yet"),
        ));
    }

    fn invalid_expression(&mut self, text: &str, at: &Pointer, what: &str, error: &CompileError) {
        let diagnostic = Diagnostic::error(
            codes::EXPRESSION,
            &self.document.source,
            at,
            format!("{what}: `{text}` is not a valid expression: {}", error.message),
        );
        self.diagnostics.push(match &error.range {
            Some(range) => diagnostic.within(&self.document.source, at, range.clone()),
            None => diagnostic,
        });
    }
}

/// A duration that the document's check has accepted; one that it has not is reported there.
pub(super) fn duration_of(text: &At<String>) -> Option<Span> {
    duration::parse_duration(&text.value).ok()
}
