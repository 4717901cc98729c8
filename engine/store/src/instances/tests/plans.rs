//! How SQLite reads: what the engine asks for walks an index and sorts nothing, however many instances there are.

use rusqlite::{Connection, params_from_iter, types::Null};

use crate::{
    Condition, Direction, Field, Filter, INSTANCES, Query,
    instances::{concurrency, events, filter, parts, rows},
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
    insta::assert_snapshot!(plan(rows::MAILBOX), @r"
    SEARCH mailbox USING INDEX mailbox_recipient (recipient=? AND number>?)
    SEARCH event_content USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN
    ");
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

/// However many events, waits, rows to send and members of groups there are.
#[test]
fn no_statement_of_events_and_places_scans_a_table() {
    let connection = tables();
    let mut count = 0;
    for (module, statements) in events::statements::ALL.iter().chain(concurrency::statements::ALL) {
        for (name, sql) in *statements {
            let plan = plan(&connection, sql);
            count += 1;
            for step in plan.lines().filter(|step| step.starts_with("SCAN ")) {
                // The rows of a subquery, which has a limit, are its answer.
                assert_eq!(step, "SCAN (subquery-1)", "{module}::{name} scans:\n{plan}");
            }
        }
    }
    assert!(count > 30, "{count} statements");
}

#[test]
fn whoever_waits_longest_is_found_by_an_index() {
    let connection = tables();
    let admission = concurrency::statements::ALL.iter().find(|(known, _)| *known == "admission").unwrap().1;
    let next = admission.iter().find(|(known, _)| *known == "NEXT").unwrap().1;
    insta::assert_snapshot!(plan(&connection, next), @"SEARCH concurrency_member USING COVERING INDEX concurrency_member_key (key=? AND phase=?)");
}

#[test]
fn an_event_finds_its_instances_by_an_index() {
    let connection = tables();
    let plan = |module: &str, name: &str| {
        let statements = events::statements::ALL.iter().find(|(known, _)| *known == module).unwrap().1;
        plan(&connection, statements.iter().find(|(known, _)| *known == name).unwrap().1)
    };
    insta::assert_snapshot!(plan("shapes", "OF_TYPE"), @"SEARCH wait_shape USING INDEX wait_shape_type (type=?)");
    insta::assert_snapshot!(plan("waits", "WAITING"), @r"
    SEARCH event_wait USING COVERING INDEX event_wait_key (shape=? AND key=?)
    SEARCH instance USING INTEGER PRIMARY KEY (rowid=?)
    ");
    insta::assert_snapshot!(plan("waits", "LIVING_OF_KEY"), @r"
    SEARCH instance USING INDEX instance_living_key (business_key=?)
    SEARCH revision USING INTEGER PRIMARY KEY (rowid=?)
    ");
    insta::assert_snapshot!(plan("kept", "FOR_INSTANCE"), @r"
    SEARCH kept_event USING COVERING INDEX kept_event_instance (instance=? AND type=?)
    SEARCH event USING INTEGER PRIMARY KEY (rowid=?)
    SEARCH event_content USING INTEGER PRIMARY KEY (rowid=?)
    ");
    insta::assert_snapshot!(plan("kept", "FOR_BUSINESS_KEY"), @r"
    SEARCH kept_event USING COVERING INDEX kept_event_business_key (business_key=? AND type=?)
    SEARCH event USING INTEGER PRIMARY KEY (rowid=?)
    SEARCH event_content USING INTEGER PRIMARY KEY (rowid=?)
    ");
    insta::assert_snapshot!(plan("kept", "FOR_ATTRIBUTE"), @r"
    SEARCH kept_attribute USING COVERING INDEX kept_attribute_value (type=? AND name=? AND value=?)
    SEARCH kept_event USING INTEGER PRIMARY KEY (rowid=?)
    SEARCH event USING INTEGER PRIMARY KEY (rowid=?)
    SEARCH event_content USING INTEGER PRIMARY KEY (rowid=?)
    ");
    insta::assert_snapshot!(plan("kept", "FOR_ANYBODY"), @r"
    SEARCH kept_event USING INDEX kept_event_type (type=? AND at>?)
    SEARCH event USING INTEGER PRIMARY KEY (rowid=?)
    SEARCH event_content USING INTEGER PRIMARY KEY (rowid=?)
    ");
    insta::assert_snapshot!(plan("start_sets", "OLDEST"), @"SEARCH kept_event USING INDEX kept_event_set (workflow=? AND set_key=? AND name=?)");
    insta::assert_snapshot!(plan("kept", "DUE"), @r"
    SEARCH kept_event USING INDEX kept_event_due (keep_until<?)
    SEARCH event USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN
    ");
    insta::assert_snapshot!(plan("forget", "FORGET"), @r"
    SEARCH event USING INTEGER PRIMARY KEY (rowid=?)
    LIST SUBQUERY 1
    SEARCH event USING COVERING INDEX event_forgettable (forget_at<?)
    CREATE BLOOM FILTER
    ");
    insta::assert_snapshot!(plan("outbox", "NEW"), @"SEARCH outbox USING INDEX outbox_ready (channel=? AND next_at=?)");
    insta::assert_snapshot!(plan("outbox", "RETRIED"), @"SEARCH outbox USING INDEX outbox_ready (channel=? AND next_at>? AND next_at<?)");
    insta::assert_snapshot!(plan("outbox", "NEXT_OF_CHANNEL"), @"SEARCH outbox USING COVERING INDEX outbox_ready (channel=? AND next_at>?)");
    insta::assert_snapshot!(plan("outbox", "NEXT_CHANNEL"), @"SEARCH outbox USING COVERING INDEX outbox_ready (channel>?)");
    insta::assert_snapshot!(plan("outbox", "STUCK"), @"SEARCH outbox USING INDEX outbox_failed (next_at>?)");
}
