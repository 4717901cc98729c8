//! Which values make a condition hold.
//!
//! The rows were seen on SonataFlow 10.1.0, which leaves the answer to Jackson: of numbers only whole ones count. There a path
//! that finds null or an empty text fails too.

use rondo_expression::{Budget, Language, Scope, compile};
use serde_json::json;

#[test]
fn conditions_hold_as_users_of_sonataflow_know_it() {
    const FAILS: Option<bool> = None;
    let budget = Budget::default();
    for (value, in_jq, in_json_path) in [
        (json!(true), true, Some(true)),
        (json!(false), false, Some(false)),
        (json!(null), false, Some(false)),
        (json!(0), false, Some(false)),
        (json!(1), true, Some(true)),
        (json!(-2), true, Some(true)),
        (json!(12_345_678_901_234_567_890_u64), true, Some(true)),
        (json!(0.5), false, FAILS),
        (json!(1.0), false, FAILS),
        (json!(1.5), false, FAILS),
        (json!("true"), true, Some(true)),
        (json!(" true\n"), true, Some(true)),
        (json!("True"), false, Some(true)),
        (json!("false"), false, Some(false)),
        (json!(""), false, Some(false)),
        (json!("yes"), false, FAILS),
        (json!("1"), false, FAILS),
        (json!([]), false, Some(false)),
        (json!([0]), false, Some(true)),
        (json!({}), false, FAILS),
        (json!({"a": 1}), false, FAILS),
    ] {
        let data = json!({ "v": value }).into();
        let holds =
            |language, text| compile(language, text).unwrap().eval_bool(&data, &Scope::bare(&budget)).ok();
        assert_eq!(holds(Language::Jq, ".v"), Some(in_jq), "{value}");
        assert_eq!(holds(Language::JsonPath, "$.v"), in_json_path, "{value}");
    }
    let holds = |text| {
        compile(Language::Jq, text).unwrap().eval_bool(&json!({"v": "four"}).into(), &Scope::bare(&budget))
    };
    for (text, expected) in [
        (".v | length", true),
        (".v | length - 4", false),
        ("4 / 2", true),
        ("2.5 | floor", false),
        ("true, true", false),
    ] {
        assert_eq!(holds(text), Ok(expected), "{text}");
    }
}
