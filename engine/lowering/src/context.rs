//! The document that is lowered, and the problems found in it.
//!
//! Owns: compiling expressions and templates, parsing durations, and the diagnostics of both.

use std::{collections::BTreeSet, time::Duration as Span};

use rondo_definition::{
    Compat, Diagnostic, Document, Pointer, codes, duration,
    model::{At, ExpressionLang, FunctionKind},
};
use rondo_expression::{CompileError, Expression, Language, Template, compile_property, is_path};
use rondo_program::Duration;
use serde_json::Value;

use super::{hints::hint, lints};

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

    /// Compiles a property that is always an expression, and reports an invalid one. `place` names the property in messages:
    /// `state A: condition`.
    pub(super) fn compile_expression(&mut self, text: &At<String>, place: &str) -> Expression {
        self.compile(text, place).unwrap_or_else(|error| {
            self.report_invalid_expression(&text.value, &text.at, place, &error);
            Expression::invalid(&text.value, &error)
        })
    }

    /// Compiles a property that is always an expression, and that SonataFlow looks at only when it evaluates it: an invalid one is a
    /// deviation, and the returned expression fails then (spec-0.8, rule 45).
    pub(super) fn compile_late(&mut self, text: &At<String>, place: &str) -> Expression {
        self.compile(text, place).unwrap_or_else(|error| {
            if !self.report_broken_function(&text.value) {
                let is_strict = self.document.compat == Compat::Spec;
                let consequence = if is_strict { "" } else { ", so the instance fails when it gets there" };
                let message = format!(
                    "{place}: `{}` is not a valid expression{consequence}: {}",
                    text.value, error.message
                );
                let (code, source) = (codes::LATE_EXPRESSION, &self.document.source);
                let problem = match self.document.compat {
                    Compat::Spec => Diagnostic::error(code, source, &text.at, message),
                    Compat::SonataFlow => Diagnostic::warning(code, source, &text.at, message),
                };
                self.report(problem, &text.value, &text.at, &error);
            }
            Expression::invalid(&text.value, &error)
        })
    }

    fn compile(&mut self, text: &At<String>, place: &str) -> Result<Expression, CompileError> {
        let compiled = compile_property(self.language, &text.value, &self.expression_functions())?;
        self.lint_expression(&compiled, &text.at, place);
        Ok(compiled)
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
                .filter(|function| function.kind == FunctionKind::Expression)
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
        if !self.report_broken_function(text) {
            self.report_error(text, at, place, error);
        }
    }

    fn report_error(&mut self, text: &str, at: &Pointer, place: &str, error: &CompileError) {
        let message = format!("{place}: `{text}` is not a valid expression: {}", error.message);
        // An expression of a function is compiled for each use of it, and its problem is told once.
        let is_told = self
            .diagnostics
            .iter()
            .any(|known| known.pointer.as_ref() == Some(at) && known.message == message);
        if !is_told {
            let diagnostic = Diagnostic::error(codes::EXPRESSION, &self.document.source, at, message);
            self.report(diagnostic, text, at, error);
        }
    }

    /// Adds the place within the text and a hint to a problem of an expression.
    fn report(&mut self, diagnostic: Diagnostic, text: &str, at: &Pointer, error: &CompileError) {
        let diagnostic = match &error.range {
            Some(range) => diagnostic.within(&self.document.source, at, range.clone()),
            None => diagnostic,
        };
        self.diagnostics.push(match hint(self.language, text) {
            Some(hint) => diagnostic.help(hint),
            None => diagnostic,
        });
    }

    /// Reports the expression functions that a text uses by `fn:NAME` and that are not valid themselves, at their definitions. Returns whether
    /// there is one: then the text has no problem of its own.
    fn report_broken_function(&mut self, text: &str) -> bool {
        let functions = &self.document.workflow.functions;
        let mut is_broken = false;
        for function in functions.values().filter(|function| uses_function(text, &function.name)) {
            if function.kind != FunctionKind::Expression {
                continue;
            }
            let operation = &function.operation;
            let expression_functions = self.expression_functions();
            if let Err(error) = compile_property(self.language, &operation.value, &expression_functions) {
                is_broken = true;
                let place = format!("function `{}`", function.name);
                self.report_error(&operation.value, &operation.at, &place, &error);
            }
        }
        is_broken
    }
}

/// Whether a text has `fn:NAME` with this name in it.
pub(super) fn uses_function(text: &str, name: &str) -> bool {
    let is_part = |next: char| next.is_alphanumeric() || next == '_' || next == '-';
    text.split("fn:")
        .skip(1)
        .any(|rest| rest.strip_prefix(name).is_some_and(|rest| !rest.starts_with(is_part)))
}

/// Parses a duration. `None` if it is invalid: the check of the document has reported that.
pub(super) fn parse_checked_duration(text: &At<String>) -> Option<Span> {
    duration::parse_duration(&text.value).ok()
}
