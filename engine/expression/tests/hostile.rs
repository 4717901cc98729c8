//! No expression can hang, exhaust or abort the process.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use proptest::prelude::*;
use rondo_expression::{Budget, EvalError, Exceeded, Language, MergeRules, Scope, Template, Val, compile};

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
    // One call that would take minutes.
    r#""a" * 100000 | test("(a?){3000}b")"#,
    r#""a" * 1000000 | test("(a?){300}b")"#,
    r#""a" * 16000 | test("(?=(a?){1000}b)")"#,
    "jn(2000000000; 1.5)",
    "yn(2000000000; 1.5)",
    // Paths that go further without end: they are freed recursively.
    "path(until(false; .a))",
    "path(until(false; .[0:]))",
    "path(def f: .a | f; f)",
    "path(def f($x): .[$x] | f($x); f(0))",
    "path(reduce range(1000000) as $i (.; .a))",
    "path(foreach range(1000000) as $i (.; .a; empty))",
    "path(getpath([range(100000) | tostring]))",
    "path(last(recurse(.z?; true)))",
    "[paths(until(false; .a))]",
    // Chains of filters, whose ends are freed recursively.
    "def f(x): f(x+1); f(0)",
    "def g(f): g(g(f)); g(1)",
    "[limit(1e8; def f(x): f(x,x); f(1))]",
    ".a |= (def f(x): f(x+1); f(0))",
    "(def f(x): f(x+1); f(0)) |= 1",
    "path(def f(x): f(x+1); f(0))",
    "def f(g): def h: f(g); h; f(1)",
    "def f(g): def h(k): f(k|g); h(.); f(.)",
    "def f(x): f(x) as $y | x; f(1)",
    // One text at many places is small in memory and large on disk.
    r#"("x" * 10000000) as $s | {a: [range(1000) | $s]}"#,
    r#"("x" * 10000000) as $s | range(1000) | $s"#,
    r#"("x" * 10000000) as $s | [range(1000) | $s]"#,
    r#"("x" * 10000000) as $s | reduce range(1000) as $i ({}; .["\($i)"] = $s)"#,
    r#"("x" * 10000000) as $s | {($s): 1, ($s + "y"): 2, ($s + "z"): 3, ($s + "a"): 3}"#,
    // One step each that works on much: cut, compare, search, print, read, sort, hash.
    r#"("x" * 10000000) as $s | [range(1000000) | $s[1:2]]"#,
    r#"("x" * 10000000) as $s | [range(1000000) | $s | length]"#,
    r#"("x" * 10000000) as $s | ($s + "a") as $a | ($s + "b") as $b | [range(1000000) | $a == $b]"#,
    r#"("x" * 10000000) as $s | [range(1000000) | $s | contains("y")]"#,
    r#"("x" * 1000000) as $s | $s | indices("x" * 500000)"#,
    r#"("x" * 1000000) | [range(1000000) as $i | test("y")]"#,
    r#"("x" * 1000000) | [match(""; "g")]"#,
    r#"("x" * 10000000) | split("")"#,
    r#"("x" * 10000000) | explode"#,
    r#"("ab" * 5000000) | split("b") | length"#,
    r#"("[" + "1," * 5000000 + "1]") | fromjson"#,
    r#"("x" * 10000000) as $s | [range(1000000) | $s | @base64]"#,
    "[limit(500000; repeat(1))] as $a | [range(1000000) | $a + [.]]",
    "[limit(500000; repeat(1))] as $a | ($a + [1]) as $b | ($a + [2]) as $c | [range(1000000) | $b == $c]",
    "[limit(500000; repeat(1))] as $a | ($a + [1]) as $b | ($a + [2]) as $c | [range(1000000) | $b < $c]",
    "[limit(500000; repeat(1))] as $a | [range(1000000) | $a | tojson]",
    "[limit(500000; repeat(1))] as $a | [range(1000000) | $a | index([1, 2])]",
    "[limit(500000; repeat(1))] as $a | [range(1000000) | $a | index(2)]",
    "[limit(500000; repeat(1))] as $a | [range(1000000) | $a | sort]",
    "[limit(500000; repeat(1))] as $a | [range(1000000) | $a | try error catch 1]",
    "[limit(500000; repeat(1))] as $a | [range(1000000) | $a | try (. / 1) catch 1]",
    "[limit(500000; repeat(1))] as $a | [range(1000000) | $a - [1]]",
    "[limit(100000; repeat(1))] as $a | reduce range(1000000) as $i ($a; .[$i % 100000] = $i)",
    "reduce range(1000000) as $i ({}; .[\"\\($i)\"] = $i)",
    "(reduce range(50000) as $i ({}; . + {\"\\($i)\": $i})) | [range(1000000) as $i | to_entries]",
];

/// Evaluates within a small stack, as a worker would; gives whether it ended with a value.
fn ends(text: &str) -> bool {
    let text = text.to_owned();
    let evaluation = move || {
        let budget = Budget { steps: 1_000_000, ..Budget::default() };
        let Ok(expression) = compile(Language::Jq, &text) else { return false };
        let data = Val::from(serde_json::json!({"a": 1, "list": [1, 2, 3], "text": "x"}));
        expression.eval(&data, &Scope::bare(&budget)).is_ok()
    };
    let worker = std::thread::Builder::new().stack_size(4 * 1024 * 1024).spawn(evaluation).unwrap();
    worker.join().expect("an expression must never panic")
}

/// The steps end what has no end, and not the net below them: so the same expression ends the same on a slow machine as on a fast one.
#[test]
fn every_hostile_program_ends_by_its_steps() {
    let budget =
        Budget { steps: 300_000, processor_time: std::time::Duration::from_secs(4), ..Budget::default() };
    for program in HOSTILE {
        let evaluation = {
            let budget = budget.clone();
            move || {
                let expression = compile(Language::Jq, program).ok()?;
                let data = Val::from(serde_json::json!({"a": 1, "list": [1, 2, 3], "text": "x"}));
                expression.eval(&data, &Scope::bare(&budget)).err()
            }
        };
        // A small stack, as a worker's.
        let worker = std::thread::Builder::new().stack_size(4 * 1024 * 1024).spawn(evaluation).unwrap();
        let error = worker.join().expect("an expression must never panic");
        assert!(
            !matches!(error, Some(EvalError::Budget { exceeded: Exceeded::ProcessorTime(_), .. })),
            "{program} works without steps"
        );
    }
}

/// Compiling a pattern takes as long as thousands of ordinary steps, so a few hundred of them are more than a small budget has.
#[test]
fn patterns_that_are_made_of_values_take_steps() {
    let budget = Budget { steps: 300_000, ..Budget::default() };
    let steps = |program: &str| {
        let expression = compile(Language::Jq, program).unwrap();
        expression.eval(&Val::Null, &Scope::bare(&budget))
    };
    let error = steps(r#"[range(300)] | map(. as $i | "x" | test("\\w{10}\($i)"))"#);
    assert!(
        matches!(error, Err(EvalError::Budget { exceeded: Exceeded::Steps(_), .. })),
        "300 patterns were compiled: {error:?}"
    );
    assert!(steps(r#"[range(300)] | map("x" | test("\\w{10}"))"#).is_ok(), "one pattern is compiled once");
}

#[test]
fn a_text_has_the_length_of_the_budget_at_most() {
    let budget = Budget { text: 4096, ..Budget::default() };
    for (length, is_allowed) in [(4096, true), (4097, false)] {
        let expression = compile(Language::Jq, &format!("\"x\" * {length} | length")).unwrap();
        let outcome = expression.eval(&Val::Null, &Scope::bare(&budget));
        assert_eq!(outcome.is_ok(), is_allowed, "{outcome:?}");
    }
}

/// Work for which no step were spent would end here.
#[test]
fn processor_time_is_the_net_below_the_steps() {
    let processor_time = std::time::Duration::from_millis(20);
    let budget = Budget { steps: u64::MAX, processor_time, ..Budget::default() };
    let expression = compile(Language::Jq, "try until(false; .) catch 1").unwrap();
    let error = expression.eval(&Val::Null, &Scope::bare(&budget)).unwrap_err();
    assert!(
        matches!(error, EvalError::Budget { exceeded: Exceeded::ProcessorTime(time), .. } if time == processor_time),
        "{error}"
    );
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
        ("try (def f(x): f(x + 1); f(0)) catch 1", "passes filters to itself"),
        ("(\"x\" * 10000000) as $s | try [$s, $s, $s, $s] catch 1", "bytes"),
    ] {
        let budget = Budget { steps: 400_000, nodes: 1000, ..budget.clone() };
        let expression = compile(Language::Jq, program).unwrap();
        let error = expression.eval(&Val::Null, &Scope::bare(&budget)).unwrap_err().to_string();
        assert!(error.contains(bound), "{program}: {error}");
    }
}

#[test]
fn a_path_that_goes_on_without_end_is_refused() {
    let expression = compile(Language::Jq, "try path(reduce range(1100) as $i (.; .a)) catch 1").unwrap();
    let error = expression.eval(&Val::Null, &Scope::bare(&Budget::default())).unwrap_err().to_string();
    assert!(error.contains("a path of more than 1000 steps"), "{error}");
}

#[test]
fn a_regular_expression_and_the_text_for_it_are_bounded() {
    let budget = Budget::default();
    for (program, bound) in [
        (r#""x" | test("a" * 4096)"#, None),
        (r#""x" | test("a" * 4097)"#, Some("4097 bytes, more than the 4096")),
        (r#""x" | test("(?=a)" + "a" * 1019)"#, None),
        (r#""x" | test("(?=a)" + "a" * 1020)"#, Some("1025 bytes, more than the 1024")),
        (r#"("x" * 500000) | test("y{100}")"#, None),
        (
            r#"("x" * 500001) | test("y{100}")"#,
            Some("500001 bytes, more than the 500000 that may be matched"),
        ),
        (r#"("x" * 2100) | test("(?=y{98})y")"#, Some("2100 bytes, more than the ")),
    ] {
        let expression = compile(Language::Jq, program).unwrap();
        let error = expression.eval(&Val::Null, &Scope::bare(&budget)).err().map(|error| error.to_string());
        match (&error, bound) {
            (None, None) => {}
            (Some(error), Some(bound)) => assert!(error.contains(bound), "{program}: {error}"),
            _ => panic!("{program}: {error:?}"),
        }
    }
}

#[test]
fn a_long_chain_is_refused_or_evaluated() {
    for (first, link) in [
        (".a", " or .a and .b"),
        (".a", " and .a or .b"),
        (".a", " + try .a"),
        (".a", " | try .a + 1"),
        (".a", " or try .a"),
        ("1", "+1"),
        (".", "|."),
        ("1", ",1"),
        (".", "//."),
        (".", " as $x | ."),
        ("", ".a"),
        (".", "[0]"),
        (".a", "?"),
        ("", ".[\"a\"]"),
        ("{}", " | .a"),
    ] {
        // As long as a text may be, and as many tokens as one may have.
        for length in [64 * 1024 / link.len() - 1, 9_990 / link.len(), 255] {
            ends(&format!("{first}{}", link.repeat(length)));
        }
    }
}

#[test]
fn what_is_read_and_what_is_made_may_be_as_deep() {
    let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    assert!(Val::from_json(nested(Val::DEEPEST).as_bytes()).is_ok());
    let error = Val::from_json(nested(Val::DEEPEST + 1).as_bytes()).unwrap_err().to_string();
    assert!(error.contains("nested more than 100 levels deep"), "{error}");

    let budget = Budget::default();
    let made = |levels: usize| {
        let program = format!("reduce range({levels}) as $i ([]; [.])");
        compile(Language::Jq, &program).unwrap().eval(&Val::Null, &Scope::bare(&budget))
    };
    let deepest = made(Val::DEEPEST - 1).unwrap();
    assert_eq!(Val::from_json(deepest.to_json().as_bytes()).unwrap(), deepest);
    assert!(made(Val::DEEPEST).is_err());
}

#[test]
fn functions_may_pass_filters_to_themselves_a_while() {
    for program in [
        "def fac(n): if n < 2 then 1 else n * fac(n - 1) end; fac(10)",
        "def r(f): ., (f | r(f)); [limit(100; 0 | r(. + 1))]",
        "[range(500)] | map(def fac(n): if n < 2 then 1 else n * fac(n - 1) end; fac(4))",
        "[range(20000)] | map(def twice(f): f | f; twice(. + 1))",
    ] {
        assert!(ends(program), "{program}");
    }
}

proptest! {
    #[test]
    fn any_text_is_an_expression_or_an_error(text in "[ -~]{0,40}") {
        for language in [Language::Jq, Language::JsonPath] {
            if let Ok(expression) = compile(language, &text) {
                let budget = Budget { steps: 100_000, ..Budget::default() };
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
        let merged = rondo_expression::merge(target.clone(), source.clone(), MergeRules::default());
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
