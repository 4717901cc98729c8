//! jq: compiled once, evaluated within a budget.

mod library;

use std::{
    collections::BTreeSet,
    ops::Range,
    sync::{Arc, LazyLock},
    thread,
};

use jaq_core::{
    Compiler, Ctx, DataT, Filter, Lut, Vars,
    compile::Undefined,
    data::HasLut,
    load::{self, Arena, File, Loader},
};

use crate::{
    CompileError, Scope,
    budget::{self, Budget, memory},
    expression::Failure,
    jackson_jq,
    value::{Items, Size, Val},
};
use library::Requested;
pub(crate) use library::functions;

/// Longest text that is compiled. Expressions are written by people; the longest that we know of has 4 KB.
const LONGEST: usize = 64 * 1024;

/// Up to this many tokens the compiler's recursion fits the stack of any thread.
const SHORT: usize = 200;

/// Stack for longer expressions: [`jackson_jq::TOKENS`] times the stack that an operator takes in a build without optimization.
const STACK: usize = 256 * 1024 * 1024;

/// Deepest nesting of brackets: the parser recurses.
pub(crate) const DEEPEST: usize = 100;

/// Variables of jq that read the environment or the source.
const UNAVAILABLE: [&str; 2] = ["$ENV", "$__loc__"];

/// The types that the interpreter is instantiated with.
pub(crate) struct Data;

/// What the contexts of one evaluation have in common, and the memory of one of them.
#[derive(Clone)]
pub(crate) struct Run<'a> {
    lut: &'a Lut<Data>,
    pub(crate) now: i64,
    _memory: memory::Context,
}

impl DataT for Data {
    type V<'a> = Val;
    type Data<'a> = Run<'a>;
}

/// The interpreter asks for its table once for each filter that it runs, so steps are counted here.
impl<'a> HasLut<'a, Data> for Run<'a> {
    fn lut(&self) -> &'a Lut<Data> {
        budget::step();
        self.lut
    }
}

/// A compiled program.
pub(crate) struct Jq {
    filter: Filter<Data>,
    /// Names of its free variables, with `$`, in the order in which their values are given.
    globals: Vec<Arc<str>>,
}

impl Jq {
    pub(crate) fn compile(text: &str) -> Result<Self, CompileError> {
        if text.len() > LONGEST {
            return Err(CompileError::new(format!(
                "an expression may have {LONGEST} bytes, this has {}",
                text.len()
            )));
        }
        let too_deep =
            || CompileError::new(format!("brackets may be nested {DEEPEST} deep, these are deeper"));
        if nesting(text) > DEEPEST {
            return Err(too_deep());
        }
        let adapted = jackson_jq::adapted(text)?;
        if nesting(&adapted.text) > DEEPEST {
            return Err(too_deep());
        }
        let compiled = match adapted.tokens > SHORT {
            false => Self::with_what_it_needs(&adapted.text),
            // The interpreter recurses along chains of operators, so a long text gets a stack of its own.
            true => thread::scope(|scope| {
                let apart = || Self::with_what_it_needs(&adapted.text);
                let worker = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, apart);
                let ended = worker.map(thread::ScopedJoinHandle::join);
                let Ok(Ok(compiled)) = ended else {
                    return Err(CompileError::new("there is no memory to compile it".to_owned()));
                };
                compiled
            }),
        };
        compiled.map_err(|error| CompileError {
            range: error.range.map(|range| adapted.to_source(range)),
            ..error
        })
    }

    /// Names of its free variables.
    pub(crate) fn globals(&self) -> &[Arc<str>] {
        &self.globals
    }

    /// Compiles, adding variables and functions until nothing is missing.
    fn with_what_it_needs(text: &str) -> Result<Self, CompileError> {
        let mut globals: Vec<Arc<str>> = Vec::new();
        let mut requested = Requested::default();
        loop {
            match Self::with(text, &globals, &mut requested) {
                Ok(filter) => return Ok(Self { filter, globals }),
                Err(Problem::Missing(variables)) => globals.extend(variables),
                Err(Problem::Invalid(error)) => return Err(error),
            }
        }
    }

    /// Compiles with these variables and functions; functions that are missing are added for the next time.
    fn with(text: &str, globals: &[Arc<str>], requested: &mut Requested) -> Result<Filter<Data>, Problem> {
        let arena = Arena::default();
        let modules = Loader::new(requested.definitions())
            .load(&arena, File { code: text, path: () })
            .map_err(|errors| Problem::Invalid(load_error(text, errors)))?;
        let compiler = Compiler::default()
            .with_funs(requested.native_functions())
            .with_global_vars(globals.iter().map(|name| &**name));
        compiler.compile(modules).map_err(|errors| {
            let (mut variables, mut invalid) = (BTreeSet::new(), None);
            let before = requested.len();
            let undefined: Vec<_> = errors.into_iter().flat_map(|(_, errors)| errors).collect();
            for (name, kind) in &undefined {
                let is_known = match kind {
                    Undefined::Filter(arguments) => requested.add(name, *arguments),
                    Undefined::Var => !UNAVAILABLE.contains(name) && variables.insert(Arc::from(*name)),
                    _ => false,
                };
                if !is_known && !variables.contains(*name) {
                    invalid.get_or_insert((name, kind));
                }
            }
            // A function that is missing although it was added does not exist.
            if requested.len() == before && variables.is_empty() {
                invalid = invalid.or(undefined.first().map(|(name, kind)| (name, kind)));
            }
            invalid.map_or(Problem::Missing(variables), |(name, kind)| {
                Problem::Invalid(CompileError {
                    message: undefined_message(name, kind),
                    range: span(text, name),
                })
            })
        })
    }

    /// Evaluates; gives all outputs.
    pub(crate) fn run(&self, data: &Val, scope: &Scope<'_>) -> Result<Items, Failure> {
        let mut variables = Vec::with_capacity(self.globals.len());
        for name in &self.globals {
            variables
                .push(scope.variable(name).ok_or_else(|| Failure::Failed(format!("{name} is not defined")))?);
        }
        let outputs = budget::within(scope.budget, || {
            let data_of_run = Run { lut: &self.filter.lut, now: scope.now, _memory: memory::Context::new() };
            let context = Ctx::<Data>::new(data_of_run, Vars::new(variables));
            let mut outputs = Items::default();
            let mut collected = Size::default();
            for output in self.filter.id.run((context, data.clone())) {
                match output {
                    Ok(value) => {
                        let value = value.plain();
                        collected = collected.with(&value);
                        budget::check_value(collected);
                        outputs.push(value);
                    }
                    Err(exception) => {
                        let message = match exception.get_err() {
                            Ok(error) => error.to_string(),
                            Err(_) => "it breaks off".to_owned(),
                        };
                        return Err(Failure::Failed(unquoted(&message)));
                    }
                }
            }
            Ok(outputs)
        });
        outputs.map_err(Failure::Budget)?
    }
}

enum Problem {
    /// The expression uses variables that were not declared; the functions that it misses have been added.
    Missing(BTreeSet<Arc<str>>),
    Invalid(CompileError),
}

/// Deepest nesting of brackets in a text. Brackets in strings count too, so the outcome can be too high and never too low.
pub(crate) fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    // `- - - 1`, `if if if`, `def def` and the like recurse without brackets.
    let words = ["if ", "try ", "reduce ", "foreach ", "def ", "label "];
    let nested_words: usize = words.iter().map(|word| text.matches(word).count()).sum();
    deepest.max(nested_words).max(text.matches('-').count().saturating_sub(DEEPEST))
}

/// Where a part of the text is; `None` for a part of something else (the library).
fn span(text: &str, part: &str) -> Option<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    let range = start..start + part.len();
    text.get(range.clone()).filter(|found| *found == part).map(|_| range)
}

fn load_error(text: &str, errors: load::Errors<&str, ()>) -> CompileError {
    for (_, error) in errors {
        match error {
            load::Error::Io(_) => return CompileError::new("modules cannot be imported".to_owned()),
            load::Error::Lex(errors) => {
                if let Some((expected, found)) = errors.into_iter().next() {
                    return unexpected(text, expected.as_str(), found);
                }
            }
            load::Error::Parse(errors) => {
                if let Some((expected, found)) = errors.into_iter().next() {
                    return unexpected(text, expected.as_str(), found);
                }
            }
        }
    }
    CompileError::new("it cannot be read".to_owned())
}

fn unexpected(text: &str, expected: &str, found: &str) -> CompileError {
    let shown: String = found.chars().take(20).collect();
    let message = match shown.as_str() {
        "" => format!("it ends where {expected} is expected"),
        shown => format!("{expected} is expected where `{shown}` stands"),
    };
    let range = span(text, found).or(Some(text.len()..text.len()));
    CompileError { message, range }
}

fn undefined_message(name: &str, kind: &Undefined) -> String {
    match kind {
        Undefined::Filter(arguments) => match (library::is_function(name), arguments) {
            (false, _) => format!("no function is called `{name}`"),
            (true, 0) => format!("the function `{name}` needs arguments"),
            (true, 1) => format!("the function `{name}` does not take one argument"),
            (true, arguments) => format!("the function `{name}` does not take {arguments} arguments"),
        },
        Undefined::Var => format!("`{name}` is not available"),
        kind => format!("no {} is called `{name}`", kind.as_str()),
    }
}

/// The message of an error. The interpreter prints an error value that is a string as JSON, with quotes.
fn unquoted(message: &str) -> String {
    serde_json::from_str::<String>(message).unwrap_or_else(|_| message.to_owned())
}

/// Whether a regular expression matches somewhere in a text. An invalid pattern matches nothing.
pub fn pattern_found(pattern: &str, text: &str) -> bool {
    static TEST: LazyLock<Option<Jq>> = LazyLock::new(|| Jq::compile("$pattern as $p | test($p)").ok());
    let variables = [(Arc::from("pattern"), Val::text(pattern))];
    let budget = Budget::default();
    let scope = Scope { variables: &variables, ..Scope::bare(&budget) };
    let found = TEST.as_ref().map(|test| test.run(&Val::text(text), &scope));
    matches!(found, Some(Ok(outputs)) if outputs.first().is_some_and(Val::is_true))
}
