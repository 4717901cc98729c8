//! What a text in an argument means: an expression, text with `\\( )`, or text as it stands.
//!
//! The rows were recorded on SonataFlow 10.1.0; drop-in means that each text means here what it means there.

use std::sync::Arc;

use rondo_expression::{Budget, Language, Scope, Template, Val};
use serde_json::{Value, json};

const DATA: &str = r#"{"a": 3, "b": "two", "c": {"d": 4, "e": "five", "f": [1, 2, 3]}, "list": [3, 1, 2], "name": "Ada", "size": "large", "item": null, "who": {"first": "Ann", "last": "Lee"}}"#;

/// The text, and the value that it gives, as JSON.
const ROWS: &[(&str, &str)] = &[
    ("a", r#""a""#),
    ("hello", r#""hello""#),
    (".a", r"3"),
    ("${ .a }", r"3"),
    ("${.b}", r#""two""#),
    ("Hello ${ .name }", r#""Hello ${ .name }""#),
    ("a.b", r#""a.b""#),
    ("x.y.z", r#""x.y.z""#),
    ("$.a", r#""$.a""#),
    ("true", r"true"),
    (
        ".",
        r#"{"a": 3, "b": "two", "item": null, "c": {"d": 4, "e": "five", "f": [1, 2, 3]}, "size": "large", "name": "Ada", "list": [3, 1, 2], "who": {"last": "Lee", "first": "Ann"}}"#,
    ),
    ("a + b", r#""a + b""#),
    ("1 + 1", r"2"),
    ("[.a]", r"[3]"),
    (".hidden", r"null"),
    ("a and b", r#""a and b""#),
    ("{{ .a }}", r"3"),
    ("${ .list[0] }", r"3"),
    ("$WORKFLOW.id", r#""texts01""#),
    ("${ $WORKFLOW.id }", r#""texts01""#),
    ("# no", r##""# no""##),
    ("${ .nope }", r"null"),
    (r"say \(.name)", r#""say Ada""#),
    ("a: b", r#""a: b""#),
    ("null.x", r"null"),
    ("50%", r#""50%""#),
    ("a|b", r#""a|b""#),
    (".a|tostring", r#""3""#),
    ("type", r#""object""#),
    ("add", r#""add""#),
    (".c.f[]", r"[1, 2, 3]"),
    ("Hello .name", r#""Hello .name""#),
    ("${.a}${.b}", r#"".a}${.b""#),
    ("${ $CONST.k }", r"5"),
    (".list[]", r"[3, 1, 2]"),
    (r#".c["d"]"#, r"4"),
    (r#"."name""#, r#""Ada""#),
    (".name.", r#"".name.""#),
    ("name.", r#""name.""#),
    (".a?", r"3"),
    (".a // 1", r"3"),
    ("[]", r"[]"),
    ("{}", r"{}"),
    ("[1,2]", r"[1, 2]"),
    (r#"{"x":1}"#, r#"{"x": 1}"#),
    (r#"{"x": .a}"#, r#"{"x": 3}"#),
    (r#""\(.a)""#, r#""3""#),
    ("-1", r"-1"),
    ("1.5", r"1.5"),
    ("+1", r#""+1""#),
    ("0x10", r#""0x10""#),
    ("True", r#""True""#),
    ("12:30", r#""12:30""#),
    ("a@b.c", r#""a@b.c""#),
    ("user@example.org", r#""user@example.org""#),
    ("a,b", r#""a,b""#),
    ("a.b.c/d", r#""a.b.c/d""#),
    ("/path/.x", r#""/path/.x""#),
    ("https://x.y/z?q=.a", r#""https://x.y/z?q=.a""#),
    ("*", r#""*""#),
    ("?", r#""?""#),
    ("if", r#""if""#),
    ("def f: 1; f", r"1"),
    ("not", r"false"),
    (".name|length", r"3"),
    (
        "select(.a>1)",
        r#"{"a": 3, "b": "two", "item": null, "c": {"d": 4, "e": "five", "f": [1, 2, 3]}, "size": "large", "name": "Ada", "list": [3, 1, 2], "who": {"last": "Lee", "first": "Ann"}}"#,
    ),
    ("$__loc__", r#""$__loc__""#),
    ("error", r#""error""#),
    (
        r#"ltrimstr("x")"#,
        r#"{"a": 3, "b": "two", "item": null, "c": {"d": 4, "e": "five", "f": [1, 2, 3]}, "size": "large", "name": "Ada", "list": [3, 1, 2], "who": {"last": "Lee", "first": "Ann"}}"#,
    ),
    (r"\(.a)", r#""3""#),
    (r"x\(.a)y", r#""x3y""#),
    ("${ .a", r"3"),
    ("}", r#""}""#),
    (" .a ", r"3"),
    (" ${ .a } ", r"3"),
    (".a\n", r"3"),
    (".a # comment", r"3"),
    ("# .a", r##""# .a""##),
    ("ünï", r#""ünï""#),
    (".aaa", r"null"),
    ("Split", r#""Split""#),
    ("split", r#""split""#),
    ("a-b", r#""a-b""#),
    (".a-1", r"2"),
    (".a - 1", r"2"),
    ("approve", r#""approve""#),
    ("denied", r#""denied""#),
    ("approved,denied", r#""approved,denied""#),
    (
        "values",
        r#"{"a": 3, "b": "two", "item": null, "c": {"d": 4, "e": "five", "f": [1, 2, 3]}, "size": "large", "name": "Ada", "list": [3, 1, 2], "who": {"last": "Lee", "first": "Ann"}}"#,
    ),
    ("values.x", r"null"),
    ("test", r#""test""#),
    ("error.message", r#""error.message""#),
    ("min", r#""min""#),
    ("max", r#""max""#),
    ("any", r"true"),
    ("range", r#""range""#),
    ("floor", r#""floor""#),
    ("del", r#""del""#),
    ("nth", r#""nth""#),
    ("input_line_number", r#""input_line_number""#),
    ("infinite", r#""infinite""#),
    ("nan", r#""nan""#),
    ("isnan", r#""isnan""#),
    ("group", r#""group""#),
    ("unique", r#""unique""#),
    ("reverse", r#""reverse""#),
    ("contains", r#""contains""#),
    ("inside", r#""inside""#),
    ("walk", r#""walk""#),
    ("transpose", r#""transpose""#),
    ("fromjson", r#""fromjson""#),
    ("getpath", r#""getpath""#),
    ("join", r#""join""#),
    ("min_by", r#""min_by""#),
    (
        "iterables",
        r#"{"a": 3, "b": "two", "item": null, "c": {"d": 4, "e": "five", "f": [1, 2, 3]}, "size": "large", "name": "Ada", "list": [3, 1, 2], "who": {"last": "Lee", "first": "Ann"}}"#,
    ),
    ("007", r#""007""#),
    ("12345678901234567890", r#""12345678901234567890""#),
    ("debug", r#""debug""#),
    ("env", r#""env""#),
    ("booleans", r"null"),
    ("scalars", r"null"),
    ("arrays", r"null"),
];

#[test]
fn a_text_means_what_it_means_to_users_of_sonataflow() {
    let data: Value = serde_json::from_str(DATA).unwrap();
    let budget = Budget::default();
    let constants = Val::from(json!({"k": 5}));
    let workflow = Val::from(json!({"id": "texts01"}));
    let variables: [(Arc<str>, Val); 0] = [];
    let scope =
        Scope { workflow: &workflow, constants: &constants, variables: &variables, ..Scope::bare(&budget) };
    let mut wrong = Vec::new();
    for (text, expected) in ROWS {
        let template = Template::compile(Language::Jq, &Value::String((*text).to_owned()), &|_| None);
        let meant = Value::from(template.eval(&data.clone().into(), &scope));
        let expected: Value = serde_json::from_str(expected).unwrap();
        if meant != expected {
            wrong.push(format!("{text:?} means {meant}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_text_that_is_an_objects_json_is_that_object() {
    for (tree, expected) in [
        (json!({"x": r#"{"title": "${ .a }"}"#}), json!({"x": {"title": 3}})),
        (json!({"x": r#" {"y": ".a", "z": "plain"} "#}), json!({"x": {"y": 3, "z": "plain"}})),
        (json!({"x": r#"{"y": {"z": [".a", " b "]}}"#}), json!({"x": {"y": {"z": [3, " b "]}}})),
        (json!([{"x": [r#"{"y": ".a"}"#]}]), json!([{"x": [{"y": 3}]}])),
        (json!({"x": r#"{"y": 1.5, "n": null}"#}), json!({"x": {"y": 1.5, "n": null}})),
        (json!({"x": r#"${ {"y": ".a"} }"#}), json!({"x": {"y": 3}})),
        (
            json!({"x": r#"{"y": "${ bad here }", "z": "${ .a.b }"}"#}),
            json!({"x": {"y": "${ bad here }", "z": "${ .a.b }"}}),
        ),
        // A number that is none in jq makes the text no expression.
        (json!({"x": r#"{"y": 12345678901234567890}"#}), json!({"x": r#"{"y": 12345678901234567890}"#})),
        (
            json!({"x": [r#"{"y": 12345678901234567890}"#]}),
            json!({"x": [{"y": 12_345_678_901_234_567_890_u64}]}),
        ),
        // Not what only looks like it, and nothing within it again.
        (json!({"x": r#"[".a"]"#}), json!({"x": [".a"]})),
        (json!({"x": r#"{x: ".a"}"#}), json!({"x": {"x": ".a"}})),
        (json!({"x": r#"{"y": ".a"} + {"z": .a}"#}), json!({"x": {"y": ".a", "z": 3}})),
        (json!({"x": r#"{"y": "{\"z\": \".a\"}"}"#}), json!({"x": {"y": {"z": ".a"}}})),
        (json!({"x": ".json"}), json!({"x": r#"{"z": ".a"}"#})),
        (json!(r#"{"y": ".a"}"#), json!({"y": ".a"})),
    ] {
        let data = json!({"a": 3, "json": r#"{"z": ".a"}"#});
        let template = Template::compile(Language::Jq, &tree, &|_| None);
        let filled = template.eval(&data.into(), &Scope::bare(&Budget::default()));
        assert_eq!(Value::from(filled), expected, "{tree}");
    }
}

#[test]
fn json_that_is_nested_too_deeply_is_no_object() {
    for (levels, is_object) in [(Val::DEEPEST, true), (Val::DEEPEST + 1, false), (100_000, false)] {
        let text = format!("{}1{}", "{\"x\":".repeat(levels), "}".repeat(levels));
        let template = Template::compile(Language::Jq, &json!([text]), &|_| None);
        let filled = template.eval(&Val::Null, &Scope::bare(&Budget::default()));
        assert_eq!(filled.elements().iter().all(Val::is_object), is_object, "{levels}");
    }
}

#[test]
fn text_loses_the_blanks_around_it() {
    for (tree, expected) in [
        (json!({"x": " lead"}), json!({"x": "lead"})),
        (json!({"x": "line 1\nline 2\n"}), json!({"x": "line 1\nline 2"})),
        (json!([" a b ", {"x": "\t# no\r\n"}]), json!(["a b", {"x": "# no"}])),
        (json!({" x ": "\u{a0}kept\u{a0}"}), json!({" x ": "\u{a0}kept\u{a0}"})),
        (json!({"x": r#"" kept ""#}), json!({"x": " kept "})),
        (json!({"x": " "}), json!({"x": ""})),
    ] {
        let template = Template::compile(Language::Jq, &tree, &|_| None);
        let filled = template.eval(&Val::Null, &Scope::bare(&Budget::default()));
        assert_eq!(Value::from(filled), expected, "{tree}");
    }
}

/// With the specification's rules, only `${ … }` is an expression. Within a longer text it is replaced, if it reads something.
#[test]
fn by_the_specification_only_marked_texts_are_expressions() {
    let data = Val::from(serde_json::from_str::<Value>(DATA).unwrap());
    let budget = Budget::default();
    for (text, expected) in [
        ("Hello ${ .name }!", "Hello Ada!"),
        ("${ .a } and ${ .c.f }", "3 and [1,2,3]"),
        ("${ .nope } is nothing", "null is nothing"),
        ("costs $5 or ${5}", "costs $5 or ${5}"),
        ("export PATH=${HOME}/bin", "export PATH=${HOME}/bin"),
        ("a brace in a text: ${ .name + \"}\" }", "a brace in a text: Ada}"),
        ("never closed ${ .name", "never closed ${ .name"),
        ("it fails: ${ .name | tonumber }", "it fails: ${ .name | tonumber }"),
        (" ${ .name } ", "Ada"),
        ("${ .name }${ .a }", "Ada3"),
        (".name", ".name"),
        ("(.a | tostring)", "(.a | tostring)"),
        ("{\"a\": 1}", "{\"a\": 1}"),
        (" as it stands ", " as it stands "),
    ] {
        let template = Template::compile_mixed(Language::Jq, &json!({ "v": text }), &|_| None);
        let values = template.eval(&data, &Scope::bare(&budget));
        assert_eq!(Value::from(values), json!({ "v": expected }), "{text}");
    }
}
