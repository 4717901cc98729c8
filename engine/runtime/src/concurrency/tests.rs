use std::{collections::BTreeMap, sync::Arc};

use rondo_definition::{Environment, Properties};
use rondo_expression::Val;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Concurrency, LONGEST_KEY, matches};

/// Reads groups for some workflows. Returns them with the problems, each on one line.
fn read(text: &str) -> (Concurrency, String) {
    let workflows = ["provision-openstack", "provision-simulation", "deprovision-openstack", "orders.intake"]
        .map(Arc::from);
    let (properties, _) = Properties::parse("application.properties", text, Environment::new());
    let (concurrency, problems) = Concurrency::read(&properties, &workflows);
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    (concurrency, lines.join("\n"))
}

/// Workflows and limit of each group.
fn described(concurrency: &Concurrency) -> BTreeMap<&str, (Vec<&str>, u32)> {
    let groups = concurrency.groups.iter().map(|group| {
        let of_it = concurrency.by_workflow.iter().filter(|(_, other)| Arc::ptr_eq(other, group));
        let mut ids: Vec<&str> = of_it.map(|(workflow, _)| &**workflow).collect();
        ids.sort_unstable();
        (&*group.name, (ids, group.limit))
    });
    groups.collect()
}

#[test]
fn groups_have_the_workflows_that_their_patterns_name() {
    let (concurrency, problems) = read(
        "rondo.concurrency.tenants.workflows=provision-*\nrondo.concurrency.tenants.limit=5\n\
         rondo.concurrency.tenants.key=.request.pool\n\
         rondo.concurrency.a.b.workflows = *.intake , deprovision-openstack\nrondo.concurrency.a.b.limit=1\n",
    );
    assert_eq!(problems, "");
    let tenants = (vec!["provision-openstack", "provision-simulation"], 5);
    let others = (vec!["deprovision-openstack", "orders.intake"], 1);
    assert_eq!(described(&concurrency), BTreeMap::from([("tenants", tenants), ("a.b", others)]));
    let limits: Vec<_> = concurrency.limits().into_iter().map(|group| (group.name, group.limit)).collect();
    assert_eq!(limits, [("a.b".to_owned(), 1), ("tenants".to_owned(), 5)]);
    assert_eq!(concurrency.place_for("another", Uuid::nil(), &Val::Null), None);
}

#[test]
fn all_problems_of_groups_are_reported() {
    let (concurrency, problems) = read(
        "rondo.concurrency.a.workflows=provision-*\n\
         rondo.concurrency.b.limit=1\n\
         rondo.concurrency.c.workflows=provision-*\nrondo.concurrency.c.limit=1\nrondo.concurrency.c.key=.[\n\
         rondo.concurrency.d.workflows=provision-*,nowhere\nrondo.concurrency.d.limit=1\n\
         rondo.concurrency.e.workflows=provision-simulation\nrondo.concurrency.e.limit=1\n\
         rondo.concurrency.f.key=.x\n",
    );
    let expected = [
        "application.properties:1:31: error[RON0503]: concurrency group `a` has no limit: `rondo.concurrency.a.limit` is missing",
        "application.properties:2:27: error[RON0503]: concurrency group `b` has no workflows: `rondo.concurrency.b.workflows` is missing",
        "application.properties:5:25: error[RON0503]: `rondo.concurrency.c.key` is no valid jq expression: ",
        "application.properties:10:25: error[RON0503]: concurrency group `f` has no workflows: `rondo.concurrency.f.workflows` is missing",
        "application.properties:10:25: error[RON0503]: concurrency group `f` has no limit: `rondo.concurrency.f.limit` is missing",
        "application.properties:6:31: warning[RON0516]: `rondo.concurrency.d.workflows`: no workflow has an id like `nowhere`",
        "application.properties:8:31: error[RON0503]: `rondo.concurrency.e.workflows`: workflow `provision-simulation` is in the concurrency group `d` already, and can be in one only",
    ];
    let problems: Vec<_> = problems.lines().collect();
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, expected) in problems.iter().zip(expected) {
        assert!(problem.starts_with(expected), "{problem}\n{expected}");
    }
    assert_eq!(described(&concurrency).keys().copied().collect::<Vec<_>>(), ["d", "e"]);
}

#[test]
fn a_pattern_matches_whole_ids() {
    for (pattern, text, expected) in [
        ("a", "a", true),
        ("a", "ab", false),
        ("a*", "a", true),
        ("a*", "ba", false),
        ("*", "", true),
        ("*b", "aab", true),
        ("a*c*e", "abcde", true),
        ("a*c*e", "acbe", true),
        ("a*c*e", "abe", false),
        ("**", "ä", true),
        ("*ä", "üä", true),
        ("a.c", "abc", false),
    ] {
        assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
    }
}

fn key_of(expression: &str, data: Value) -> String {
    let (concurrency, problems) = read(&format!(
        "rondo.concurrency.a.workflows=orders.intake\nrondo.concurrency.a.limit=1\nrondo.concurrency.a.key={expression}\n"
    ));
    assert_eq!(problems, "");
    concurrency.place_for("orders.intake", Uuid::nil(), &data.into()).unwrap().key
}

#[test]
fn a_key_is_a_scalar_and_all_else_is_no_key() {
    let long = "x".repeat(LONGEST_KEY);
    for (expression, data, expected) in [
        (".a", json!({"a": "acme"}), "acme"),
        (".a", json!({"a": 5}), "5"),
        (".a", json!({"a": "5"}), "5"),
        (".a", json!({"a": false}), "false"),
        (".a", json!({"a": " "}), " "),
        (".a + \"/\" + .b", json!({"a": "x", "b": "y"}), "x/y"),
        (".a // \"others\"", json!({}), "others"),
        (".a", json!({"a": long}), &long),
        (".a", json!({"a": format!("{long}x")}), ""),
        (".a", json!({"a": ""}), ""),
        (".a", json!({"a": null}), ""),
        (".a", json!({}), ""),
        (".a", json!(null), ""),
        (".a", json!({"a": ["acme"]}), ""),
        (".a", json!({"a": {"b": 1}}), ""),
        (".a[]", json!({"a": ["x", "y"]}), ""),
        (".a[]", json!({"a": ["x"]}), "x"),
        ("empty", json!({}), ""),
        (".a.b", json!({"a": "text"}), ""),
        ("error(\"no\")", json!({}), ""),
        ("def f: f; f", json!({}), ""),
        ("[range(1000000000)]", json!({}), ""),
        ("", json!({"a": 1}), ""),
    ] {
        assert_eq!(key_of(expression, data.clone()), expected, "{expression} on {data}");
    }
}
