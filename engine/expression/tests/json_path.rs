//! What `JSONPath` gives for authors who come from SonataFlow.
//!
//! The expectations were seen on Jayway's json-path 2.9.0 as SonataFlow 10.1.0 uses it, unless a comment says otherwise.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use rondo_expression::{Budget, EvalError, Exceeded, Language, Scope, Template, Val, compile};
use serde_json::{Value, json};

const DATA: &str = r#"{"name":"Ada","a":1,"list":[3,1,2],"objs":[{"q":1,"t":"abc","l":[1,2]},{"q":2,"t":"abd","l":[]},{"t":"x","s":"","l":[1]}],"o":{"x":1,"y":2,"z":{"w":1}},"e":[],"n":null,"two":2,"mixed":["a",1,"b"],"nested":[[1,2],[3]],"m":[{"v":1},{"v":null},{}],"some-key":4,"big":2.5}"#;

/// Stands for a path that finds nothing, or cannot be compiled.
const FAILS: &str = "fails";

#[rustfmt::skip]
const ROWS: &[(&str, &str)] = &[
    ("$.name", r#""Ada""#),
    ("$['name']", r#""Ada""#),
    ("$[ 'some-key' ]", "4"),
    ("$.some-key", "4"),
    ("$.n", "null"),
    ("$.o['x']", "1"),
    ("$CONST.limit", "5"),
    // What is not there.
    ("$.nope", FAILS),
    ("$.o.nope", FAILS),
    ("$.n.x", FAILS),
    ("$.name.x", FAILS),
    ("$.objs.q", FAILS),
    ("$.name[0]", FAILS),
    ("$.objs[0].s", FAILS),
    ("$.list[9].x", FAILS),
    ("$.objs[*].nope", "[]"),
    ("$..nope", "[]"),
    ("$.m[*].v", "[1,null]"),
    // Indices, slices, unions.
    ("$.objs[0].t", r#""abc""#),
    ("$.list[-1]", "2"),
    ("$.list[9]", "null"),
    ("$.list[0,1]", "[3,1]"),
    ("$.list[ 0 , -1 ]", "[3,2]"),
    ("$.list[0,9]", "[3,null]"),
    ("$.objs[*].l[0]", "[1,null,1]"),
    ("$.list[1:]", "[1,2]"),
    ("$.list[:-1]", "[3,1]"),
    ("$.list[-1:]", "[2]"),
    ("$.list[2:1]", "[]"),
    ("$.list[0:9]", "[3,1,2]"),
    ("$.o['x','y']", r#"{"x":1,"y":2}"#),
    ("$.o['x','nope']", r#"{"x":1}"#),
    ("$['nope','nah']", "{}"),
    ("$['o','nope'].x", "[1]"),
    ("$.objs[*]['q','t']", r#"[{"q":1,"t":"abc"},{"q":2,"t":"abd"},{"t":"x"}]"#),
    ("$..['q','t']", r#"[{"q":1,"t":"abc"},{"q":2,"t":"abd"}]"#),
    // Everything, at any depth.
    ("$.o.*", r#"[1,2,{"w":1}]"#),
    ("$.list[*]", "[3,1,2]"),
    ("$..q", "[1,2]"),
    ("$..w", "[1]"),
    ("$..objs[0].q", "[1]"),
    ("$.list..x", "[]"),
    ("$..[0]", r#"[3,{"q":1,"t":"abc","l":[1,2]},1,null,1,null,"a",[1,2],1,3,{"v":1}]"#),
    // Functions.
    ("$.list.length()", "3"),
    ("$.list.size()", "3"),
    ("$.o.length()", "3"),
    ("$.e.length()", "0"),
    ("$.name.length()", FAILS),
    ("$.n.length()", FAILS),
    ("$.nope.length()", FAILS),
    ("$.length()", "13"),
    ("$.objs[*].length()", "[3,3,3]"),
    ("$.list[0:2].length()", "[null,null]"),
    ("$.list.min()", "1.0"),
    ("$.list.max()", "3.0"),
    ("$.list.sum()", "6.0"),
    ("$.list.avg()", "2.0"),
    ("$.list.stddev()", "0.8164965809277263"),
    ("$.mixed.sum()", "1.0"),
    ("$.nested[0].sum()", "3.0"),
    ("$..q.sum()", "3.0"),
    ("$.sum($.list)", "6.0"),
    ("$.sum($.a, $.two)", "3.0"),
    ("$.avg($.list,$.a)", "1.75"),
    ("$.max($.a,$.two,5)", "2.0"),
    ("$.e.min()", FAILS),
    ("$.name.min()", FAILS),
    ("$.list[*].sum()", FAILS),
    ("$.o.keys()", r#"["x","y","z"]"#),
    ("$.list.keys()", FAILS),
    ("$.list.first()", "3"),
    ("$.list.last()", "2"),
    ("$.e.first()", FAILS),
    ("$.list.index($.a)", "1"),
    ("$.list.index(-1)", "2"), // Jayway takes no literal.
    ("$.list.index(9)", FAILS),
    ("$.list.concat()", r#""""#),
    ("$.mixed.concat()", r#""ab""#),
    ("$.concat($.name,\"-\",$.name)", r#""Ada-Ada""#), // Jayway keeps the quotes of the literal.
    ("$.list.append(4)", "[3,1,2,4]"),
    ("$.list.append($.a, \"x\")", r#"[3,1,2,1,"x"]"#),
    ("$.list.append(9).length()", "4"),
    ("$.o.z.append(1)", r#"{"w":1}"#),
    ("$.list.count()", FAILS),
    // Filters.
    ("$.objs[?(@.q == 1)].t", r#"["abc"]"#),
    ("$.objs[?(@['q'] == $.two)].t", r#"["abd"]"#),
    ("$.objs[?(@.q == '1')].q", "[1]"),
    ("$.objs[?(@.q === '1')].q", "[]"),
    ("$.objs[?(@.q == 1.0)].q", "[1]"),
    ("$.objs[?(@.q != 1)].t", r#"["abd","x"]"#),
    ("$.objs[?(@.q !== 1)].q", "[2]"),
    ("$.objs[?(@.q < '2')].q", "[]"),
    ("$.objs[?(@.q >= 1 && @.t == 'abd')].q", "[2]"),
    ("$.objs[?(@.q == 1 || @.t == 'x')].t", r#"["abc","x"]"#),
    ("$.objs[?(@.q > 0.5 && (@.t == 'abd' || @.t == 'x'))].q", "[2]"),
    ("$.objs[?(@.q)].q", "[1,2]"),
    ("$.objs[?(!@.q)].t", r#"["x"]"#),
    ("$.objs[?(@.q > 0 && !(@.t == 'abd'))].q", "[1]"),
    ("$.m[?(@.v)]", r#"[{"v":1},{"v":null}]"#),
    ("$.m[?(@.v == null)]", r#"[{"v":null}]"#),
    ("$.m[?(@.v != null)]", r#"[{"v":1},{}]"#),
    ("$.objs[?(@.t < \"abd\")].t", r#"["abc"]"#),
    ("$.objs[?(@.l == [1,2])].q", "[1]"),
    ("$.o[?(@ == {\"w\": 1})]", "[]"),
    ("$.objs[?(@.t in ['abc', 'x'])].t", r#"["abc","x"]"#),
    ("$.objs[?(@.q IN [1, 5])].q", "[1]"),
    ("$.objs[?(@.q in $.list)].q", "[1,2]"),
    ("$.objs[?(@.nope in [1])].t", "[]"),
    ("$.objs[?(@.q nin [1, 5])].t", r#"["abd","x"]"#),
    ("$.objs[?(@.l subsetof [1, 2, 3])].t", r#"["abc","abd","x"]"#),
    ("$.objs[?(@.l anyof [2, 9])].t", r#"["abc"]"#),
    ("$.objs[?(@.l noneof [2, 9])].t", r#"["abd","x"]"#),
    ("$.objs[?(@.q noneof [2, 9])].t", "[]"),
    ("$.objs[?(@.l contains 2)].t", r#"["abc"]"#),
    ("$.objs[?(@.t contains 'b')].t", r#"["abc","abd"]"#),
    ("$.objs[?(@.l size 2)].t", r#"["abc"]"#),
    ("$.objs[?(@.t size 3 && @.q == 2)].q", "[2]"),
    ("$.objs[?(@.l empty true)].t", r#"["abd"]"#),
    ("$.objs[?(@.s empty true)].t", r#"["x"]"#),
    ("$.objs[?(@.l.length() > 1)].q", "[1]"),
    ("$.objs[?(@.t =~ /ab./)].q", "[1,2]"),
    ("$.objs[?(@.t =~ /AB./i)].q", "[1,2]"),
    ("$.objs[?(@.t =~ /b/)].q", "[]"),
    ("$.objs[?(@.q =~ /1/)].q", "[1]"),
    ("$.objs[?(@.t =~ 'abc')].q", "[]"),
    ("$.list[?(@ > 1)]", "[3,2]"),
    ("$.o[?(@.x == 1)].y", "[2]"),
    ("$.[?(@.name == 'Ada')].two", "[2]"),
    ("$.name[?(@ == 1)]", FAILS),
    // No paths.
    ("no path", FAILS),
    ("$.list[", FAILS),
    ("$.objs[?(@.q ==)]", FAILS),
    ("$.objs[?(!!@.q)]", FAILS),
    ("$['x", FAILS),
    // A text with paths in it, as messages have it.
    ("Hello $.name!", r#""Hello Ada!""#),
    ("$.name and $.o.x.", r#""Ada and 1.""#),
];

#[test]
fn paths_find_what_they_find_on_sonataflow() {
    let budget = Budget::default();
    let constants = Val::from(json!({"limit": 5}));
    let scope = Scope { constants: &constants, ..Scope::bare(&budget) };
    let data = Val::from_json(DATA.as_bytes()).unwrap();
    let mut wrong = Vec::new();
    for (text, expected) in ROWS {
        let value = compile(Language::JsonPath, text).ok().and_then(|path| path.eval(&data, &scope).ok());
        let given = value.map_or(FAILS.to_owned(), |value| value.to_json());
        if given != *expected {
            wrong.push(format!("{text} gives {given}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_text_in_arguments_is_a_path_or_what_it_says() {
    for (text, expected) in [
        ("$.name", json!("Ada")),
        ("${ $.name }", json!("Ada")),
        ("name", json!("Ada")),
        ("o.x", json!(1)),
        ("objs[1].q", json!(2)),
        ("list.length()", json!(3)),
        (".name", json!(".name")), // `["Ada"]` there, and `.env` is `[]`.
        ("nobody", json!("nobody")),
        ("a b", json!("a b")),
        ("$.nope", json!("$.nope")),
        ("${ $.nope }", json!("$.nope")),
        ("Hello $.name", json!("Hello $.name")),
        ("$.name and $.a", json!("$.name and $.a")),
        ("https://x/$.name/y", json!("https://x/$.name/y")),
        ("", json!("")),
        ("50%", json!("50%")),
        (r#"{"x":"$.name"}"#, json!({"x": "Ada"})),
        (r#"{"x": "$.name"}"#, json!(r#"{"x": "$.name"}"#)),
    ] {
        let template = Template::compile(Language::JsonPath, &json!({ "v": text }), &|_| None);
        let filled =
            template.eval(&Val::from_json(DATA.as_bytes()).unwrap(), &Scope::bare(&Budget::default()));
        assert_eq!(Value::from(filled), json!({ "v": expected }), "{text}");
    }
    let message = Template::compile(Language::JsonPath, &json!("Hello $.name, $.nope"), &|_| None);
    let filled = message.eval(&Val::from_json(DATA.as_bytes()).unwrap(), &Scope::bare(&Budget::default()));
    assert_eq!(filled.as_str(), Some("Hello Ada, null"));
}

#[test]
fn paths_stay_within_the_budget() {
    let data = Val::from(json!(vec![vec![1; 100]; 200]));
    let budget = Budget { steps: 100_000, ..Budget::default() };
    for text in ["$..[?(@..x)]", "$..[?($..x)]", "$..[?(@ in $..*)]"] {
        let ended = compile(Language::JsonPath, text).unwrap().eval(&data, &Scope::bare(&budget));
        assert!(
            matches!(ended, Err(EvalError::Budget { exceeded: Exceeded::Steps(_), .. })),
            "{text}: {ended:?}"
        );
    }
}
