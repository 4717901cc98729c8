//! Lists: what SQLite reads for them, and that a page by cursor has what all of them have.

use jiff::Timestamp;
use proptest::prelude::*;
use rondo_store::rusqlite::{Connection, params_from_iter, types::Null};
use serde_json::json;

use super::{
    DESK,
    approvals::{self, Listed},
    approvers,
    listing::Way,
    requests::{self, Filters},
    webhooks,
};
use crate::model::{Approval, ApprovalState, Person, Principal};

/// The tables of the desk as of today, in memory.
pub(crate) fn all_tables() -> Connection {
    tables(DESK.migrations.len())
}

/// The tables of the desk as of a migration, in memory.
fn tables(migrations: usize) -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    for migration in &DESK.migrations[..migrations] {
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

/// Whether a plan goes along one index or the table, from the place where a page begins, and sorts nothing.
fn is_walk(plan: &str) -> bool {
    plan.starts_with("SEARCH ") && !plan.contains('\n')
}

#[test]
fn every_list_walks_an_index() {
    let connection = all_tables();
    let given = |is_given: bool| is_given.then(|| "x".to_owned());
    let all = [false, true];
    for (one, two, three) in all
        .into_iter()
        .flat_map(|one| all.into_iter().flat_map(move |two| all.map(|three| (one, two, three))))
    {
        let (pool, state, other) = (given(one), given(two), given(three));
        for way in [Way::Onwards, Way::Back] {
            let filters = Filters { pool: pool.as_deref(), state: state.as_deref(), order: other.as_deref() };
            let (sql, _) = filters.statement(way, None, 50);
            assert!(is_walk(&plan(&connection, &sql)), "{sql}\n{}", plan(&connection, &sql));
        }
        let listed = Listed { pool, state, requester: other, ..Listed::default() };
        let (sql, _) = approvals::statement(&listed);
        assert!(is_walk(&plan(&connection, &sql)), "{sql}\n{}", plan(&connection, &sql));
    }
    let (latest, _) = approvals::statement_of_latest(ApprovalState::Approved, 30);
    for sql in [&latest, approvers::NUMBERS, requests::WAITED_FOR, requests::UNPLACED] {
        assert!(is_walk(&plan(&connection, sql)), "{sql}\n{}", plan(&connection, sql));
    }
    // The few webhooks of a pool are sorted.
    let of_pool = plan(&connection, webhooks::OF_POOL);
    assert!(of_pool.starts_with("SEARCH desk_webhook USING INDEX desk_webhook_pool (pool=?)"), "{of_pool}");
}

/// A question by one of two people.
pub(crate) fn approval(
    number: usize,
    state: ApprovalState,
    pool: Option<&str>,
    approvers: &[&str],
) -> Approval {
    let asked = json!({
        "subject": "instance:x", "title": "May it?", "requester": format!("user:default/asker{}", number % 2),
        "pool": pool, "approvers": approvers,
    });
    let asked = serde_json::from_value(asked).unwrap();
    Approval {
        id: number.to_string(),
        asked,
        state,
        votes: Vec::new(),
        created_at: Timestamp::UNIX_EPOCH,
        deadline_at: None,
        remind_at: Vec::new(),
        is_escalated: false,
        decided_at: None,
    }
}

const ENTRIES: [&str; 7] =
    ["jane", "User:Default/Kim", "everyone", "role:reviewer", "group:Team-A", "ops/jane", "group:ops/team-a"];

fn people() -> [Person; 3] {
    let kim = Person {
        roles: vec!["reviewer".to_owned()],
        groups: ["group:default/team-a", "group:ops/team-a"].map(str::to_owned).to_vec(),
        ..Person::named("kim")
    };
    [Person::named("jane"), kim, Person::named("nobody")]
}

#[test]
fn approvals_of_before_are_found_by_their_approvers() {
    let connection = tables(4);
    for (number, entry) in ENTRIES.iter().enumerate() {
        let body =
            serde_json::to_string(&approval(number, ApprovalState::Pending, None, &[entry, entry])).unwrap();
        let values = (number.to_string(), body);
        let sql = "INSERT INTO desk_approval (id, state, requester, ticket_work, body) VALUES (?1, 'pending', 'user:default/asker', 0, ?2)";
        connection.execute(sql, values).unwrap();
    }
    connection.execute_batch(DESK.migrations[4]).unwrap();
    let mut select = connection.prepare("SELECT principal FROM desk_approver ORDER BY approval").unwrap();
    let found: Vec<String> =
        select.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(found, ENTRIES.map(|entry| Principal::parse(entry).to_string()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Pages of any length, one after the other, have what is found by looking at every approval.
    #[test]
    fn pages_have_what_all_approvals_have(
        made in prop::collection::vec((0..5_usize, 0..3_usize, prop::collection::vec(prop::sample::select(&ENTRIES[..]), 1..4)), 0..30),
        decided in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
        (state, pool, requester, person) in (prop::option::of(0..5_usize), prop::option::of(0..3_usize), prop::option::of(0..3_usize), prop::option::of(0..3_usize)),
        limit in 1..8_u32,
    ) {
        const POOLS: [Option<&str>; 3] = [Some("acme"), Some("corp"), None];
        let connection = all_tables();
        let mut all: Vec<Approval> = made
            .iter()
            .enumerate()
            .map(|(number, (state, pool, entries))| approval(number, ApprovalState::ALL[*state], POOLS[*pool], entries))
            .collect();
        for approval in &all {
            approvals::put(&connection, approval).unwrap();
        }
        for index in decided.iter().filter(|_| !made.is_empty()) {
            let approval = &mut all[index.index(made.len())];
            approval.state = ApprovalState::Rejected;
            // Somebody else was asked before that.
            approval.asked.approvers = vec!["kim".to_owned()];
            approvals::put(&connection, approval).unwrap();
        }
        let state = state.map(|state| ApprovalState::ALL[state].name().to_owned());
        let pool = pool.map(|pool| POOLS[pool].unwrap_or("nobody's").to_owned());
        let requester = requester.map(|number| format!("user:default/asker{number}"));
        let person = person.map(|person| people()[person].clone());
        let expected: Vec<String> = all
            .iter()
            .filter(|approval| {
                let asked = &approval.asked;
                let is_approver = |person: &Person| asked.approvers.iter().any(|entry| person.is(&Principal::parse(entry)));
                state.as_ref().is_none_or(|state| state == approval.state.name())
                    && pool.as_ref().is_none_or(|pool| Some(pool) == asked.pool.as_ref())
                    && requester.as_ref().is_none_or(|requester| *requester == asked.requester)
                    && person.as_ref().is_none_or(is_approver)
            })
            .map(|approval| approval.id.clone())
            .collect();
        let mut listed = Listed { state, pool, requester, approver: person.map(|person| person.entries()), after: None, limit };
        let mut found = Vec::new();
        loop {
            let page = approvals::list(&connection, &listed).unwrap();
            prop_assert!(page.len() <= limit as usize);
            let Some((last, _)) = page.last() else { break };
            listed.after = Some(*last);
            found.extend(page.into_iter().map(|(_, approval)| approval.id));
        }
        prop_assert_eq!(found, expected);
    }
}
