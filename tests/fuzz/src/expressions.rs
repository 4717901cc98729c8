//! Expressions with data, under a small budget: jq, `JSONPath`, and texts with expressions in them.
//!
//! An input is a letter that says what it is (see [`play`]), the expression, and the data as JSON.

use std::{path::Path, time::Duration};

use rondo_expression::{
    Budget, EvalError, Exceeded, Expression, Language, MergeRules, Scope, Template, Val, assign, compile,
    compile_property, steps_taken,
};

use crate::{Target, joined, parts, seeds};

/// Expressions.
pub const TARGET: Target = Target { name: "expressions", play, seeds: begin };

/// Small, so that short inputs reach it. The time is thousand times what the steps take: work that no step is spent on ends there, and
/// counts as a mistake.
fn budget() -> Budget {
    Budget {
        steps: 20_000,
        processor_time: Duration::from_secs(2),
        nodes: 2_000,
        depth: 40,
        bytes: 64 * 1024,
        memory: 256 * 1024,
        // A regular expression that backtracks may read all of a text ten thousand times.
        text: 4 * 1024,
        ..Budget::default()
    }
}

fn play(input: &[u8]) {
    let [expression, data] = parts(input);
    let Some((letter, text)) = expression.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let budget = budget();
    let data = match data {
        [] => Val::object([("a", Val::array([Val::Int(1), Val::Float(2.5), Val::text("x"), Val::Null]))]),
        data => Val::from_json(data).unwrap_or_default(),
    };
    if data.size().check(&budget).is_err() {
        return;
    }
    let constants = Val::object([("c", Val::Int(7))]);
    let secrets = Val::object([("s", Val::text("s3cret"))]);
    let variables = [("item".into(), Val::Int(3))];
    let scope =
        Scope { constants: &constants, secrets: &secrets, variables: &variables, ..Scope::bare(&budget) };
    let language = if letter.is_ascii_lowercase() { Language::Jq } else { Language::JsonPath };
    let functions = |name: &str| (name == "fun").then(|| ".a".to_owned());
    match letter.to_ascii_lowercase() {
        b'e' => evaluated(compile(language, text), &data, &scope),
        b'c' => {
            let Ok(condition) = compile(language, text) else { return };
            if let Err(error) = condition.eval_bool(&data, &scope) {
                fails_rightly(&error);
            }
        }
        b'p' => evaluated(compile_property(language, text, &functions), &data, &scope),
        b'a' => {
            let Ok(place) = compile_property(language, text, &functions) else { return };
            let result = Val::object([("r", Val::Int(1))]);
            for rules in [MergeRules::SonataFlow, MergeRules::Specification] {
                if let Err(error) = assign(data.clone(), &place, result.clone(), &scope, rules) {
                    fails_rightly(&error);
                }
            }
        }
        _ => {
            let tree = serde_json::from_str(text).unwrap_or_else(|_| serde_json::Value::from(text));
            let template = Template::compile(language, &tree, &functions);
            let _ = (template.eval(&data, &scope), template.source(), template.reads("a"));
            if let Err(error) = template.eval_strict(&data, &scope) {
                fails_rightly(&error);
            }
        }
    }
}

/// Evaluates: the value is within the bounds, and is JSON.
fn evaluated(compiled: Result<Expression, rondo_expression::CompileError>, data: &Val, scope: &Scope<'_>) {
    let expression = match compiled {
        Ok(expression) => expression,
        Err(error) => return assert!(!error.to_string().is_empty(), "an error without words"),
    };
    let _ = (expression.variables(), expression.reads("a"));
    let before = steps_taken();
    let outcome = expression.eval(data, scope);
    let taken = steps_taken().wrapping_sub(before);
    assert!(taken <= scope.budget.steps, "{taken} steps");
    match &outcome {
        Ok(value) => {
            assert_eq!(
                value.size().check(scope.budget),
                Ok(()),
                "a value over the bounds: {:?}",
                value.size()
            );
            let text = value.to_json();
            let read = Val::from_json(text.as_bytes());
            assert!(read.is_ok(), "{text} is no JSON: {read:?}");
        }
        Err(error) => fails_rightly(error),
    }
}

/// The steps are what ends an evaluation, and never the time.
fn fails_rightly(error: &EvalError) {
    let timed_out = matches!(error, EvalError::Budget { exceeded: Exceeded::ProcessorTime(_), .. });
    assert!(!timed_out, "steps do not stand for the work: {error}");
    assert!(!error.to_string().is_empty(), "an error without words");
}

fn begin(repository: &Path) -> Vec<Vec<u8>> {
    let data: &[u8] =
        br#"{"a":[1,2.5,"x",null,{"b":{"c":"2024-01-02T03:04:05Z"}}],"n":-7,"t":"a,b c","e":{}}"#;
    let mut all = Vec::new();
    for text in seeds::literals(&repository.join("engine/expression")) {
        let is_path = text.starts_with('$');
        let letter: &[u8] = match () {
            () if is_path => b"E",
            () if text.starts_with('{') || text.contains("${") => b"t",
            () => b"e",
        };
        all.push(joined(&[&[letter, text.as_bytes()].concat(), data]));
        if all.len() % 5 == 0 {
            let letter: &[u8] = if is_path { b"A" } else { b"a" };
            all.push(joined(&[&[letter, text.as_bytes()].concat(), data]));
        }
    }
    all
}
