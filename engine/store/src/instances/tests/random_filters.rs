//! Any filter passes the same instances as its plain meaning.

use proptest::{prelude::*, sample::select};
use serde_json::{Map, Value, json};

use crate::{Condition, Field, Filter, Instance, Query, State, kit};

/// Names of members, some of which mean something in paths.
const NAMES: &[&str] = &["a", "b", "a.b", "q\"q", "\\", "é", "$", "[0]", "*", ""];
const TEXTS: &[&str] =
    &["", "a", "b", "5", "5.5", "true", "null", "Hello", "he*lo", "[x]", "a?b", "ä\"😀", "ACTIVE", "\n"];
const PATTERNS: &[&str] = &["*", "", "a", "*l*", "5*", "*\"*", "[x]", "a?b", "*o", "tr*e", "**", "{*}"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn sql_and_meaning_agree(rows in rows(), filter in filter()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let found = runtime.block_on(async {
            let store = crate::open("sqlite::memory:").await.unwrap();
            kit::insert(&store, rows.clone()).await;
            store.query(Query { filter: filter.clone(), ..Query::default() }).await.unwrap()
        });
        let found: Vec<u8> = found.iter().map(|row| row.id.as_bytes()[15]).collect();
        let meant: Vec<u8> =
            rows.iter().filter(|row| kit::passes(&filter, row)).map(|row| row.id.as_bytes()[15]).collect();
        prop_assert_eq!(found, meant);
    }
}

fn rows() -> impl Strategy<Value = Vec<Instance>> {
    let row = (
        padded(json_object()),
        proptest::option::of(json_object()),
        proptest::option::of(text()),
        select(&State::ALL),
        proptest::option::of(0..3_i64),
    );
    let rows = proptest::collection::vec(row, 1..12);
    rows.prop_map(|rows| {
        let numbered = (1..).zip(rows);
        numbered
            .map(|(number, (data, extra, business_key, state, ended_at))| Instance {
                data: data.to_string(),
                extra: extra.map(|extra| extra.to_string()),
                business_key,
                state,
                ended_at,
                ..kit::instance(number)
            })
            .collect()
    })
}

/// Some of the objects become so large that the store keeps them apart from their row.
fn padded(object: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    (object, prop::bool::weighted(0.3)).prop_map(|(mut object, is_large)| {
        if is_large {
            object["padding"] = "x".repeat(5000).into();
        }
        object
    })
}

fn text() -> impl Strategy<Value = String> {
    select(TEXTS).prop_map(str::to_owned)
}

fn name() -> impl Strategy<Value = String> {
    select(NAMES).prop_map(str::to_owned)
}

fn json_leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2..7_i64).prop_map(Value::from),
        select(vec![0.5, 5.0, 5.5, -2.0, 1e300, 1e-7]).prop_map(Value::from),
        select(vec![i64::MAX, i64::MIN]).prop_map(Value::from),
        text().prop_map(Value::from),
    ]
}

fn json_value() -> impl Strategy<Value = Value> {
    json_leaf().prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            members(inner).prop_map(Value::from),
        ]
    })
}

fn json_object() -> impl Strategy<Value = Value> {
    members(json_value()).prop_map(Value::from)
}

fn members(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    proptest::collection::vec((name(), value), 0..4).prop_map(|members| members.into_iter().collect())
}

fn condition() -> impl Strategy<Value = Condition> {
    let value = || json_value();
    let values = || proptest::collection::vec(json_value(), 0..3);
    prop_oneof![
        value().prop_map(Condition::Equal),
        values().prop_map(Condition::In),
        select(PATTERNS).prop_map(|pattern| Condition::Like(pattern.to_owned())),
        any::<bool>().prop_map(Condition::IsNull),
        value().prop_map(Condition::Greater),
        value().prop_map(Condition::GreaterOrEqual),
        value().prop_map(Condition::Less),
        value().prop_map(Condition::LessOrEqual),
        (value(), value()).prop_map(|(from, to)| Condition::Between(from, to)),
        value().prop_map(Condition::Contains),
        values().prop_map(Condition::ContainsAll),
        values().prop_map(Condition::ContainsAny),
    ]
}

fn filter() -> impl Strategy<Value = Filter> {
    let fields =
        select(vec![Field::BusinessKey, Field::State, Field::EndedAt, Field::Workflow, Field::Parent]);
    let compare = (fields, condition()).prop_map(|(field, condition)| Filter::Compare { field, condition });
    let path = (any::<bool>(), proptest::collection::vec(name(), 0..3)).prop_map(|(data, mut path)| {
        if data {
            path.insert(0, "workflowdata".to_owned());
        }
        path
    });
    let json = (path, condition()).prop_map(|(path, condition)| Filter::Json { path, condition });
    prop_oneof![1 => compare, 2 => json].prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Filter::And),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Filter::Or),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
}

/// The generator is worth something only if its filters pass some rows and stop others.
#[test]
fn a_random_filter_can_be_decided_by_data() {
    let row = Instance { data: json!({"a": 5}).to_string(), ..kit::instance(1) };
    let path = vec!["workflowdata".to_owned(), "a".to_owned()];
    let five = |condition| Filter::Json { path: path.clone(), condition };
    assert!(kit::passes(&five(Condition::Equal(json!("5"))), &row));
    assert!(!kit::passes(&five(Condition::Equal(json!("6"))), &row));
}
