use super::*;
use serde_json::json;

#[test]
fn a_filter_becomes_a_tree() {
    let same = |one: Value, other: Value| assert_eq!(parse(&one), parse(&other), "{one} {other}");
    same(
        json!({"or": {"a": {"equal": 1}, "b": {"equal": 2}}}),
        json!({"or": [{"a": {"equal": 1}}, {"b": {"equal": 2}}]}),
    );
    same(
        json!({"or": [{"a": {"equal": 1}, "b": {"equal": 2}}]}),
        json!({"or": [{"a": {"equal": 1}}, {"b": {"equal": 2}}]}),
    );
    same(json!({"and": {"a": {"equal": 1}}}), json!({"a": {"equal": 1}}));
    same(json!({"a": {"in": []}}), json!({}));
    same(json!({"a": {"equal": null}, "b": {}, "and": []}), json!({}));
    same(json!(null), json!({}));
    same(
        json!({"error": {"message": {"like": "x*"}}}),
        json!({"and": [{"error": {"message": {"like": "x*"}}}]}),
    );
}

#[test]
fn filters_match_as_in_the_data_index() {
    let object = json!({
        "id": "greeting", "state": "ERROR", "end": null, "start": "2026-11-23T20:20:07.138Z", "tags": ["a", "b"],
        "variables": {"workflowdata": {"a": 1, "ok": true, "name": "Hello Ada"}, "owner": "user:default/ada"}
    });
    for (filter, holds) in [
        (json!({}), true),
        (json!({"id": {"equal": "greeting"}}), true),
        (json!({"id": {"in": ["x", "greeting"]}}), true),
        (json!({"id": {"like": "gr*ng"}}), true),
        (json!({"id": {"like": "Gr*"}}), false),
        (json!({"end": {"isNull": true}}), true),
        (json!({"end": {"equal": "x"}}), false),
        (
            json!({"start": {"between": {"from": "2026-11-23T22:20:07+02:00", "to": "2026-11-23T20:20:08Z"}}}),
            true,
        ),
        (json!({"start": {"lessThan": "2026-11-23T20:20:07.138Z"}}), false),
        (json!({"or": {"state": {}}}), false),
        (json!({"or": {"state": {}, "id": {"equal": "greeting"}}}), true),
        (json!({"or": {"id": {"equal": "x"}, "state": {"equal": "ERROR"}}}), true),
        (json!({"not": {"id": {"equal": "x"}, "state": {"equal": "ACTIVE"}}}), true),
        (json!({"not": {"id": {"equal": "x"}, "state": {"equal": "ERROR"}}}), false),
        (
            json!({"and": {"variables": {"owner": {"equal": "user:default/ada"}}, "state": {"equal": "ERROR"}}}),
            true,
        ),
        (
            json!({"and": {"variables": {"owner": {"equal": "user:default/bob"}}, "and": {"state": {"equal": "ERROR"}}}}),
            false,
        ),
        (json!({"variables": {"workflowdata": {"a": {"equal": "1"}}}}), true),
        (json!({"variables": {"workflowdata": {"a": {"equal": 1}}}}), true),
        (json!({"variables": {"workflowdata": {"ok": {"equal": "true"}}}}), true),
        (
            json!({"variables": {"workflowdata": {"name": {"like": "Hello*"}, "a": {"greaterThan": 1}}}}),
            false,
        ),
        (json!({"variables": {"nosuch": {"isNull": true}}}), true),
        (json!({"tags": {"containsAll": ["a", "b"]}}), true),
        (json!({"tags": {"containsAny": ["x", "b"]}}), true),
        (json!({"tags": {"contains": "x"}}), false),
    ] {
        assert_eq!(parse(&filter).unwrap().holds(&object), holds, "{filter}");
    }
}

#[test]
fn what_cannot_be_understood_is_refused_and_not_ignored() {
    for filter in [
        json!({"variables": {"owner": "user:default/ada"}}),
        json!({"variables": "x"}),
        json!({"variables": {"a": {"isNull": "yes"}}}),
        json!({"variables": {"a": {"like": 1}}}),
        json!({"start": {"between": {"from": "2026-11-23T22:20:07Z"}}}),
        json!([]),
    ] {
        assert!(parse(&filter).is_err(), "{filter}");
    }
}

#[test]
fn a_star_is_any_text() {
    for (pattern, text, matches) in [
        ("", "", true),
        ("a", "a", true),
        ("a", "ab", false),
        ("*", "", true),
        ("*", "abc", true),
        ("a*", "abc", true),
        ("*c", "abc", true),
        ("a*c", "abc", true),
        ("a*a", "a", false),
        ("*b*", "abc", true),
        ("a*b*c", "a-b-c", true),
        ("a*c*b", "a-b-c", false),
    ] {
        assert_eq!(like(pattern, text), matches, "{pattern} {text}");
    }
}

#[test]
fn a_filter_without_measure_is_refused() {
    let many = |count: usize, one: Value| Value::Array(vec![one; count]);
    let equal = json!({"id": {"equal": "a"}});
    for (filter, problem) in [
        (json!({"or": many(500, equal.clone())}), None),
        (json!({"or": many(501, equal.clone())}), Some("501 conditions")),
        (json!({"and": many(300, equal.clone()), "not": {"or": many(201, equal)}}), Some("501 conditions")),
        (json!({"id": {"in": many(10_000, json!("a"))}}), None),
        (json!({"id": {"in": many(10_001, json!("a"))}}), Some("10001 values")),
        (json!({"variables": {"a": {"in": many(500, json!("a"))}}}), None),
        (json!({"variables": {"a": {"in": many(501, json!("a"))}}}), Some("501 conditions")),
    ] {
        let told = parse(&filter).err();
        assert_eq!(told.is_some(), problem.is_some(), "{told:?}");
        assert!(told.unwrap_or_default().contains(problem.unwrap_or_default()), "{problem:?}");
    }
}
