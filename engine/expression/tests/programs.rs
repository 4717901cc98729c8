//! Any program on any data ends within its budget, and what it makes is within the budget too.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use proptest::prelude::*;
use rondo_expression::{Budget, EvalError, Exceeded, Language, Scope, Val, compile, steps_taken};
use serde_json::Value;

/// Programs that need no other.
const LEAVES: &[&str] = &[
    ".",
    ".a",
    ".b",
    ".a?",
    ".[0]",
    ".[-1]",
    ".[]",
    ".[]?",
    "..",
    ".[1:]",
    ".[:2]",
    "0",
    "1",
    "-1",
    "3",
    "0.5",
    "1e300",
    "100000",
    "true",
    "false",
    "null",
    "empty",
    "\"\"",
    "\"x\"",
    "\"[1,{}]\"",
    "\"\\(.)\"",
    "[]",
    "{}",
    "$x",
    "f",
    "length",
    "keys",
    "values",
    "tojson",
    "fromjson",
    "tostring",
    "tonumber",
    "explode",
    "implode",
    "to_entries",
    "from_entries",
    "add",
    "sort",
    "unique",
    "reverse",
    "flatten",
    "transpose",
    "combinations",
    "ascii_downcase",
    "@base64",
    "@base64d",
    "@json",
    "@csv",
    "@tsv",
    "@uri",
    "@html",
    "@sh",
    "[paths]",
    "[tostream]",
    "first",
    "last",
    "min",
    "max",
    "not",
    "type",
    "infinite",
    "nan",
    "floor",
    "any",
    "all",
    "tojson | fromjson",
    "range(5)",
    "range(1000000000)",
    "[range(100)]",
    "repeat(.)",
    "error",
    "recurse",
    "leaf_paths",
    "trim",
    "todate",
    "now",
    "utf8bytelength",
    "{a: 1}",
    "{a: [1, 2], b: {a: \"x\"}}",
    "[1, [2], {a: 3}]",
    "\"x\" * 100000",
    "[limit(50000; repeat(.))]",
    "input_line_number",
    "splits(\"a\")",
    "tojson | explode",
    "ltrimstr(\"x\")",
    "uuid4 | length",
    "halt",
    "builtins | length",
    "isvalid(.a)",
];

/// Programs of others, which take the places of `%1`, `%2` and `%3`.
const SHAPES: &[&str] = &[
    "(%1 | %2)",
    "(%1 | %2 | %3)",
    "(%1, %2)",
    "(%1 + %2)",
    "(%1 - %2)",
    "(%1 * %2)",
    "(%1 / %2)",
    "(%1 % %2)",
    "(-%1)",
    "(%1 == %2)",
    "(%1 < %2)",
    "(%1 and %2)",
    "(%1 or %2)",
    "(%1 // %2)",
    "[%1]",
    "[%1, %2]",
    "{a: %1}",
    "{a: %1, b: %2}",
    "{(%1): %2}",
    "\"\\(%1) \\(%2)\"",
    "(%1 as $x | %2)",
    "(%1 as [$x] | %2)",
    "(%1 as {a: $x} | %2)",
    "(if %1 then %2 else %3 end)",
    "(reduce %1 as $x (%2; %3))",
    "(foreach %1 as $x (%2; %3))",
    "(foreach %1 as $x (.; %2; %3))",
    "(try %1 catch %2)",
    "(%1?)",
    "(%1 |= %2)",
    "(%1 = %2)",
    "(%1 += %2)",
    "(%1 //= %2)",
    ".[%1]",
    ".[%1:%2]",
    "map(%1)",
    "map_values(%1)",
    "select(%1)",
    "sort_by(%1)",
    "group_by(%1)",
    "unique_by(%1)",
    "min_by(%1)",
    "max_by(%1)",
    "[limit(5; %1)]",
    "first(%1)",
    "last(%1)",
    "[skip(2; %1)]",
    "nth(2; %1)",
    "until(%1; %2)",
    "[while(%1; %2)]",
    "[recurse(%1)]",
    "recurse(%1; %2)",
    "path(%1)",
    "[paths(%1)]",
    "del(%1)",
    "delpaths(%1)",
    "setpath(%1; %2)",
    "getpath(%1)",
    "any(%1; %2)",
    "all(%1; %2)",
    "isempty(%1)",
    "with_entries(%1)",
    "walk(%1)",
    "(def f: %1; %2)",
    "(def f: %1; f)",
    "(def g(h): %1 | h; g(%2))",
    "(def g(h): g(%1 | h), %2; g(%3))",
    "(def g($x): %1; g(%2))",
    "(label $out | %1, break $out, %2)",
    "(%1 | test(%2))",
    "(%1 | gsub(%2; %3))",
    "(%1 | [match(%2; \"g\")])",
    "(%1 | split(%2))",
    "(%1 | join(%2))",
    "(%1 | indices(%2))",
    "(%1 | contains(%2))",
    "(%1 | inside(%2))",
    "(%1 | has(%2))",
    "(%1 | in(%2))",
    "(%1 | startswith(%2))",
    "(%1 | ltrimstr(%2))",
    "(%1 | splits(%2))",
    "(%1 | flatten(%2))",
    "[%1 | combinations(2)]",
    "(%1 | strftime(%2))",
    "(%1 | strptime(%2))",
    "INDEX(%1; %2)",
    "IN(%1; %2)",
    "(%1 | bsearch(%2))",
    "fromstream(%1)",
    "[1 | truncate_stream(%1)]",
    "pick(%1)",
    "[range(%1; %2; %3)]",
    "[repeat(%1)]",
    "add(%1)",
    "(%1 | tojson | fromjson)",
    "[%1] | transpose",
    "(%1 | ascii)",
    "(%1 | @base64 | @base64d)",
];

fn program() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(LEAVES).prop_map(str::to_owned);
    let program = leaf.prop_recursive(4, 24, 3, |inner| {
        (prop::sample::select(SHAPES), inner.clone(), inner.clone(), inner)
            .prop_map(|(shape, a, b, c)| shape.replace("%1", &a).replace("%2", &b).replace("%3", &c))
    });
    (program.clone(), program).prop_map(|(body, rest)| format!(". as $x | def f: {body}; {rest}"))
}

fn data() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3..40_i64).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::from),
        prop::sample::select(vec!["a", "[1]", "{\"a\":1}", "YQ==", "2024-01-01", "(a+)+b"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec(("[abk]|key|value", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn budget() -> Budget {
    Budget {
        steps: 30_000,
        processor_time: Duration::from_mins(1),
        nodes: 20_000,
        depth: 30,
        bytes: 400_000,
        memory: 1_000_000,
        text: 200_000,
        ..Budget::default()
    }
}

/// Whether a value and all in it are within the budget.
fn is_within(value: &Val, budget: &Budget) -> bool {
    let inner = value.elements().iter().chain(value.members().into_iter().map(|(_, member)| member));
    let whole =
        value.size().check(budget).is_ok() && value.as_str().is_none_or(|text| text.len() <= budget.text);
    whole && inner.into_iter().all(|inner| is_within(inner, budget))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(1500), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_program_ends_within_its_budget(program in program(), data in data()) {
        let text = program.clone();
        let evaluation = move || {
            let expression = compile(Language::Jq, &text).ok()?;
            let (budget, data) = (budget(), Val::from(data));
            let before = steps_taken();
            let outcome = expression.eval(&data, &Scope::bare(&budget));
            Some((outcome, steps_taken() - before))
        };
        // The stack of a worker.
        let worker = std::thread::Builder::new().stack_size(4 << 20).spawn(evaluation).unwrap();
        let Some((outcome, steps)) = worker.join().expect("an expression must never panic") else { return Ok(()) };
        let budget = budget();
        prop_assert!(steps <= budget.steps, "{steps} steps");
        match outcome {
            Ok(value) => {
                prop_assert!(is_within(&value, &budget), "{:?}", value.size());
                prop_assert!(Val::from_json(value.to_json().as_bytes()).is_ok());
            }
            Err(EvalError::Budget { exceeded, .. }) => {
                prop_assert!(!matches!(exceeded, Exceeded::ProcessorTime(_)), "{program} works without steps");
            }
            Err(EvalError::Failed { .. }) => {}
        }
    }
}

/// The grammar makes programs that compile: most of them, or the property above says little.
#[test]
fn the_grammar_is_that_of_jq() {
    for shape in SHAPES {
        let text = shape.replace("%1", ".a").replace("%2", ".b").replace("%3", ".c");
        let text = format!(". as $x | def f: 1; {text}");
        assert!(compile(Language::Jq, &text).is_ok(), "{text}");
    }
    let wrong: Vec<_> = LEAVES
        .iter()
        .filter(|leaf| compile(Language::Jq, &format!(". as $x | def f: 1; {leaf}")).is_err())
        .collect();
    assert!(wrong.len() <= 3, "{wrong:?}");
}
