//! The deepest values that there can be are printed, compared, merged and dropped on a small stack.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use rondo_expression::{Budget, Language, MergeRules, Scope, Val, assign, compile, merge};
use serde_json::Value;

/// What reading and evaluations allow, put at the end of the longest path of an assignment.
fn deepest(inner: &str) -> Val {
    let budget = Budget::default();
    let text = format!("{}{inner}{}", "[{\"a\":".repeat(Val::DEEPEST / 2), "}]".repeat(Val::DEEPEST / 2));
    let value = Val::from_json(text.as_bytes()).unwrap();
    assert_eq!(value.size().depth, Val::DEEPEST);
    let place = compile(Language::Jq, &".a".repeat(budget.depth)).unwrap();
    let data = Val::object::<&str>([]);
    let deep = assign(data, &place, value, &Scope::bare(&budget), MergeRules::default()).unwrap();
    assert_eq!(deep.size().depth, Val::DEEPEST + budget.depth);
    deep
}

#[test]
fn the_deepest_values_need_little_stack() {
    let work = || {
        let (one, other) = (deepest("1"), deepest("2"));
        assert!(one < other && one != other && one == deepest("1.0"));
        assert!(one.to_json().len() > 1000 && format!("{one} {one:?}").len() > 2000);
        assert_eq!(one.clone().without_null_elements(), one);
        assert_eq!(Val::from(Value::from(one.clone())), one);
        for rules in [MergeRules::SonataFlow, MergeRules::Specification] {
            let lists = |value: &Val| Val::array([value.clone(), Val::Null]);
            drop(merge(one.clone(), other.clone(), rules));
            // The elements are hashed.
            drop(merge(lists(&one), lists(&other), rules));
        }
        // An evaluation may read such data, though it may not make them.
        let budget = Budget::default();
        for program in [
            ". == .",
            "tojson | length",
            "[..] | length",
            "[.] | sort | length",
            "walk(.)",
            ". * .",
            "path(..)",
            "tostream",
            "del(..a?)",
        ] {
            let Ok(expression) = compile(Language::Jq, program) else { continue };
            drop(expression.eval(&one, &Scope::bare(&budget)));
        }
    };
    // An evaluation takes up to 1 MiB by itself.
    std::thread::Builder::new().stack_size(2 << 20).spawn(work).unwrap().join().unwrap();
}
