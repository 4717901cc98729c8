//! `JSONPath` as Jayway reads it, which older Kogito examples use.
//!
//! `$.a.b`, `$['a']`, `$[0]`, `$[-1]`, `$[1:3]`, `$[*]`, `$..a`, `$[?(@.a == 'x' && @.b > 1)]`, unions `['a','b']` and `[0,1]`, functions as
//! `$.list.length()`. A definite path gives a value, and fails where there is none; any other path gives an array of all values
//! that it finds. A text with paths in it is concatenated. `$WORKFLOW.x`, `$SECRET.x`, `$CONST.x` and iteration parameters are variables.

mod filter;
mod functions;
mod parse;
mod step;

use jaq_core::ValT as _;

use crate::{
    CompileError, Scope, budget,
    expression::Failure,
    jq::{DEEPEST, nesting},
    text_builder::TextBuilder,
    value::Val,
};
use filter::Condition;
pub(crate) use filter::is_true;
use functions::Function;
use parse::{Parser, path_start};
use step::{Place, behind_deep};

/// Most values that a path may visit or find.
const LONGEST: usize = 100_000;

/// A compiled path, or a text with paths in it.
pub(crate) struct JsonPath {
    parts: Vec<Part>,
}

enum Part {
    Text(String),
    Path(Path),
}

struct Path {
    /// `$`, or `$NAME` for a variable, or `@` in a filter.
    root: String,
    steps: Vec<Step>,
}

enum Step {
    Name(String),
    Names(Vec<String>),
    Indices(Vec<i64>),
    Slice(Option<i64>, Option<i64>),
    All,
    Deep,
    Filter(Condition),
    Function(Function),
}

/// What paths can refer to.
#[derive(Clone, Copy)]
struct Environment<'a> {
    data: &'a Val,
    /// The value that a filter looks at.
    current: &'a Val,
    scope: &'a Scope<'a>,
}

/// Why a path gives no value.
enum Problem {
    /// The path leads nowhere. In a filter that is no failure.
    Missing(String),
    Failed(String),
}

impl JsonPath {
    pub(crate) fn compile(text: &str) -> Result<Self, CompileError> {
        if nesting(text) > DEEPEST {
            return Err(CompileError::new(format!(
                "brackets may be nested {DEEPEST} deep, these are deeper"
            )));
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(start) = path_start(rest) {
            let (before, path) = rest.split_at(start);
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let mut parser = Parser::new(path);
            let path = parser.path().map_err(|message| CompileError {
                message,
                range: Some(text.len() - parser.rest().len()..text.len()),
            })?;
            parts.push(Part::Path(path));
            rest = parser.rest();
        }
        if parts.is_empty() {
            return Err(CompileError::new("a path begins with `$`".to_owned()));
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { parts })
    }

    /// Whether it is one path rather than a text with paths in it.
    pub(crate) fn is_one_path(&self) -> bool {
        matches!(self.parts.as_slice(), [Part::Path(_)])
    }

    pub(crate) fn eval(&self, data: &Val, scope: &Scope<'_>) -> Result<Val, Failure> {
        let environment = Environment { data, current: data, scope };
        budget::within(scope.budget, || self.read(environment)).map_err(Failure::Budget)?.map_err(|problem| {
            let (Problem::Missing(reason) | Problem::Failed(reason)) = problem;
            Failure::Failed(reason)
        })
    }

    fn read(&self, environment: Environment<'_>) -> Result<Val, Problem> {
        if let [Part::Path(path)] = self.parts.as_slice() {
            return path.read(environment);
        }
        let mut text = TextBuilder::default();
        for part in &self.parts {
            match part {
                Part::Text(words) => text.push(words),
                // In a text with words around it a missing value is left empty.
                Part::Path(path) => text.push(&path.find(environment)?.unwrap_or_default().to_text()),
            }
        }
        Ok(text.into_value())
    }
}

impl Path {
    /// The value of a definite path; else an array of all values that it finds.
    fn read(&self, environment: Environment<'_>) -> Result<Val, Problem> {
        let mut root = match self.root.as_str() {
            "$" => environment.data.clone(),
            "@" => environment.current.clone(),
            name => {
                let value = environment.scope.variable(name);
                value.ok_or_else(|| Problem::Failed(format!("{name} is not defined")))?
            }
        };
        let mut steps = self.steps.as_slice();
        // A lookup has no members to walk through, so it is asked for each name.
        while let (Val::Lookup(_), Some((Step::Name(name), rest))) = (&root, steps.split_first()) {
            let found = root.index(&Val::text(name.as_str()));
            root = found.map_err(|error| Problem::Failed(error.to_string()))?;
            steps = rest;
        }
        let (mut found, mut definite, mut is_deep) = (vec![root.plain()], true, false);
        for (index, step) in steps.iter().enumerate() {
            let is_last = index + 1 == steps.len();
            if let (Step::Function(_), true) = (step, is_deep) {
                // Behind `..` a function gets all that was found as one array.
                (found, definite, is_deep) = (vec![Val::array(found)], true, false);
            }
            let mut next = Vec::new();
            for value in found {
                budget::step();
                let place = Place { definite, is_last, behind_deep: behind_deep(steps, index) };
                step.apply(value, place, environment, &mut next)?;
                if next.len() > LONGEST {
                    return Err(Problem::Failed(format!("the path finds more than {LONGEST} values")));
                }
            }
            found = next;
            definite &= step.is_definite(is_last);
            is_deep |= matches!(step, Step::Deep);
        }
        Ok(if definite { found.pop().unwrap_or_default() } else { Val::array(found) })
    }

    /// As [`Path::read`], but `None` where a definite path leads nowhere.
    fn find(&self, environment: Environment<'_>) -> Result<Option<Val>, Problem> {
        match self.read(environment) {
            Ok(value) => Ok(Some(value)),
            Err(Problem::Missing(_)) => Ok(None),
            Err(failed) => Err(failed),
        }
    }
}
