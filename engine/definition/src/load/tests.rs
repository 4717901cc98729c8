use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Limits, load};
use crate::{Pointer, Source};

fn value(text: &str) -> Value {
    load("a.yaml", text, Limits::WORKFLOW).unwrap_or_else(|problems| panic!("{problems:?}")).value
}

/// All diagnostics of a text as rendered for people, with snippets.
fn problems(path: &str, text: &str) -> String {
    let source = Source::unread(path, text);
    let diagnostics = match load(path, text, Limits::WORKFLOW) {
        Ok(loaded) => loaded.warnings,
        Err(diagnostics) => diagnostics,
    };
    diagnostics.iter().map(|diagnostic| diagnostic.render(Some(&source))).collect::<Vec<_>>().join("\n")
}

#[test]
fn yaml_and_json_are_values() {
    for (text, expected) in [
        ("a: 1\nb: [x, {c: ~}]", json!({"a": 1, "b": ["x", {"c": null}]})),
        (r#"{"a": "\u00fc\ud83d\ude00\/", "b":{"c":[]}}"#, json!({"a": "ü😀/", "b": {"c": []}})),
        ("{\n\t\"a\":\t1,\n\t\"b\":\t[\n\t\t2\n\t]\n}\n", json!({"a": 1, "b": [2]})),
        ("on: yes\nno: 'yes'", json!({"on": true, "no": "yes"})),
        ("1: x\ntrue: y", json!({"1": "x", "true": "y"})),
        ("", json!(null)),
        ("# only a comment\n", json!(null)),
        ("a: 1\n---\nb: 2\n", json!({"a": 1})),
        ("a: 1\n---\nb: ][\n", json!({"a": 1})),
        ("---\na: 1\n...\n", json!({"a": 1})),
        ("a: |\n  x\n  y", json!({"a": "x\ny"})),
        ("a: |\n  x\n  y\n", json!({"a": "x\ny\n"})),
        ("a: >-\n  x\n  y\n", json!({"a": "x y"})),
        ("a: &x [1]\nb: *x", json!({"a": [1], "b": [1]})),
        (
            "base: &b {x: 1, y: 2}\nc:\n  <<: *b\n  y: 3",
            json!({"base": {"x": 1, "y": 2}, "c": {"y": 3, "x": 1}}),
        ),
        ("a: {<<: [{x: 1}, {x: 2, y: 2}]}", json!({"a": {"x": 1, "y": 2}})),
        ("a: {\"<<\": 1}", json!({"a": {"<<": 1}})),
        ("a: !!str 1\nb: !!int '1'\nc: !mine {x: 1}", json!({"a": "1", "b": 1, "c": {"x": 1}})),
        ("a:\nb:", json!({"a": null, "b": null})),
        ("\u{feff}a: 1", json!({"a": 1})),
        ("a: 99999999999999999999", json!({"a": 1e20})),
    ] {
        assert_eq!(value(text), expected, "{text}");
    }
}

#[test]
fn a_tab_in_the_indentation_is_reported_at_its_place() {
    for (text, position) in
        [("a:\n- b: c\n\td: e\n", "3:1"), ("a:\n\t- b\n", "2:1"), ("a:\n  b:\n  \tc: 1\n", "3:3")]
    {
        let rendered = problems("a.yaml", text);
        assert!(rendered.starts_with(&format!("a.yaml:{position}: error[RON0002]")), "{text}: {rendered}");
        assert!(
            rendered.contains("tab")
                && rendered.ends_with("help: indent with spaces: YAML takes no tabs for it"),
            "{rendered}"
        );
    }
}

#[test]
fn syntax_errors_name_file_line_and_remedy() {
    insta::assert_snapshot!(problems("flow.sw.yaml", "states:\n- name: A\n  data: ${ {a: .b} }\n"), @r"
    flow.sw.yaml:3:14: error[RON0002]: not valid YAML, line 3 column 14: mapping values are not allowed in this context
      |
    3 |   data: ${ {a: .b} }
      |              ^
      help: `: ` begins a property here; quote the text if it belongs to one, as in '${ {a: .b} }', else check the indentation
    ");
    insta::assert_snapshot!(problems("flow.sw.yaml", "- name: A\n  type: operation\n    actions:\n  end: true\n"), @r"
    flow.sw.yaml:3:12: error[RON0002]: not valid YAML, line 3 column 12: mapping values are not allowed in this context
      |
    3 |     actions:
      |            ^
      help: `: ` begins a property here; quote the text if it belongs to one, as in '${ {a: .b} }', else check the indentation
    ");
    insta::assert_snapshot!(problems("flow.sw.json", "{\n  \"states\": [ { \"name\": \"A\" \"type\": \"inject\" } ]\n}\n"), @r#"
    flow.sw.json:2:29: error[RON0002]: not valid JSON, line 2 column 29: invalid trailing content after double-quoted scalar
      |
    2 |   "states": [ { "name": "A" "type": "inject" } ]
      |                             ^
    "#);
    insta::assert_snapshot!(problems("flow.sw.json", "{\"a\": [1, 2"), @r#"
    flow.sw.json:1:7: error[RON0002]: not valid JSON, line 1 column 7: unclosed bracket '['
      |
    1 | {"a": [1, 2
      |       ^
    "#);
    insta::assert_snapshot!(problems("flow.sw.yaml", "a: *nothing\n"), @r"
    flow.sw.yaml:1:4: error[RON0002]: not valid YAML, line 1 column 4: while parsing node, found unknown anchor
      |
    1 | a: *nothing
      |    ^
    ");
    insta::assert_snapshot!(problems("flow.sw.yaml", "a: &x\n  b: *x\n"), @r"
    flow.sw.yaml:2:6: error[RON0002]: not valid YAML, line 2 column 6: the alias stands inside of what it repeats
      |
    2 |   b: *x
      |      ^
    ");
    insta::assert_snapshot!(problems("flow.sw.yaml", "a:\n  <<: 1\n"), @r"
    flow.sw.yaml:2:3: error[RON0002]: not valid YAML, line 2 column 3: `<<` needs an object or a list of objects
      |
    2 |   <<: 1
      |   ^
    ");
    insta::assert_snapshot!(problems("flow.sw.yaml", "{a: 1}: b\n"), @r"
    flow.sw.yaml:1:1: error[RON0002]: not valid YAML, line 1 column 1: the name of a property must be text
      |
    1 | {a: 1}: b
      | ^
      help: quote text that holds `{` or `[`, such as expressions: '${ {a: .b} }'
    ");
}

#[test]
fn a_name_given_twice_is_an_error_at_both_places() {
    insta::assert_snapshot!(problems("a.yaml", "states:\n  - name: A\n    type: inject\n    name: B\nstates: []\n"), @r"
    a.yaml:4:5: error[RON0003]: `name` is given twice: here and at 2:5
      |
    4 |     name: B
      |     ^
    a.yaml:5:1: error[RON0003]: `states` is given twice: here and at 1:1
      |
    5 | states: []
      | ^
    ");
}

#[test]
fn a_scalar_that_readers_of_yaml_understand_differently_is_a_warning() {
    insta::assert_snapshot!(problems("a.yaml", "a: on\nb: 010\nc: 1_000\non: 1\n"), @r#"
    a.yaml:1:4: warning[RON0006]: unquoted `on` is read as the boolean true; other readers differ
      |
    1 | a: on
      |    ^
      help: write "on" if text is meant
    a.yaml:2:4: warning[RON0006]: unquoted `010` is read as a decimal number; other readers differ
      |
    2 | b: 010
      |    ^
      help: write "010" if text is meant
    a.yaml:3:4: warning[RON0006]: unquoted `1_000` is read as text; other readers differ
      |
    3 | c: 1_000
      |    ^
      help: write "1_000" if text is meant
    "#);
}

#[test]
fn aliases_that_multiply_and_depth_without_end_are_refused() {
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        let before = format!("*a{}", n - 1);
        writeln!(laughs, "a{n}: &a{n} [{}]", vec![before; 9].join(", ")).unwrap();
    }
    assert!(problems("a.yaml", &laughs).contains("more than 250000 values"));
    assert!(load("a.yaml", &"[".repeat(100_000), Limits::WORKFLOW).is_err());
    assert!(load("a.yaml", &"- ".repeat(100_000), Limits::WORKFLOW).is_err());
    assert!(load("a.json", &(r#"{"a":"#.repeat(100_000)), Limits::WORKFLOW).is_err());
}

#[test]
fn places_are_those_of_values_and_keys() {
    let text = "id: a\nstates:\n- name: 'It''s'\n  data:\n    x: \"\\\"y\\\" z\"\n    ü: {k: v}\n  run: |\n    .a\n      | .b\n  empty:\n  late: |\n\n\n    .c\n";
    let source = load("a.yaml", text, Limits::WORKFLOW).unwrap().source;
    let place = |pointer: &str| {
        let at = Pointer::from(pointer);
        format!("{} {}", source.key_position(&at), source.position(&at))
    };
    for (pointer, expected) in [
        ("", "1:1 1:1"),
        ("/id", "1:1 1:5"),
        ("/states", "2:1 3:3"),
        ("/states/0", "3:3 3:3"),
        ("/states/0/name", "3:3 3:9"),
        ("/states/0/data/x", "5:5 5:8"),
        ("/states/0/data/ü/k", "6:9 6:12"),
        ("/states/0/missing/deeper", "3:3 3:3"),
        ("/states/7", "2:1 3:3"),
    ] {
        assert_eq!(place(pointer), expected, "{pointer}");
    }
    for (pointer, offset, expected) in [
        ("/id", 0, "1:5"),
        ("/states/0/name", 3, "3:14"),
        ("/states/0/data/x", 4, "5:15"),
        ("/states/0/run", 1, "8:6"),
        ("/states/0/run", 7, "9:9"),
        ("/states/0/run", 99, "8:5"),
        ("/states/0/late", 3, "14:6"),
    ] {
        assert_eq!(
            source.position_within(&Pointer::from(pointer), offset).to_string(),
            expected,
            "{pointer}+{offset}"
        );
    }
    assert_eq!(source.raw(&Pointer::from("/states/0/name")), Some("'It''s'"));
    assert_eq!(source.raw(&Pointer::from("/states")), None);
}

/// Random documents that JSON can represent.
fn documents() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z]{1,8}".prop_map(|word| Value::from(format!("t{word}"))),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("k[a-z/~]{0,4}", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Checks that the text at each place begins like the JSON of the value there.
fn assert_places(source: &Source, at: &Pointer, value: &Value) {
    let position = source.position(at);
    let line = source.line_text(position.line).unwrap();
    let rest: String = line.chars().skip(position.column - 1).collect();
    let first = serde_json::to_string(value).unwrap().chars().next().unwrap();
    assert!(rest.starts_with(first), "{at}: `{rest}` is not the start of {value}");
    match value {
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(i, v)| assert_places(source, &at.index(i), v));
        }
        Value::Object(map) => map.iter().for_each(|(name, v)| {
            let key = source.key_position(&at.key(name));
            let line = source.line_text(key.line).unwrap();
            let rest: String = line.chars().skip(key.column - 1).collect();
            assert!(rest.starts_with(&format!("\"{name}\"")), "{rest}");
            assert_places(source, &at.key(name), v);
        }),
        _ => {}
    }
}

proptest! {
    #[test]
    fn json_is_read_as_written_and_every_pointer_leads_to_its_value(document in documents(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&document) } else { serde_json::to_string(&document) }.unwrap();
        let loaded = load("a.json", &text, Limits::WORKFLOW).unwrap();
        prop_assert_eq!(&loaded.value, &document);
        assert_places(&loaded.source, &Pointer::root(), &document);
    }

    #[test]
    fn any_text_is_a_document_or_diagnostics(text in "([a-c:{}\\[\\],&*!|>'\"?%#<~0 -]|\n|\n  ){0,60}|\\PC*") {
        for path in ["a.yaml", "a.json"] {
            match load(path, &text, Limits { values: 1000, depth: 20 }) {
                Ok(loaded) => { loaded.source.position(&Pointer::from("/a/0/b")); }
                Err(diagnostics) => prop_assert!(!diagnostics.is_empty()),
            }
        }
    }
}
