//! Promises of large data: they are read, listed and searched like small ones, and are written only when they change.

use std::sync::Arc;

use serde_json::json;

use super::{id, insert, instance};
use crate::{
    Change, Columns, Commit, Condition, Field, Filter, Instance, Query, Store, StoreError, Update, Write,
};

/// Data of about `bytes` bytes in which `n` is findable.
fn data(n: u64, bytes: usize) -> String {
    json!({ "text": "ä".repeat(bytes / 2), "n": n }).to_string()
}

/// Bytes of a text, around the sizes at which databases store it outside of its row or page.
const SIZES: [usize; 9] = [2, 4090, 4096, 4097, 8192, 200_000, 5_000, 3, 2_000_000];

/// An update that sets what is given.
fn update(row: &Instance, data: Change<String>, input: Change<Option<String>>) -> Commit {
    let update = Update { data, input, ..Update::of_row(row.clone(), row.turn) };
    let writes = vec![Write::Update(Update { turn: row.turn + 1, ..update })];
    Commit { writes, ..Commit::default() }
}

/// Texts of all sizes come back, after an insert and after updates from each size to the next.
pub async fn data_of_any_size_come_back(store: &Arc<dyn Store>) {
    // Short ones too, whatever a database may use to mark that a text is elsewhere.
    let text = |bytes: usize| match bytes {
        2 => String::new(),
        bytes => format!(r#""{}""#, "x".repeat(bytes - 2)),
    };
    let first = SIZES.into_iter().zip(1..).map(|(bytes, number)| {
        let input = (number % 2 == 0).then(|| text(bytes));
        Instance { data: text(bytes), input, ..instance(number) }
    });
    let mut rows: Vec<Instance> = first.collect();
    insert(store, rows.clone()).await;
    for round in 0..SIZES.len() {
        for row in &mut rows {
            assert_eq!(store.instance(row.id).await.as_ref(), Ok(&Some(row.clone())), "round {round}");
            let next = SIZES[(row.data.len() + round) % SIZES.len()];
            let input = (round % 3 != 1).then(|| text(SIZES[(next + 1) % SIZES.len()]));
            let commit = update(row, Change::Set(text(next)), Change::Set(input.clone()));
            store.commit(commit).await.unwrap();
            *row = Instance { data: text(next), input, turn: row.turn + 1, ..row.clone() };
        }
    }
    let ids = rows.iter().map(|row| row.id).collect();
    assert_eq!(store.instances(ids).await, Ok(rows));
}

/// An update leaves the columns that it keeps as they are.
pub async fn a_column_that_an_update_keeps_stays(store: &Arc<dyn Store>) {
    for ((data_bytes, input_bytes), number) in
        [(10, Some(10)), (10_000, Some(10)), (10, Some(10_000)), (10_000, Some(10_000)), (10_000, None)]
            .into_iter()
            .zip(1..)
    {
        let mut row = Instance {
            data: data(1, data_bytes),
            input: input_bytes.map(|bytes| data(2, bytes)),
            ..instance(number)
        };
        insert(store, [row.clone()]).await;
        for (new_data, new_input) in [
            (Change::Keep, Change::Keep),
            (Change::Keep, Change::Set(None)),
            (Change::Set(data(3, 3)), Change::Keep),
            (Change::Set(data(4, 20_000)), Change::Set(Some(data(5, 20_000)))),
            (Change::Keep, Change::Set(Some(data(6, 6)))),
            (Change::Keep, Change::Keep),
        ] {
            row.frames.push(7);
            store.commit(update(&row, new_data.clone(), new_input.clone())).await.unwrap();
            row.turn += 1;
            if let Change::Set(data) = new_data {
                row.data = data;
            }
            if let Change::Set(input) = new_input {
                row.input = input;
            }
            assert_eq!(
                store.instance(row.id).await,
                Ok(Some(row.clone())),
                "instance {number} at turn {}",
                row.turn
            );
        }
    }
}

/// Lists and filters treat large data like small data.
pub async fn large_data_are_listed_and_searched(store: &Arc<dyn Store>) {
    let sizes = [10, 100_000, 4_096, 50_000];
    let rows = sizes.into_iter().zip(1..).map(|(bytes, number)| Instance {
        data: data(u64::from(number), bytes),
        input: Some(data(9, bytes)),
        ..instance(number)
    });
    let mut rows: Vec<Instance> = rows.collect();
    insert(store, rows.clone()).await;
    // One that became large by an update, and one that became small.
    for (number, bytes) in [(0, 60_000), (3, 10)] {
        let row: &mut Instance = &mut rows[number];
        row.data = data(number as u64 + 1, bytes);
        store.commit(update(row, Change::Set(row.data.clone()), Change::Keep)).await.unwrap();
        row.turn += 1;
    }
    let query = |filter: Filter| Query { filter, columns: Columns::ALL, ..Query::default() };
    assert_eq!(store.query(query(Filter::all())).await, Ok(rows.clone()));
    for row in &rows {
        let n = row.id.as_bytes()[15];
        let path = |name: &str| vec!["workflowdata".to_owned(), name.to_owned()];
        let same = Filter::Json { path: path("n"), condition: Condition::Equal(json!(n)) };
        assert_eq!(store.query(query(same.clone())).await, Ok(vec![row.clone()]), "instance {n}");
        assert_eq!(store.count(same.clone()).await, Ok(1), "instance {n}");
        let other = Filter::Not(Box::new(same));
        assert_eq!(store.count(other).await, Ok(3), "instance {n}");
        let like = Filter::Json { path: path("text"), condition: Condition::Like("ää*".to_owned()) };
        assert_eq!(store.count(like).await, Ok(4));
    }

    let order = vec![(Field::Id, crate::Direction::Descending)];
    let small = Query { order, columns: Columns { data: false, frames: true }, ..Query::default() };
    let without = rows.iter().rev().map(|row| Instance { data: String::new(), input: None, ..row.clone() });
    assert_eq!(store.query(small).await, Ok(without.collect()));

    let bytes: u64 = rows.iter().map(Instance::bytes).sum();
    let bound = |max_bytes| Query { max_bytes: Some(max_bytes), ..query(Filter::all()) };
    assert_eq!(store.query(bound(bytes)).await, Ok(rows));
    assert_eq!(store.query(bound(bytes - 1)).await, Err(StoreError::TooLarge(bytes - 1)));
    assert_eq!(store.instance(id(9)).await, Ok(None));
}
