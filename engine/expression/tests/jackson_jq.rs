//! What jq expressions give for authors who come from SonataFlow.
//!
//! The expectations were seen on jackson-jq 1.0.0-preview.20240207 as SonataFlow 10.1.0 uses it: jq 1.6, several outputs are
//! an array, none is null. Values are compared as JSON text: the order of members counts, and `1.0` is not `1`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use rondo_expression::{Budget, Language, Scope, Val, compile};
use serde_json::json;

const NOTHING: &str = "null";
const CONDITIONS: &str = r#"{"a":true,"b":false,"c":false,"n":1,"text":"x","o":{"p":1},"l":[{"n":1,"ok":true},{"n":2,"ok":false}]}"#;
const DATA: &str = r#"{"n":1,"s":"x","l":[1,2,3],"o":{"p":null}}"#;
const OBJECT: &str = r#"{"b":"x","a":1,"c":[{"d":1.5}]}"#;

/// Stands for an expression that cannot be compiled or evaluated.
const FAILS: &str = "fails";

/// The expression, the data, and the value as JSON.
#[rustfmt::skip]
const ROWS: &[(&str, &str, &str)] = &[
    // Conditions: `and` and `or` bind alike, from left to right.
    (".a or .b and .c", CONDITIONS, "false"),
    (".b and .c or .a", CONDITIONS, "true"),
    (".n == 1 or .n == 2 and .c", CONDITIONS, "false"),
    (".a or (.b and .c)", CONDITIONS, "true"),
    (r#"if .a or .b and .c then "yes" else "no" end"#, CONDITIONS, r#""no""#),
    (".l | map(select(.n == 1 or .n == 2 and .ok))", CONDITIONS, r#"[{"n":1,"ok":true}]"#),
    (".missing or .a", CONDITIONS, "true"),
    (".a | not", CONDITIONS, "false"),
    (r#".n > 0 and .text == "x""#, CONDITIONS, "true"),
    (".missing == null", CONDITIONS, "true"),
    (".missing > 1", CONDITIONS, "false"),
    (".missing < 1", CONDITIONS, "true"),
    (".text > 5", CONDITIONS, "true"),
    (r#"(.missing | has("a"))"#, CONDITIONS, "false"),
    (".l | has(0)", CONDITIONS, "true"),
    (r#".l | has("a")"#, CONDITIONS, FAILS),
    (r#".text | contains("x")"#, CONDITIONS, "true"),
    (r#".missing | contains("x")"#, CONDITIONS, FAILS),
    (".l | contains(1)", CONDITIONS, FAILS),
    ("[.n, 2] | contains([1])", CONDITIONS, "true"),
    (".a | contains(false)", CONDITIONS, FAILS),
    (r#".o | has("p")"#, CONDITIONS, "true"),
    (r#""p" | in({"p": 1})"#, CONDITIONS, "true"),
    // `try` reaches as far as the brackets.
    ("try (.n) != null and .n.q > 1", CONDITIONS, "null"),
    (r#"[try error("x"), 2]"#, CONDITIONS, "[]"),
    (r#"try error("x") // 1"#, CONDITIONS, "null"),
    (r#"(try error("x")) // 1"#, CONDITIONS, "1"),
    (r#"try error("x") catch ."#, CONDITIONS, r#""x""#),
    (r#"try error({"code": 7}) catch .code"#, CONDITIONS, "7"),
    ("[error(null), 1]", CONDITIONS, "[1]"),
    (".text.x", CONDITIONS, FAILS),
    (".text.x?", CONDITIONS, "null"),
    ("[.text[]?]", CONDITIONS, "[]"),
    ("try .text.x catch .", CONDITIONS, r#""Cannot index string with string \"x\"""#),
    ("try (.n / 0) catch .", CONDITIONS, r#""number (1) and number (0) cannot be divided because the divisor is zero""#),
    ("try (.text - 1) catch .", CONDITIONS, r#""string (\"x\") and number (1) cannot be subtracted""#),
    (r#"try ([{}] | join(",")) catch ."#, CONDITIONS, r#""string (\"\") and object ({}) cannot be added""#),
    ("try .missing[] catch .", CONDITIONS, r#""Cannot iterate over null (null)""#),
    (r#"try ("abcdefghijklmnop" + 1) catch ."#, CONDITIONS, r#""string (\"abcdefghij...) and number (1) cannot be added""#),
    // Numbers, and how they print.
    ("1.0", NOTHING, "1.0"),
    ("1.0 + 0", NOTHING, "1"),
    ("4 / 2", NOTHING, "2"),
    ("1 / 3", NOTHING, "0.3333333333333333"),
    ("10 % 4", NOTHING, "2"),
    ("-5 % 3", NOTHING, "-2"),
    ("5 % -3", NOTHING, "2"),
    ("5.9 % 2", NOTHING, "1"),
    ("1 / 0", NOTHING, FAILS),
    ("5 % 0", NOTHING, FAILS),
    ("1e3", NOTHING, "1000.0"),
    (".5", NOTHING, "0.5"),
    ("-(1.0)", NOTHING, "-1"),
    ("007", NOTHING, FAILS),
    ("9223372036854775808", NOTHING, FAILS),
    ("9223372036854775807", NOTHING, "9223372036854775807"),
    ("0.1 + 0.2", NOTHING, "0.30000000000000004"),
    ("3.7 | floor", NOTHING, "3.0"),
    ("(3.7 | floor) + 1", NOTHING, "4"),
    (r#""\(3.7 | floor)""#, NOTHING, r#""3.0""#),
    ("2.5 | round", NOTHING, "3.0"),
    ("4 | sqrt", NOTHING, "2.0"),
    ("1.0 | length", NOTHING, "1"),
    ("-2 | length", NOTHING, "2"),
    (r#""\(1.0) \(1e10) \(12345678.9) \(0.0001)""#, NOTHING, r#""1.0 1.0E10 1.23456789E7 1.0E-4""#),
    ("[1.0, 1e10, 12345678.9, 0.0001] | map(tostring)", NOTHING, r#"["1","10000000000","1.23456789e+7","1.0e-4"]"#),
    ("[1.0, 1e10, 12345678.9] | tojson", NOTHING, r#""[1,10000000000,1.23456789e+7]""#),
    (r#""\([1.0, 1e10])""#, NOTHING, r#""[1.0,1.0E10]""#),
    (r#"[1.0, 1e10, null, true] | join("|")"#, NOTHING, r#""1.0|1.0E10||true""#),
    ("[1.0, 1e10, null, true] | @csv", NOTHING, r#""1,10000000000,,true""#),
    (r#""1.0" | tonumber"#, NOTHING, "1"),
    (r#""1e3" | tonumber"#, NOTHING, "1000"),
    (r#"" 5 " | tonumber"#, NOTHING, "5"),
    (r#""x" | tonumber"#, NOTHING, FAILS),
    ("null | tonumber", NOTHING, FAILS),
    ("1 == 1.0", NOTHING, "true"),
    ("[1, 1.0] | unique", NOTHING, "[1]"),
    // Updates.
    (".a.b.c = 1", DATA, r#"{"n":1,"s":"x","l":[1,2,3],"o":{"p":null},"a":{"b":{"c":1}}}"#),
    (".n += 1", DATA, r#"{"n":2,"s":"x","l":[1,2,3],"o":{"p":null}}"#),
    (".s |= ascii_upcase", DATA, r#"{"n":1,"s":"X","l":[1,2,3],"o":{"p":null}}"#),
    (".l[1] = 9", DATA, r#"{"n":1,"s":"x","l":[1,9,3],"o":{"p":null}}"#),
    (".l[5] = 9", DATA, r#"{"n":1,"s":"x","l":[1,2,3,null,null,9],"o":{"p":null}}"#),
    (".l[-1] = 9", DATA, r#"{"n":1,"s":"x","l":[1,2,9],"o":{"p":null}}"#),
    (".l[-5] = 9", DATA, FAILS),
    (r#".l[1:] = ["x"]"#, DATA, r#"{"n":1,"s":"x","l":[1,"x"],"o":{"p":null}}"#),
    (".l[:2] |= map(. * 2)", DATA, r#"{"n":1,"s":"x","l":[2,4,3],"o":{"p":null}}"#),
    (".l[] += 1", DATA, r#"{"n":1,"s":"x","l":[2,3,4],"o":{"p":null}}"#),
    (".l[] |= empty", DATA, FAILS),
    (".n |= empty", DATA, FAILS),
    (".n |= (., 2)", DATA, r#"{"n":1,"s":"x","l":[1,2,3],"o":{"p":null}}"#),
    (".n = (1, 2)", DATA, r#"[{"n":1,"s":"x","l":[1,2,3],"o":{"p":null}},{"n":2,"s":"x","l":[1,2,3],"o":{"p":null}}]"#),
    (".missing //= 5", DATA, r#"{"n":1,"s":"x","l":[1,2,3],"o":{"p":null},"missing":5}"#),
    ("(.n, .s) = 1", DATA, r#"{"n":1,"s":1,"l":[1,2,3],"o":{"p":null}}"#),
    ("(.. | numbers) |= . + 1", DATA, r#"{"n":2,"s":"x","l":[2,3,4],"o":{"p":null}}"#),
    (r#"(getpath(["q", "w"])) = 1"#, DATA, r#"{"n":1,"s":"x","l":[1,2,3],"o":{"p":null},"q":{"w":1}}"#),
    (r#"setpath(["q", 1]; 2)"#, DATA, r#"{"n":1,"s":"x","l":[1,2,3],"o":{"p":null},"q":[null,2]}"#),
    (r#"setpath("q"; 2)"#, DATA, FAILS),
    ("to_entries | map(.key)", DATA, r#"["n","s","l","o"]"#),
    ("with_entries(.value |= tostring)", DATA, r#"{"n":"1","s":"x","l":"[1,2,3]","o":"{\"p\":null}"}"#),
    ("with_entries(select(.value != null))", DATA, r#"{"n":1,"s":"x","l":[1,2,3],"o":{"p":null}}"#),
    (r#"with_entries(.key |= "x_" + .)"#, DATA, r#"{"x_n":1,"x_s":"x","x_l":[1,2,3],"x_o":{"p":null}}"#),
    ("map_values(tostring)", DATA, r#"{"n":"1","s":"x","l":"[1,2,3]","o":"{\"p\":null}"}"#),
    ("map_values(empty)", DATA, FAILS),
    ("del(.n)", DATA, r#"{"s":"x","l":[1,2,3],"o":{"p":null}}"#),
    ("del(.missing.deeper)", DATA, r#"{"n":1,"s":"x","l":[1,2,3],"o":{"p":null}}"#),
    ("null | del(.a.b)", DATA, "null"),
    ("del(.l[0])", DATA, r#"{"n":1,"s":"x","l":[2,3],"o":{"p":null}}"#),
    ("del(.l[0, 2])", DATA, r#"{"n":1,"s":"x","l":[2],"o":{"p":null}}"#),
    ("del(.l[1:])", DATA, r#"{"n":1,"s":"x","l":[1],"o":{"p":null}}"#),
    ("del(.l[-1])", DATA, r#"{"n":1,"s":"x","l":[1,2],"o":{"p":null}}"#),
    ("del(.l[9])", DATA, r#"{"n":1,"s":"x","l":[1,2,3],"o":{"p":null}}"#),
    ("del(.l[] | select(. > 1))", DATA, r#"{"n":1,"s":"x","l":[1],"o":{"p":null}}"#),
    ("del(.n, .s)", DATA, r#"{"l":[1,2,3],"o":{"p":null}}"#),
    (r#"delpaths([["n"], ["l", 0]])"#, DATA, r#"{"s":"x","l":[2,3],"o":{"p":null}}"#),
    (r#"walk(if type == "number" then . + 1 else . end)"#, DATA, r#"{"l":[2,3,4],"n":2,"o":{"p":null},"s":"x"}"#),
    (r#"{"b": 1, "a": {"d": 1, "c": 2}} | walk(.)"#, DATA, r#"{"a":{"c":2,"d":1},"b":1}"#),
    (r#"{"b": 1, "a": 1} + {"a": 2, "c": 3}"#, DATA, r#"{"b":1,"a":2,"c":3}"#),
    (r#"{"a": {"b": 1}} * {"a": {"c": 2}}"#, DATA, r#"{"a":{"b":1,"c":2}}"#),
    // Paths.
    ("[paths]", DATA, r#"[["n"],["s"],["l"],["l",0],["l",1],["l",2],["o"]]"#),
    (r#"[paths(type == "number")]"#, DATA, r#"[["n"],["l",0],["l",1],["l",2]]"#),
    ("[leaf_paths]", DATA, r#"[["n"],["s"],["l",0],["l",1],["l",2]]"#),
    (r#"{"a": null} | [paths]"#, DATA, "[]"),
    ("path(.l[1:])", DATA, r#"["l",{"start":1,"end":null}]"#),
    ("[path(..)] | length", DATA, "9"),
    (r#"getpath(["l", 0])"#, DATA, "1"),
    (r#"getpath(["x", "y"])"#, DATA, "null"),
    ("getpath({})", DATA, FAILS),
    (".l[1.7]", DATA, "null"),
    (".l[null]", DATA, FAILS),
    (".missing[.nothing]", DATA, FAILS),
    (".l[-2:]", DATA, "[2,3]"),
    (".s[1:]", DATA, r#""""#),
    ("[recurse | nulls]", DATA, "[]"),
    ("[.. | nulls]", DATA, "[null]"),
    // Objects.
    ("{a, b}", OBJECT, r#"{"a":1,"b":"x"}"#),
    ("{(.b): 1}", OBJECT, r#"{"x":1}"#),
    (r#"{"x y": .a, "\(.b)": 2}"#, OBJECT, r#"{"x y":1,"x":2}"#),
    ("{a: .a + 1, b: .z // 2}", OBJECT, r#"{"a":2,"b":2}"#),
    ("{a: .a as $x | $x}", OBJECT, r#"{"a":1}"#),
    ("{a: .a == 1, b: (.a | tostring)}", OBJECT, r#"{"a":true,"b":"1"}"#),
    ("{$item}", OBJECT, r#"{"item":{"n":1}}"#),
    ("{a: (1, 2), b: 3}", OBJECT, r#"[{"a":1,"b":3},{"a":2,"b":3}]"#),
    ("{a: empty}", OBJECT, "null"),
    ("{(1): 2}", OBJECT, FAILS),
    ("keys", OBJECT, r#"["a","b","c"]"#),
    ("keys_unsorted", OBJECT, r#"["b","a","c"]"#),
    ("to_entries", OBJECT, r#"[{"key":"b","value":"x"},{"key":"a","value":1},{"key":"c","value":[{"d":1.5}]}]"#),
    (r#"[{"key": "x", "value": 1}, {"name": "y"}] | from_entries"#, OBJECT, r#"{"x":1,"y":null}"#),
    (r#"[{"k": "x", "v": 1}] | from_entries"#, OBJECT, FAILS),
    (r#"[{"key": 1}] | from_entries"#, OBJECT, FAILS),
    (r#"["a"] | from_entries"#, OBJECT, FAILS),
    (r#"{"a": 1}["a"]"#, OBJECT, "1"),
    (r#"."b""#, OBJECT, r#""x""#),
    (r#".["b"]"#, OBJECT, r#""x""#),
    (".c[0] as $x | $x", OBJECT, r#"{"d":1.5}"#),
    (". as {$a, b: $q} | [$a, $q]", OBJECT, r#"[1,"x"]"#),
    ("tojson", OBJECT, r#""{\"b\":\"x\",\"a\":1,\"c\":[{\"d\":1.5}]}""#),
    (r#"@json "v=\(.c)""#, OBJECT, r#""v=[{\"d\":1.5}]""#),
    // Arrays.
    ("[3, 1, 2] | sort", OBJECT, "[1,2,3]"),
    (r#"[{"a": 2, "b": 1}, {"a": 1, "b": 2}] | sort_by(.a)"#, OBJECT, r#"[{"a":1,"b":2},{"a":2,"b":1}]"#),
    (r#"[{"a": 2}, {"a": 1}, {"a": 2}] | group_by(.a)"#, OBJECT, r#"[[{"a":1}],[{"a":2},{"a":2}]]"#),
    ("[] | min_by(.a)", OBJECT, "null"),
    ("[[1, [2]], 3] | flatten", OBJECT, "[1,2,3]"),
    ("[[1, [2]], 3] | flatten(1)", OBJECT, "[1,[2],3]"),
    ("null | reverse", OBJECT, "[]"),
    (r#""abc" | reverse"#, OBJECT, FAILS),
    ("[] | add", OBJECT, "null"),
    ("null | add", OBJECT, FAILS),
    ("[1, 2, 3] | [limit(2; .[])]", OBJECT, "[1,2]"),
    ("[1, 2, 3] | [limit(-1; .[])]", OBJECT, "[1,2,3]"),
    ("[last(empty)]", OBJECT, "[null]"),
    ("[nth(9; 1, 2)]", OBJECT, "[2]"),
    ("[range(0; 10; 4)]", OBJECT, "[0,4,8]"),
    ("[range(0; 1; 0)]", OBJECT, "[]"),
    ("[foreach (1, 2) as $x (0; . + $x)]", OBJECT, "[1,3]"),
    ("reduce (1, 2) as $x (0; . + $x)", OBJECT, "3"),
    (r#"null | join(",")"#, OBJECT, FAILS),
    (r#"["a", null, 1] | join("-")"#, OBJECT, r#""a--1""#),
    (r#"{"a": "x", "b": "y"} | join(",")"#, OBJECT, r#""x,y""#),
    ("[] | indices([])", OBJECT, "[]"),
    // Texts and formats.
    (r#""a,b" / ",""#, OBJECT, r#"["a","b"]"#),
    (r#""" | split(",")"#, OBJECT, "[]"),
    (r#""a1b22c" | split("[0-9]+"; null)"#, OBJECT, r#"["a","b","c"]"#),
    (r#""x" * 0"#, OBJECT, "null"),
    (r#""x" * 3"#, OBJECT, r#""xxx""#),
    (r#"null | test("x")"#, OBJECT, FAILS),
    (r#""FOO" | test("foo"; "i")"#, OBJECT, "true"),
    (r#""FOO" | test(["foo", "i"])"#, OBJECT, "true"),
    (r#""foobar" | test("foo(?=bar)")"#, OBJECT, "true"),
    (r#""Ünï" | test("^\\w+$")"#, OBJECT, "true"),
    (r#""a\nb" | test("a.b"; "m")"#, OBJECT, "true"),
    (r#""x" | test("[")"#, OBJECT, FAILS),
    (r#""xyz" | capture("(?<a>[a-z]+)(-(?<n>[0-9]+))?")"#, OBJECT, r#"{"a":"xyz","n":null}"#),
    (r#""foo" | match("(z)?o")"#, OBJECT, r#"{"offset":1,"length":1,"string":"o","captures":[{"offset":-1,"length":0,"string":null,"name":null}]}"#),
    (r#""foo" | [match("x")]"#, OBJECT, "[]"),
    (r#""a1b2" | [scan("([a-z])([0-9])")]"#, OBJECT, r#"[["a","1"],["b","2"]]"#),
    (r#""a b  c" | gsub("\\s+"; "_")"#, OBJECT, r#""a_b_c""#),
    (r#""abc" | sub("(?<l>b)"; "[\(.l)]")"#, OBJECT, r#""a[b]c""#),
    (r#""abc" | sub("b"; 1)"#, OBJECT, r#""a1c""#),
    (r#""ü ?&=/~!*'()" | @uri"#, OBJECT, r#""%C3%BC%20%3F%26%3D%2F~!*'()""#),
    (r#""w7x4Cg" | @base64d"#, OBJECT, r#""üx\n""#),
    (r#""***" | @base64d"#, OBJECT, FAILS),
    ("{} | @csv", OBJECT, FAILS),
    (r#"["a\"b", 1, null, true] | @csv"#, OBJECT, r#""\"a\"\"b\",1,,true""#),
    (r#"["a\tb", 1.0] | @tsv"#, OBJECT, r#""a\\tb\t1""#),
    (r#"["it's", 1.0] | @sh"#, OBJECT, r#""'it'\\''s' 1""#),
    (r#""<&'\">" | @html"#, OBJECT, r#""&lt;&amp;&apos;&quot;&gt;""#),
    (r#""a%20b+c" | uridecode"#, OBJECT, r#""a b c""#),
    ("timestamp | type", OBJECT, r#""number""#),
    ("1, 2", OBJECT, "[1,2]"),
    ("empty", OBJECT, "null"),
    ("if .a then 1 elif .b then 2 else 3 end", OBJECT, "1"),
    ("$WORKFLOW.id", OBJECT, r#""w1""#),
    ("$CONST.o.p[0]", OBJECT, "1"),
    ("$CONST.nope", OBJECT, "null"),
    (".a as $x | $y", OBJECT, FAILS),
    ("no_such_function", OBJECT, FAILS),
];

#[test]
fn expressions_give_what_they_give_on_sonataflow() {
    let budget = Budget::default();
    let workflow = Val::from(json!({"id": "w1"}));
    let constants = Val::from(json!({"k": 5, "o": {"p": [1, 2]}}));
    let variables = [(Arc::from("item"), Val::from(json!({"n": 1})))];
    let scope =
        Scope { workflow: &workflow, constants: &constants, variables: &variables, ..Scope::bare(&budget) };
    let mut wrong = Vec::new();
    for (text, data, expected) in ROWS {
        let data = Val::from_json(data.as_bytes()).unwrap();
        let value = compile(Language::Jq, text).ok().and_then(|jq| jq.eval(&data, &scope).ok());
        let given = value.map_or(FAILS.to_owned(), |value| value.to_json());
        let expected = match *expected {
            FAILS => FAILS.to_owned(),
            json => Val::from_json(json.as_bytes()).unwrap().to_json(),
        };
        if given != expected {
            wrong.push(format!("{text} gives {given}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
