//! No expression can hang, exhaust or abort the process.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use proptest::prelude::*;
use rondo_expression::{Budget, Language, Renewed, Scope, Template, Val, compile};

/// Programs that loop, recurse, or make values without end, and what people would try next.
const HOSTILE: &[&str] = &[
    r#""[" * 200000 | fromjson"#,
    "reduce range(20000) as $i (1; [.]) | tojson",
    "def f: 1 + f; f",
    "def f: f; f",
    "def f: [f]; f",
    "[range(1e12)]",
    "[repeat(.)]",
    "repeat(1)",
    "until(false; .)",
    "while(true; .)",
    "[limit(1e9; repeat(1))]",
    "[range(0; 1e12; 1)]",
    "[range(0; 1; 0)]",
    r#"reduce range(60) as $i ("x"; . + .)"#,
    r#""x" * 1e9"#,
    r#""x" * 1e300"#,
    "reduce range(30) as $i (1; [., .]) | tojson",
    "reduce range(30) as $i (1; [., .]) | [..]",
    "reduce range(30) as $i (1; {a: ., b: .}) | tojson",
    "reduce range(40) as $i ([1]; . + .)",
    "[.[1e9] = 1]",
    ".[1e9] = 1",
    "null | .[100000000] = 1",
    "[range(1000000)] | map([range(1000)])",
    "[range(300000)] | sort_by(-.) | group_by(. % 7)",
    r#"[range(100000)] | map("\(.)") | join(",") | test("(a*)*b")"#,
    r#""aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" | test("^(a+)+$x")"#,
    r#""a" * 100000 | test("(?=a*b)c")"#,
    r#""a" * 10000 | test("^(?=(a+)+$)x")"#,
    r#""a" * 10000 | [match("(a*)*\\1b"; "g")]"#,
    r#""ab" * 100000 | gsub("a"; "b") | length"#,
    r#"[range(100000)] | map("a\(.)") | map(test("(?i)" + .))"#,
    r#""a" | test("\\w{1000}{1000}")"#,
    r#"("x" * 1000000) as $x | [range(100000)] | map($x) | join(",")"#,
    r#"("x" * 1000000) as $x | [range(100000)] | map($x) | @csv"#,
    r#"("x" * 1000000) as $x | [range(100000)] | map($x) | tojson"#,
    "[range(100000)] | map({(tostring): .}) | add | del(.[])",
    "[range(100000)] | del(.[])",
    "delpaths([range(100000) | [.]])",
    r#"[splits("a"; "b"; "c")]"#,
    r#""%%%" | @base64d"#,
    "halt",
    "halt_error",
    "halt(3)",
    "input",
    "[inputs]",
    "$ENV",
    "env | length",
    "[recurse(.+1)]",
    "[recurse([., .])]",
    "[paths]",
    "[.. = 1]",
    "getpath([range(100000)])",
    "setpath([range(1000) | tostring]; 1)",
    "setpath([range(300)]; 1)",
    "label $out | foreach repeat(1) as $x (0; . + 1; .)",
    "[combinations(1000000)]",
    "[[range(100)], [range(100)], [range(100)], [range(100)]] | [combinations]",
    "last(range(1e15))",
    "first(range(1e15) | select(. < 0))",
    "isempty(range(1e15) | select(. < 0))",
    "[range(1e5)] | [.[] as $x | .[] as $y | $x + $y]",
    "infinite | floor",
    "nan | tostring",
    "1 / 0",
    "1 % 0",
    "-9223372036854775808 / -1",
    "9223372036854775807 + 1",
    "[1, 2] | .[-10] = 1",
    "tojson | fromjson | tojson",
    "ltrimstr(1)",
    "@sh",
    "now | strftime(\"%Y\" * 100000)",
    "input_line_number",
    "debug | stderr",
    "error(null)",
    "limit(-1; 1)",
    "\"\\u0000\" | explode | implode",
    "[4294967296] | implode",
    "splits(null)",
    "walk(walk(walk(.)))",
];

/// Evaluates within a small stack, as a worker would; gives whether it ended with a value.
fn ends(text: &str) -> bool {
    let text = text.to_owned();
    let evaluation = move || {
        let budget = Budget { time: std::time::Duration::from_millis(500), ..Budget::default() };
        let Ok(expression) = compile(Language::Jq, &text) else { return false };
        let data = Val::from(serde_json::json!({"a": 1, "list": [1, 2, 3], "text": "x"}));
        expression.eval(&data, &Scope::bare(&budget)).is_ok()
    };
    let worker = std::thread::Builder::new().stack_size(4 * 1024 * 1024).spawn(evaluation).unwrap();
    worker.join().expect("an expression must never panic")
}

#[test]
fn every_hostile_program_ends() {
    for program in HOSTILE {
        ends(program);
    }
}

#[test]
fn bounds_are_told_and_cannot_be_caught() {
    let budget = Budget::default();
    for (program, bound) in [
        ("try repeat(1) catch 1", "elements"),
        ("def f: 1 + f; try f catch 1", "recurses too deeply"),
        ("try (\"x\" * 1e9) catch 1", "bytes"),
        ("try until(false; .) catch 1", "steps"),
        ("try (reduce range(300) as $i (1; [.])) catch 1", "nested"),
    ] {
        let budget =
            Budget { steps: 100_000, time: std::time::Duration::from_mins(1), nodes: 1000, ..budget.clone() };
        let expression = compile(Language::Jq, program).unwrap();
        let error = expression.eval(&Val::Null, &Scope::bare(&budget)).unwrap_err().to_string();
        assert!(error.contains(bound), "{program}: {error}");
    }
}

#[test]
fn a_long_chain_of_conditions_is_refused_or_evaluated() {
    for link in [" or .a and .b", " and .a or .b", " + try .a", " | try .a + 1", " or try .a"] {
        ends(&format!(".a{}", link.repeat(3000)));
    }
}

proptest! {
    #[test]
    fn any_text_is_an_expression_or_an_error(text in "[ -~]{0,40}") {
        for language in [Language::Jq, Language::JsonPath] {
            if let Ok(expression) = compile(language, &text) {
                let budget = Budget { time: std::time::Duration::from_millis(200), ..Budget::default() };
                let _ = expression.eval(&Val::Null, &Scope::bare(&budget));
            }
        }
        let template = Template::compile(Language::Jq, &serde_json::Value::String(text), &|_| None);
        let _ = template.eval(&Val::Null, &Scope::bare(&Budget::default()));
    }

    #[test]
    fn a_value_comes_back_from_its_json(value in json_value()) {
        let read = Val::from_json(value.to_json().as_bytes()).unwrap();
        prop_assert_eq!(read.to_json(), value.to_json());
        prop_assert_eq!(read, value);
    }

    #[test]
    fn merging_keeps_what_only_the_target_has(target in json_value(), source in json_value()) {
        let merged = rondo_expression::merge(target.clone(), source.clone(), &mut Renewed::default());
        if target.is_object() && source.is_object() && !target.members().is_empty() {
            for (name, value) in target.members() {
                if source.get(name).is_none() {
                    prop_assert_eq!(merged.get(name), Some(value));
                }
            }
        }
    }
}

fn json_value() -> impl Strategy<Value = Val> {
    let leaf = prop_oneof![
        Just(Val::Null),
        any::<bool>().prop_map(Val::Bool),
        any::<i64>().prop_map(Val::Int),
        (-1e9_f64..1e9).prop_map(Val::Float),
        ".{0,8}".prop_map(Val::text),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Val::array),
            prop::collection::vec(("[a-d]", inner), 0..5).prop_map(Val::object),
        ]
    })
}
