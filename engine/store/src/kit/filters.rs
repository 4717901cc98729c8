//! Promises of filters: a table of what passes.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{id, insert, instance, passes};
use crate::{
    Condition::{
        self, Between, Contains, ContainsAll, ContainsAny, Equal, Greater, GreaterOrEqual, In, IsNull, Less,
        LessOrEqual, Like,
    },
    Field, Filter, Instance, Query, State, Store,
};

/// Three instances, and which of them each filter passes.
pub async fn a_filter_passes_what_it_says(store: &Arc<dyn Store>) {
    let rows = rows();
    insert(store, rows.clone()).await;
    for (filter, expected) in columns().into_iter().chain(json_values()).chain(joined()) {
        let found = store.query(Query { filter: filter.clone(), ..Query::default() }).await.unwrap();
        let found: Vec<u8> = found.iter().map(|row| row.id.as_bytes()[15]).collect();
        assert_eq!(found, expected, "{filter:?}");
        assert_eq!(store.count(filter.clone()).await, Ok(found.len() as u64), "{filter:?}");
        let meant = rows.iter().filter(|row| passes(&filter, row)).map(|row| row.id.as_bytes()[15]);
        assert_eq!(meant.collect::<Vec<u8>>(), expected, "the oracle for {filter:?}");
    }
}

fn rows() -> [Instance; 3] {
    let one = Instance {
        state: State::Completed,
        business_key: Some("order-1".to_owned()),
        ended_at: Some(5000),
        data: json!({
            "name": "Hello World", "n": 5, "yes": true, "nothing": null, "list": ["a", 1, true, null, [2]],
            "deep": {"a.b": "dotted", "q\"uote": 1, "back\\slash": 1, "[0]": 1, "": "empty", "ä": 1},
        })
        .to_string(),
        extra: Some(json!({"initiatorEntity": "user:default/x", "targetEntity": null}).to_string()),
        ..instance(1)
    };
    let two = Instance {
        state: State::Error,
        business_key: Some("Order*2".to_owned()),
        parent: Some(id(1)),
        root: Some(id(1)),
        root_workflow: Some("family".to_owned()),
        error: Some(r#"{"v":2,"state":"Ask","action":"call","message":"it is [gone]?"}"#.to_owned()),
        data: json!({"name": "hello", "n": "5", "yes": "true", "list": {"a": 1}, "deep": {"a": {"b": "nested"}}})
            .to_string(),
        ..instance(2)
    };
    let three = Instance { data: json!({"name": "100%_", "n": 5.5, "list": "a"}).to_string(), ..instance(3) };
    [one, two, three]
}

type Row = (Filter, Vec<u8>);

fn columns() -> Vec<Row> {
    let row = |field, condition, expected: &[u8]| (Filter::Compare { field, condition }, expected.to_vec());
    vec![
        row(Field::Id, Equal(json!(id(2).to_string())), &[2]),
        row(Field::Id, In(vec![json!(id(1).to_string()), json!("no id"), json!(id(3).to_string())]), &[1, 3]),
        row(Field::Id, Equal(json!("no id")), &[]),
        row(Field::Workflow, Equal(json!("approval")), &[1, 2, 3]),
        row(Field::Workflow, In(vec![json!("a"), json!("approval")]), &[1, 2, 3]),
        row(Field::Workflow, Equal(json!("Approval")), &[]),
        row(Field::Workflow, IsNull(true), &[]),
        row(Field::Name, Like("App*".to_owned()), &[1, 2, 3]),
        row(Field::Version, Equal(json!("1.0")), &[1, 2, 3]),
        row(Field::Version, Equal(json!(1.0)), &[]),
        row(Field::State, Equal(json!("ERROR")), &[2]),
        row(Field::State, In(vec![json!("ACTIVE"), json!("COMPLETED")]), &[1, 3]),
        row(Field::State, Equal(json!("error")), &[]),
        row(Field::BusinessKey, Equal(json!("order-1")), &[1]),
        row(Field::BusinessKey, IsNull(true), &[3]),
        row(Field::BusinessKey, IsNull(false), &[1, 2]),
        row(Field::BusinessKey, In(vec![]), &[]),
        row(Field::BusinessKey, Like("*rder*".to_owned()), &[1, 2]),
        row(Field::BusinessKey, Like("order*".to_owned()), &[1]),
        row(Field::BusinessKey, Like("*".to_owned()), &[1, 2]),
        row(Field::BusinessKey, Like("order_1".to_owned()), &[]),
        row(Field::BusinessKey, Greater(json!("a")), &[1]),
        row(Field::BusinessKey, Contains(json!("order-1")), &[]),
        row(Field::Parent, Equal(json!(id(1).to_string())), &[2]),
        row(Field::Parent, IsNull(true), &[1, 3]),
        row(Field::Root, Equal(json!(id(1).to_string())), &[2]),
        row(Field::RootWorkflow, Equal(json!("family")), &[2]),
        row(Field::StartedAt, Greater(json!(1001)), &[2, 3]),
        row(Field::StartedAt, GreaterOrEqual(json!(1001)), &[1, 2, 3]),
        row(Field::StartedAt, Less(json!(1002)), &[1]),
        row(Field::StartedAt, LessOrEqual(json!(1002)), &[1, 2]),
        row(Field::StartedAt, Between(json!(1002), json!(1003)), &[2, 3]),
        row(Field::StartedAt, Between(json!(1003), json!(1002)), &[]),
        row(Field::StartedAt, Equal(json!("1001")), &[]),
        row(Field::EndedAt, IsNull(true), &[2, 3]),
        row(Field::EndedAt, Less(json!(9999)), &[1]),
        row(Field::ErrorNode, Equal(json!("call")), &[2]),
        row(Field::ErrorMessage, Like("*[gone]?".to_owned()), &[2]),
        row(Field::ErrorMessage, Like("*[one]*".to_owned()), &[]),
        row(Field::ErrorMessage, IsNull(true), &[1, 3]),
    ]
}

fn json_values() -> Vec<Row> {
    let row = |path: &str, condition, expected: &[u8]| (json_filter(path, condition), expected.to_vec());
    let text = |text: &str| json!(text);
    vec![
        // A text is compared with the value's text.
        row("workflowdata/n", Equal(text("5")), &[1, 2]),
        row("workflowdata/n", Equal(text("5.5")), &[3]),
        row("workflowdata/yes", Equal(text("true")), &[1, 2]),
        row("workflowdata/nothing", Equal(text("null")), &[]),
        row("workflowdata/list", Equal(text(r#"{"a":1}"#)), &[2]),
        row("workflowdata/n", In(vec![text("5.5"), text("x")]), &[3]),
        row("workflowdata/name", Greater(text("Hello")), &[1, 2]),
        row("workflowdata/n", Less(text("5.")), &[1, 2]),
        row("workflowdata/n", Between(text("5"), text("5")), &[1, 2]),
        // Anything else with the value.
        row("workflowdata/n", Equal(json!(5)), &[1]),
        row("workflowdata/n", Equal(json!(5.0)), &[1]),
        row("workflowdata/n", GreaterOrEqual(json!(5)), &[1, 3]),
        row("workflowdata/n", Greater(json!(5.2)), &[3]),
        row("workflowdata/n", Between(json!(5), json!(5.5)), &[1, 3]),
        row("workflowdata/n", In(vec![json!(5.5), json!(true)]), &[3]),
        row("workflowdata/yes", Equal(json!(true)), &[1]),
        row("workflowdata/yes", Greater(json!(false)), &[]),
        row("workflowdata/nothing", Equal(Value::Null), &[1]),
        row("workflowdata/list", Equal(json!({"a": 1})), &[2]),
        row("workflowdata/list", Equal(json!(["a", 1, true, null, [2]])), &[1]),
        // Patterns.
        row("workflowdata/name", Like("Hello*".to_owned()), &[1]),
        row("workflowdata/name", Like("*ell*".to_owned()), &[1, 2]),
        row("workflowdata/name", Like("%".to_owned()), &[]),
        row("workflowdata/name", Like("100%_".to_owned()), &[3]),
        row("workflowdata/name", Like("hell?".to_owned()), &[]),
        row("workflowdata/n", Like("5*".to_owned()), &[1, 2, 3]),
        row("workflowdata/nothing", Like("*".to_owned()), &[]),
        // What is missing, or null.
        row("workflowdata/nothing", IsNull(true), &[1, 2, 3]),
        row("workflowdata/yes", IsNull(false), &[1, 2]),
        row("workflowdata/nowhere/at/all", IsNull(true), &[1, 2, 3]),
        row("targetEntity", IsNull(true), &[1, 2, 3]),
        row("workflowdata", IsNull(false), &[1, 2, 3]),
        row("workflowdatainput/n", IsNull(false), &[]),
        (Filter::Json { path: Vec::new(), condition: IsNull(false) }, vec![]),
        // Lists and objects.
        row("workflowdata/list", Contains(text("a")), &[1, 2]),
        row("workflowdata/list", Contains(text("1")), &[]),
        row("workflowdata/list", Contains(json!(1)), &[1]),
        row("workflowdata/list", Contains(json!(true)), &[1]),
        row("workflowdata/list", Contains(Value::Null), &[1]),
        row("workflowdata/list", Contains(json!([2])), &[1]),
        row("workflowdata/list", ContainsAll(vec![text("a"), json!(1)]), &[1]),
        row("workflowdata/list", ContainsAny(vec![text("z"), text("a")]), &[1, 2]),
        row("workflowdata/list", ContainsAny(vec![]), &[]),
        // Names that look like a path.
        row("workflowdata/deep/a.b", Equal(text("dotted")), &[1]),
        row("workflowdata/deep/a/b", Equal(text("nested")), &[2]),
        row("workflowdata/deep/q\"uote", Equal(json!(1)), &[1]),
        row("workflowdata/deep/back\\slash", Equal(json!(1)), &[1]),
        row("workflowdata/deep/[0]", Equal(json!(1)), &[1]),
        row("workflowdata/deep/", Equal(text("empty")), &[1]),
        row("workflowdata/deep/ä", Equal(json!(1)), &[1]),
        row("workflowdata/list/[0]", Equal(text("a")), &[]),
        row("workflowdata/x' OR 1 --", IsNull(false), &[]),
        // Variables beside the data.
        row("initiatorEntity", Equal(text("user:default/x")), &[1]),
        row("initiatorEntity", Like("user:*".to_owned()), &[1]),
    ]
}

fn joined() -> Vec<Row> {
    let completed = Filter::Compare { field: Field::State, condition: Equal(json!("COMPLETED")) };
    let keyed = Filter::Compare { field: Field::BusinessKey, condition: Like("*".to_owned()) };
    let five = json_filter("workflowdata/n", Equal(json!(5)));
    let no = |filter: &Filter| Filter::Not(Box::new(filter.clone()));
    vec![
        (Filter::all(), vec![1, 2, 3]),
        (Filter::Or(vec![]), vec![]),
        (no(&Filter::all()), vec![]),
        (Filter::And(vec![completed.clone(), keyed.clone()]), vec![1]),
        (Filter::Or(vec![completed.clone(), keyed.clone()]), vec![1, 2]),
        // Not of what is missing is true.
        (no(&keyed), vec![3]),
        (no(&five), vec![2, 3]),
        (no(&no(&keyed)), vec![1, 2]),
        (no(&Filter::Or(vec![keyed.clone(), completed.clone()])), vec![3]),
        (no(&Filter::And(vec![keyed, no(&completed)])), vec![1, 3]),
    ]
}

/// The filter of a path written with slashes.
fn json_filter(path: &str, condition: Condition) -> Filter {
    Filter::Json { path: path.split('/').map(str::to_owned).collect(), condition }
}
