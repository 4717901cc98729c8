//! How SQLite reads: what the engine asks for walks an index and sorts nothing, however many instances there are.

use rusqlite::{Connection, params_from_iter, types::Null};

use crate::{
    Condition, Direction, Field, Filter, INSTANCES, Query,
    instances::{filter, parts, rows},
};

/// The tables of instances, in memory.
fn tables() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    for migration in INSTANCES.migrations {
        connection.execute_batch(migration).unwrap();
    }
    connection
}

fn plan(connection: &Connection, sql: &str) -> String {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let unbound = vec![Null; statement.parameter_count()];
    let steps = statement.query_map(params_from_iter(unbound), |row| row.get::<_, String>(3)).unwrap();
    steps.collect::<Result<Vec<_>, _>>().unwrap().join("\n")
}

#[test]
fn reads_of_the_engine_walk_an_index() {
    let connection = tables();
    let plan = |sql| plan(&connection, sql);
    insta::assert_snapshot!(plan(rows::DUE), @"SEARCH instance USING COVERING INDEX instance_due ((wake_at,id)>(?,?) AND wake_at<?)");
    insta::assert_snapshot!(plan(rows::BUSY), @"SEARCH instance USING COVERING INDEX instance_busy (id>?)");
    insta::assert_snapshot!(plan(rows::CHILDREN), @"SEARCH instance USING COVERING INDEX instance_parent (parent=?)");
    insta::assert_snapshot!(plan(rows::HISTORY), @r"
    SEARCH history USING INDEX history_turn (instance=?)
    SCALAR SUBQUERY 1
    SEARCH instance USING COVERING INDEX instance_id (id=?)
    ");
    insta::assert_snapshot!(plan(parts::PARTS), @r"
    SEARCH part USING INDEX part_key (instance=?)
    SCALAR SUBQUERY 1
    SEARCH instance USING COVERING INDEX instance_id (id=?)
    ");
    insta::assert_snapshot!(plan(parts::REMOVE_PREFIX), @"SEARCH part USING INDEX part_key (instance=? AND key>? AND key<?)");
    insta::assert_snapshot!(plan(rows::MAILBOX), @"SEARCH mailbox USING INDEX mailbox_recipient (recipient=?)");
}

#[test]
fn lists_of_a_workflow_walk_its_index() {
    let connection = tables();
    let condition = Condition::Equal("approval".into());
    let filter = Filter::Compare { field: Field::Workflow, condition };
    let order = vec![(Field::StartedAt, Direction::Descending)];
    let listed = filter::numbers(&Query { filter, order, limit: Some(21), ..Query::default() });
    insta::assert_snapshot!(listed.sql, @r"SELECT number FROM instance WHERE revision IN (SELECT revision.number FROM revision WHERE workflow = ?1) ORDER BY started_at DESC NULLS FIRST, number LIMIT ?2 OFFSET ?3");
    insta::assert_snapshot!(plan(&connection, &listed.sql), @r"
    SEARCH instance USING COVERING INDEX instance_started (revision=?)
    LIST SUBQUERY 1
    SEARCH revision USING COVERING INDEX revision_of_workflow (workflow=?)
    CREATE BLOOM FILTER
    USE TEMP B-TREE FOR ORDER BY
    ");
}
