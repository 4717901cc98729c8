//! Expressions of both languages: compiling, evaluating, and the variables that an evaluation can read.

use std::{
    collections::HashMap,
    fmt::{self, Debug},
    ops::Range,
    sync::{Arc, LazyLock, Weak},
};

use parking_lot::Mutex;

use crate::{
    budget::{Budget, Exceeded},
    jq::Jq,
    jsonpath::{self, JsonPath},
    text,
    value::Val,
};

/// Language of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// jq, the default of the specification.
    #[default]
    Jq,
    /// `JSONPath`, as older Kogito examples use it.
    JsonPath,
}

/// A compiled expression; cheap to clone.
#[derive(Clone)]
pub struct Expression(Arc<Compiled>);

struct Compiled {
    source: Arc<str>,
    kind: Kind,
}

/// The compiled expressions that something still holds, by language and text.
static COMPILED: LazyLock<CompiledCache> = LazyLock::new(CompiledCache::default);

#[derive(Default)]
struct CompiledCache(Mutex<HashMap<(Language, Arc<str>), Weak<Compiled>>>);

impl CompiledCache {
    fn find(&self, language: Language, text: &str) -> Option<Expression> {
        let known = self.0.lock();
        known.get(&(language, Arc::from(text)))?.upgrade().map(Expression)
    }

    fn insert(&self, language: Language, expression: &Expression) {
        let mut known = self.0.lock();
        // Entries that nothing holds any more are dropped before the table grows.
        if known.len() == known.capacity() {
            known.retain(|_, compiled| compiled.strong_count() > 0);
        }
        known.insert((language, Arc::clone(&expression.0.source)), Arc::downgrade(&expression.0));
    }
}

enum Kind {
    Jq(Jq),
    JsonPath(JsonPath),
    /// It did not compile, and fails when it is evaluated.
    Invalid(String),
}

/// A text cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CompileError {
    /// What is wrong with it.
    pub message: String,
    /// Where in the text, as a range of bytes.
    pub range: Option<Range<usize>>,
}

/// An evaluation failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// The expression fails on this data. The message begins as SonataFlow's.
    #[error("Unable to evaluate content {data} using expr {expression}: {reason}")]
    Failed {
        /// The data, shortened.
        data: String,
        /// The expression.
        expression: Arc<str>,
        /// The reason.
        reason: String,
    },
    /// The evaluation exceeded a bound of its budget.
    #[error("Unable to evaluate expr {expression}: {exceeded}")]
    Budget {
        /// The expression.
        expression: Arc<str>,
        /// The bound that it exceeded.
        exceeded: Exceeded,
    },
}

/// Why an evaluation failed, without the expression and the data.
pub(crate) enum Failure {
    Failed(String),
    Budget(Exceeded),
}

/// What an evaluation can read beside the data.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// `$WORKFLOW`
    pub workflow: &'a Val,
    /// `$SECRET` and `$SECRETS`
    pub secrets: &'a Val,
    /// `$CONST`
    pub constants: &'a Val,
    /// Other variables, without `$`; the last of a name wins.
    pub variables: &'a [(Arc<str>, Val)],
    /// Bounds of the evaluation.
    pub budget: &'a Budget,
    /// The result of `now`, in milliseconds since 1970. An evaluation has no clock of its own.
    pub now: i64,
}

impl<'a> Scope<'a> {
    /// A scope without variables, at the beginning of 1970.
    pub fn bare(budget: &'a Budget) -> Self {
        const NOTHING: &Val = &Val::Null;
        Self { workflow: NOTHING, secrets: NOTHING, constants: NOTHING, variables: &[], budget, now: 0 }
    }

    /// The value of a variable; `name` begins with `$`.
    pub(crate) fn variable(&self, name: &str) -> Option<Val> {
        let name = name.strip_prefix('$')?;
        match name {
            "WORKFLOW" => Some(self.workflow.clone()),
            "SECRET" | "SECRETS" => Some(self.secrets.clone()),
            "CONST" => Some(self.constants.clone()),
            _ => self
                .variables
                .iter()
                .rev()
                .find(|(known, _)| **known == *name)
                .map(|(_, value)| value.clone()),
        }
    }
}

/// Compiles a text. An equal text that something still holds is not compiled again: many workflows have the same expressions.
///
/// # Errors
/// Says what is wrong with the text, and where.
pub fn compile(language: Language, text: &str) -> Result<Expression, CompileError> {
    if let Some(known) = COMPILED.find(language, text) {
        return Ok(known);
    }
    let kind = match language {
        Language::Jq => Kind::Jq(Jq::compile(text)?),
        Language::JsonPath => Kind::JsonPath(JsonPath::compile(text)?),
    };
    let expression = Expression(Arc::new(Compiled { source: text.into(), kind }));
    COMPILED.insert(language, &expression);
    Ok(expression)
}

/// Compiles a property that is always an expression: bare, in `${ }` or `{{ }}`, or with `fn:NAME` for one of the
/// definition's expression functions, whose texts `functions` gives.
///
/// # Errors
/// Says what is wrong with the text; the range is one of `text`.
pub fn compile_property(
    language: Language,
    text: &str,
    functions: &dyn Fn(&str) -> Option<String>,
) -> Result<Expression, CompileError> {
    let stripped = text::strip(text);
    let whole = text::with_functions(stripped, functions);
    let moved = |error: CompileError| {
        // Replacing a function's name moves what follows, so a range is known only without one.
        let offset = (whole == stripped).then(|| stripped.as_ptr().addr() - text.as_ptr().addr());
        let range = error.range.zip(offset).map(|(range, by)| range.start + by..range.end + by);
        CompileError { range, ..error }
    };
    // In a property `name` is the path `$.name`.
    let rooted = match language {
        Language::JsonPath if !whole.contains('$') => match whole.starts_with(['.', '[']) {
            true => Some(format!("${whole}")),
            false => Some(format!("$.{whole}")),
        },
        _ => None,
    };
    match compile(language, rooted.as_deref().unwrap_or(&whole)) {
        Ok(expression) => Ok(expression),
        Err(error) => match text::interpolated(language, &whole) {
            Some(expression) => Ok(expression),
            None => Err(moved(error)),
        },
    }
}

impl Expression {
    /// An expression in place of a text that did not compile: it fails when it is evaluated, with what is wrong with the text as the reason.
    pub fn invalid(text: &str, problem: &CompileError) -> Self {
        Self(Arc::new(Compiled { source: text.into(), kind: Kind::Invalid(problem.message.clone()) }))
    }

    /// Whether it is one path of `JSONPath` rather than a text with paths in it.
    pub(crate) fn is_json_path(&self) -> bool {
        matches!(&self.0.kind, Kind::JsonPath(path) if path.is_one_path())
    }

    /// The text it was compiled from.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// Evaluates it. Several outputs are an array, none is null.
    ///
    /// # Errors
    /// The expression fails on the data, or exceeds the budget of the scope.
    pub fn eval(&self, data: &Val, scope: &Scope<'_>) -> Result<Val, EvalError> {
        let failed = |failure| self.to_eval_error(failure, data);
        match &self.0.kind {
            Kind::Invalid(problem) => {
                Err(failed(Failure::Failed(format!("it is not a valid expression: {problem}"))))
            }
            Kind::JsonPath(path) => path.eval(data, scope).map_err(failed),
            Kind::Jq(jq) => {
                let mut outputs = jq.run(data, scope).map_err(failed)?;
                Ok(if outputs.len() > 1 {
                    Val::from_items(outputs)
                } else {
                    outputs.pop().unwrap_or_default()
                })
            }
        }
    }

    /// Evaluates it as a condition, with the rules of Jackson, which SonataFlow uses: `true`, a whole number other than 0 and the string
    /// `true` hold. A `JSONPath` that gives an array holds unless the array is empty.
    ///
    /// # Errors
    /// As [`Expression::eval`]; also a `JSONPath` whose value is neither true nor false.
    pub fn eval_bool(&self, data: &Val, scope: &Scope<'_>) -> Result<bool, EvalError> {
        let value = self.eval(data, scope)?;
        match &self.0.kind {
            Kind::JsonPath(_) => jsonpath::is_true(&value).ok_or_else(|| {
                self.to_eval_error(
                    Failure::Failed(format!("{} is neither true nor false", value.preview())),
                    data,
                )
            }),
            _ => Ok(match &value {
                Val::Int(number) => *number != 0,
                Val::Large(_) => true,
                Val::Text(text) => text.trim() == "true",
                other => other.is_true(),
            }),
        }
    }

    /// The variables that it reads and does not bind itself, with their `$`.
    pub fn variables(&self) -> &[Arc<str>] {
        match &self.0.kind {
            Kind::Jq(jq) => jq.globals(),
            Kind::JsonPath(_) | Kind::Invalid(_) => &[],
        }
    }

    /// Whether the text mentions `.name` or `$name`.
    pub fn reads(&self, name: &str) -> bool {
        text::mentions(&self.0.source, name)
    }

    fn to_eval_error(&self, failure: Failure, data: &Val) -> EvalError {
        let expression = Arc::clone(&self.0.source);
        match failure {
            Failure::Failed(reason) => EvalError::Failed { data: data.excerpt(), expression, reason },
            Failure::Budget(exceeded) => EvalError::Budget { expression, exceeded },
        }
    }
}

impl CompileError {
    pub(crate) fn new(message: String) -> Self {
        Self { message, range: None }
    }
}

impl Debug for Expression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Expression({})", self.0.source)
    }
}
