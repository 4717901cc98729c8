//! The document that is lowered, and the problems found in it.
//!
//! Owns: compiling expressions and templates, parsing durations, and the diagnostics of both.

use std::{collections::BTreeSet, time::Duration as Span};

use rondo_definition::{
    Compat, Diagnostic, Document, Pointer, codes, duration,
    model::{At, ExpressionLang},
};
use rondo_expression::{
    CompileError, Expression, Language, Template, Val, compile, compile_property, is_path,
};
use rondo_program::Duration;
use serde_json::Value;

use super::lints;

pub(super) struct Context<'a> {
    pub(super) document: &'a Document,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) language: Language,
    /// Names of the iteration parameters of the workflow, each with `$`.
    pub(super) parameters: BTreeSet<String>,
}

impl<'a> Context<'a> {
    pub(super) fn new(document: &'a Document) -> Self {
        let language = match document.workflow.expression_lang {
            ExpressionLang::Jq => Language::Jq,
            ExpressionLang::JsonPath => Language::JsonPath,
        };
        let parameters = lints::iteration_parameters(&document.workflow);
        Self { document, diagnostics: Vec::new(), language, parameters }
    }

    /// Compiles a property that is always an expression; reports an invalid one and returns the expression `null` instead. `place` names the
    /// property in messages: `state A: condition`.
    pub(super) fn compile_expression(&mut self, text: &At<String>, place: &str) -> Expression {
        match compile_property(self.language, &text.value, &self.expression_functions()) {
            Ok(expression) => {
                self.lint_expression(&expression, &text.at, place);
                expression
            }
            Err(error) => {
                self.report_invalid_expression(&text.value, &text.at, place, &error);
                Expression::null(self.language)
            }
        }
    }

    /// Compiles a property that is always an expression, and that SonataFlow looks at only when it evaluates it: an invalid one is a deviation,
    /// and the returned expression fails then (spec-0.8, rule 45).
    pub(super) fn compile_late(&mut self, text: &At<String>, place: &str) -> Expression {
        let error = match compile_property(self.language, &text.value, &self.expression_functions()) {
            Ok(expression) => {
                self.lint_expression(&expression, &text.at, place);
                return expression;
            }
            Err(error) => error,
        };
        let message = format!("{place}: `{}` is not a valid expression: {}", text.value, error.message);
        let failing = format!("error({})", Val::text(&*message).to_json());
        let (source, at) = (&self.document.source, &text.at);
        let diagnostic = match self.document.compat {
            Compat::Spec => Diagnostic::error(codes::LATE_EXPRESSION, source, at, message),
            Compat::SonataFlow => Diagnostic::warning(codes::LATE_EXPRESSION, source, at, message),
        };
        self.diagnostics.push(match &error.range {
            Some(range) => diagnostic.within(source, at, range.clone()),
            None => diagnostic,
        });
        compile(Language::Jq, &failing).unwrap_or_else(|_| Expression::null(self.language))
    }

    /// Compiles `toStateData`. What is no path is a deviation: the names at its end are the path then, as on SonataFlow.
    pub(super) fn compile_path(&mut self, text: Option<&At<String>>, place: &str) -> Option<Expression> {
        let (text, path) = text.zip(self.compile_optional(text, place))?;
        if !is_path(&path) {
            let message = format!("{place}: `{}` is not a path such as `.result` or `.a.b`", text.value);
            let source = &self.document.source;
            self.diagnostics.push(match self.document.compat {
                Compat::Spec => Diagnostic::error(codes::NOT_A_PATH, source, &text.at, message),
                Compat::SonataFlow => Diagnostic::warning(codes::NOT_A_PATH, source, &text.at, message),
            });
        }
        Some(path)
    }

    /// Compiles an optional property that is always an expression.
    pub(super) fn compile_optional(&mut self, text: Option<&At<String>>, place: &str) -> Option<Expression> {
        text.map(|text| self.compile_expression(text, place))
    }

    /// Compiles a value whose texts may be expressions. `place` names it in messages.
    pub(super) fn compile_template(&mut self, value: &Value, at: &Pointer, place: &str) -> Template {
        self.compile_rewritten_template(value, value, at, place)
    }

    /// Compiles `value`, which the document contains in another form: as `written`.
    pub(super) fn compile_rewritten_template(
        &mut self,
        value: &Value,
        written: &Value,
        at: &Pointer,
        place: &str,
    ) -> Template {
        self.lint_template(written, at, place);
        let functions = self.expression_functions();
        match self.document.compat {
            Compat::SonataFlow => Template::compile(self.language, value, &functions),
            Compat::Spec => Template::compile_mixed(self.language, value, &functions),
        }
    }

    /// Finds the expression of a function by its name, for `fn:NAME` in other expressions.
    pub(super) fn expression_functions(&self) -> impl Fn(&str) -> Option<String> + use<'a> {
        let functions = &self.document.workflow.functions;
        move |name| {
            functions
                .get(name)
                .filter(|function| function.kind == rondo_definition::model::FunctionKind::Expression)
                .map(|function| function.operation.value.clone())
        }
    }

    /// Compiles a property that is a duration, or an expression whose value is one.
    pub(super) fn compile_duration(&mut self, text: &At<String>, place: &str) -> Duration {
        match duration::parse_duration(&text.value) {
            Ok(span) => Duration::Fixed(span),
            Err(_) => Duration::Computed(self.compile_expression(text, place)),
        }
    }

    pub(super) fn report_invalid_expression(
        &mut self,
        text: &str,
        at: &Pointer,
        place: &str,
        error: &CompileError,
    ) {
        let diagnostic = Diagnostic::error(
            codes::EXPRESSION,
            &self.document.source,
            at,
            format!("{place}: `{text}` is not a valid expression: {}", error.message),
        );
        self.diagnostics.push(match &error.range {
            Some(range) => diagnostic.within(&self.document.source, at, range.clone()),
            None => diagnostic,
        });
    }
}

/// Parses a duration. `None` if it is invalid: the check of the document has reported that.
pub(super) fn parse_checked_duration(text: &At<String>) -> Option<Span> {
    duration::parse_duration(&text.value).ok()
}
