//! No expression holds much more memory than its budget, whatever it does and whatever data it gets.
//!
//! An allocator that counts says how much each of these programs holds at most. Without the bounds most of them hold hundreds of MB.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use peak_alloc::PeakAlloc;
use rondo_expression::{Budget, Language, MergeRules, Scope, Template, Val, assign, compile, merge};
use serde_json::json;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// jq programs. `TEXT` is nearly the longest text that the budget allows, `COUNT` nearly the most elements.
const PROGRAMS: &[&str] = &[
    // One native function that makes much of one small input.
    r#""x" * TEXT | split("")"#,
    r#""x" * TEXT | . / "x""#,
    r#""xy" * (TEXT / 2) | split("y") | length"#,
    r#""x" * TEXT | explode"#,
    r#""x" * (TEXT / 10) | explode | implode | explode"#,
    r#""x" * TEXT | indices("x")"#,
    r#""x" * TEXT | [match(".?"; "g")]"#,
    r#""x" * 900000 | [match("."; "g")]"#,
    r#""x" * 900000 | [match("(.)(.)(.)(.)"; "g")]"#,
    r#""x" * 900000 | [scan(".")]"#,
    r#""x" * 900000 | [splits("")]"#,
    r#""x" * 900000 | split(""; null)"#,
    r#""x" * 900000 | capture("(?<a>.*)")"#,
    r#""x" * 900000 | gsub("x"; "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy")"#,
    r#""x" * 900000 | gsub(""; "y")"#,
    r#""&" * TEXT | @html"#,
    r#""&" * TEXT | @htmld"#,
    r#""'" * TEXT | @sh"#,
    r#""é" * (TEXT / 2) | @uri"#,
    r#""%41" * (TEXT / 3) | uridecode"#,
    r#""x" * TEXT | @base64 | @base64 | @base64"#,
    r#""x" * TEXT | @base64d"#,
    r#""////" * (TEXT / 4) | @base64d"#,
    r#""\"" * TEXT | @json | @json"#,
    r#""\"" * TEXT | [.] | @csv"#,
    r#""\t" * TEXT | [.] | @tsv"#,
    r#""\u0000" * TEXT | tojson"#,
    r#""x" * TEXT | ascii_downcase | ascii_upcase | ltrimstr("x") | rtrimstr("x") | trim"#,
    r#""[1" + ",1" * (TEXT / 3) + "]" | fromjson"#,
    r#""[{}" + ",{}" * (TEXT / 4) + "]" | fromjson"#,
    r#""[[]" + ",[]" * (TEXT / 4) + "]" | fromjson"#,
    r#""[{\"a\":1}" + ",{\"a\":1}" * (TEXT / 10) + "]" | fromjson"#,
    r#""[\"\"" + ",\"\"" * (TEXT / 4) + "]" | fromjson"#,
    r#""[" * TEXT | try fromjson catch 1"#,
    r#""x" * TEXT | try fromjson catch ."#,
    r#""x" * TEXT | try tonumber catch ."#,
    r#""x" * TEXT | try error catch ."#,
    r#""x" * TEXT | try (. - 1) catch ."#,
    r#"[range(COUNT / 2)] | try test("x") catch ."#,
    "[range(COUNT / 2)] | try implode catch .",
    "[range(COUNT / 2)] | try ascii_downcase catch .",
    "[range(COUNT / 2)] | try error catch .",
    r#""%Y" * (TEXT / 2) | . as $f | 0 | strftime($f)"#,
    r#""y" * TEXT | . as $f | 0 | strftime($f)"#,
    r#""x" * TEXT | strptime("%Y")"#,
    r#""%c" * (TEXT / 2) | . as $f | 0 | strflocaltime($f)"#,
    // Regular expressions, which are compiled first.
    r#"("a|" * (TEXT / 2)) as $p | "x" | test($p)"#,
    r#"("\\w" * 4000) as $p | "x" | test($p)"#,
    r#"("(?=a)\\w{40}" * 90) as $p | "x" | test($p)"#,
    r#"range(300) as $i | "x" | test("\\w{10}\($i)")"#,
    r#"range(50) as $i | "x" | test("\\w{100}\($i)")"#,
    r#""a" * 16000 | test("(?=(a+)+$)b")"#,
    r#""ab" * 8000 | [match("(?=(.*))"; "g")] | length"#,
    // Many values from many steps.
    "[range(1e12)]",
    "[range(COUNT) | [.]]",
    "[range(COUNT) | {a: .}]",
    "[range(COUNT) | {a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7, h: 8}]",
    "[range(COUNT) | tostring]",
    "[limit(1e9; repeat(1))]",
    "[limit(1e9; repeat(\"xxxxxxxx\"))]",
    "reduce range(1e9) as $i ([]; . + [[$i]])",
    r#"reduce range(1e9) as $i ({}; .["\($i)"] = $i)"#,
    "reduce range(30) as $i ([1]; . + .)",
    "reduce range(30) as $i (1; [., .])",
    r#"reduce range(60) as $i ("x"; . + .)"#,
    ".[COUNT - 1] = 1 | .[COUNT - 1] = 2",
    "[.[range(1000)][COUNT / 10] = 1]",
    "setpath([COUNT / 2]; 1)",
    "[range(COUNT / 4)] | to_entries",
    "[range(COUNT / 4)] | [paths]",
    "[range(COUNT / 4)] | [tostream]",
    "[range(COUNT / 4)] | group_by(.)",
    "[range(COUNT / 4)] | sort_by([., .])",
    "[range(COUNT / 4)] | unique_by([.])",
    "[range(COUNT / 4)] | min_by([.])",
    "[range(COUNT / 4)] | map(tostring) | join(\"xxxxxxxxxxxx\")",
    "[range(1000)] | [combinations(3)]",
    "[range(2000) as $i | [range(2000)]] | transpose",
    "[range(400)] | [.[] as $x | .[] as $y | [$x, $y]] | flatten",
    "[range(COUNT / 2)] | delpaths([range(COUNT / 2) | [.]])",
    "[range(COUNT / 2)] - [range(COUNT / 2)]",
    "[range(COUNT / 2)] | with_entries(.)?",
    "[range(COUNT / 2) | {key: tostring, value: 1}] | from_entries",
    // What the interpreter holds itself.
    "reduce range(1e9) as $x (0; $x, $x)",
    "[foreach range(1e9) as $x (0; 1, 2; .)] | length",
    "foreach range(1e9) as $x (0; $x, $x, $x; empty)",
    "def f: f, 1; f",
    "def f: f, {a: 1}; f",
    "def f(x): f(x), 1; f(1)",
    "label $out | def f: f, break $out; f",
    "last(range(1e9) as $x | range(3) as $y | [$x, $y])",
    "path(until(false; .a))",
    "path(until(false; .[0:]))",
    "path(def f: .a | f; f)",
    "path(reduce range(1e9) as $i (.; .a))",
    "path(foreach range(1e9) as $i (.; .a; empty))",
    "[path(getpath([range(COUNT / 2) | tostring]))]",
    "try path(def until(c; u): if c then . else u | until(c; u) end; until(false; .a)) catch 1",
    // Values that are being changed, each while the next is made.
    "[range(50000)] as $a | def f: ($a + [1]) | sort_by(f); f",
    "[range(50000)] as $a | def f: ($a + [1]) | group_by(f); f",
    "[range(50000)] as $a | def f: ($a + [1]) | min_by(f); f",
    "[range(50000)] as $a | def f: ($a + [1]) | .[0] |= f; f",
    "[range(50000)] as $a | def f: ($a + [1]) | .[] |= f; f",
    "[range(50000)] as $a | def f: ($a + [1]) | .[0:1] |= f; f",
    "[range(50000)] as $a | def f: ($a + [1]) | map(f); f",
    "[range(50000)] as $a | def f: ($a + [1]) as $b | f | $b; f",
    r#"("x" * (TEXT / 8)) as $a | def f: ($a + "y") as $b | f | $b; f"#,
    r#"("x" * (TEXT / 8)) as $a | [range(1000) | $a + "y"] | length"#,
    r#"("x" * (TEXT / 8)) as $a | reduce range(1000) as $i ({}; .[$a + "\($i)"] = 1)"#,
    r#"("x" * (TEXT / 8)) as $a | [range(1000) | $a] | add"#,
];

/// An eighth of the default: small enough to be played in a build without optimization.
fn eighth() -> Budget {
    let whole = Budget::default();
    Budget {
        steps: whole.steps / 8,
        processor_time: Duration::from_mins(1),
        nodes: whole.nodes / 8,
        bytes: whole.bytes / 8,
        memory: whole.memory / 8,
        text: whole.text / 8,
        ..whole
    }
}

/// The most that is held while something is done, beyond what was held before.
fn most_held(work: impl FnOnce() + Send + 'static) -> usize {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    std::thread::Builder::new().stack_size(4 << 20).spawn(work).unwrap().join().unwrap();
    ALLOCATOR.peak_usage().saturating_sub(before)
}

/// Above the memory of values comes what a function needs for itself: copies of a text, or the list of what it sorts.
fn allowed(budget: &Budget) -> usize {
    budget.memory + 3 * budget.text
}

/// Plays all programs; gives those that hold too much.
fn exceeding(budget: &Budget) -> Vec<String> {
    let mut exceeding = Vec::new();
    for program in PROGRAMS {
        let text = program
            .replace("TEXT", &(budget.text - 1000).to_string())
            .replace("COUNT", &(budget.nodes - 1000).to_string());
        let budget = budget.clone();
        let most = allowed(&budget);
        let held = most_held(move || {
            let expression = compile(Language::Jq, &text).unwrap();
            let data = Val::Null;
            drop(expression.eval(&data, &Scope::bare(&budget)));
        });
        eprintln!("{:8.1} MiB  {program}", mebibytes(held));
        if held > most {
            exceeding.push(format!("{:.1} MiB: {program}", mebibytes(held)));
        }
    }
    exceeding
}

#[allow(clippy::cast_precision_loss, reason = "is shown")]
fn mebibytes(bytes: usize) -> f64 {
    bytes as f64 / 1_048_576.0
}

/// One test, for the allocator counts what all threads hold.
#[test]
fn no_expression_holds_much_more_than_its_budget() {
    assert_eq!(exceeding(&eighth()), Vec::<String>::new());
    a_template_holds_no_more_than_one_value();
    a_path_holds_no_more();
}

#[test]
#[ignore = "takes minutes; `--release -- --ignored` plays the programs with the default budget"]
fn no_expression_holds_much_more_than_the_default_budget() {
    let budget = Budget { processor_time: Duration::from_mins(1), ..Budget::default() };
    assert_eq!(exceeding(&budget), Vec::<String>::new());
}

fn a_template_holds_no_more_than_one_value() {
    let budget = eighth();
    let most = allowed(&budget);
    let held = most_held(move || {
        let members: serde_json::Map<_, _> =
            (0..100).map(|index| (format!("m{index}"), json!("${ \"x\" * 2000000 }"))).collect();
        let template = Template::compile(Language::Jq, &members.into(), &|_| None);
        drop(template.eval(&Val::Null, &Scope::bare(&budget)));
        assert!(template.eval_strict(&Val::Null, &Scope::bare(&budget)).is_err());
    });
    assert!(held < most, "{held}");
}

/// `JSONPath`, assignment and merging.
fn a_path_holds_no_more() {
    let budget = eighth();
    let most = allowed(&budget);
    let data = compile(Language::Jq, "{list: [range(40000) | [.]], long: (\"x\" * 1900000)}").unwrap();
    let data = data.eval(&Val::Null, &Scope::bare(&budget)).unwrap();
    for path in [
        "$..*",
        "$.list[*][*]",
        "$..[*]",
        "$.list[?(@[0] > 1)]",
        "$.long $.long $.long",
        "$.list.concat($.long, $.long)",
    ] {
        let (budget, data) = (budget.clone(), data.clone());
        let held = most_held(move || {
            let expression = compile(Language::JsonPath, path).unwrap();
            drop(expression.eval(&data, &Scope::bare(&budget)));
        });
        assert!(held < most, "{path}: {held}");
    }
    let held = most_held(move || {
        let place = compile(Language::Jq, ".list").unwrap();
        for rules in [MergeRules::SonataFlow, MergeRules::Specification] {
            drop(merge(data.clone(), data.clone(), rules));
            drop(assign(data.clone(), &place, data.clone(), &Scope::bare(&budget), rules));
        }
    });
    assert!(held < most, "merging: {held}");
}
