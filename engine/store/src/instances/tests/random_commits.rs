//! Any sequence of commits leaves what a plain map would hold, whichever of them are written as one transaction.

use std::collections::BTreeMap;

use proptest::{option, prelude::*, sample::select};

use crate::{
    Change, Columns, Commit, CommitError, Committed, Instance, PartWrite, Query, Update, Write, kit,
};

const KEYS: &[&str] = &["", "a", "a/1", "a/1/x", "a/10", "a/2", "ab", "b/1", "ä"];
const PREFIXES: &[&str] = &["", "a", "a/", "a/1", "b/", "c", "ä"];
/// Bytes of data, on both sides of what fits into the row.
const SIZES: &[usize] = &[2, 100, 4096, 4097, 30_000];

/// What a store with a few instances holds: rows with their parts.
#[derive(Debug, Default)]
struct Model(BTreeMap<u8, (Instance, BTreeMap<String, Vec<u8>>)>);

/// One commit: a step for each of several instances.
#[derive(Debug, Clone)]
struct Steps {
    steps: BTreeMap<u8, Step>,
    /// An instance whose part is written although its row may not be.
    stray: Option<u8>,
}

#[derive(Debug, Clone)]
struct Step {
    data: Change<String>,
    input: Change<Option<String>>,
    ends: bool,
    /// Whether the step was computed from a turn that is over.
    is_late: bool,
    parts: Vec<PartChange>,
}

#[derive(Debug, Clone)]
enum PartChange {
    Put(&'static str, Vec<u8>),
    Remove(&'static str),
    RemovePrefix(&'static str),
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn commits_and_a_map_agree(commits in proptest::collection::vec(steps(), 1..25)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = crate::open("sqlite::memory:").await.unwrap();
            store.put_revisions(vec![kit::revision()]).await.unwrap();
            let mut model = Model::default();
            let mut answers = Vec::new();
            for steps in &commits {
                let (commit, expected) = model.apply(steps);
                answers.push((store.commit(commit), expected));
            }
            for (answer, expected) in answers {
                prop_assert_eq!(answer.await, expected);
            }
            let mut rows = store.query(Query { columns: Columns::ALL, ..Query::default() }).await.unwrap();
            rows.sort_by_key(|row| row.id);
            let expected: Vec<&Instance> = model.0.values().map(|(row, _)| row).collect();
            prop_assert_eq!(rows.iter().collect::<Vec<_>>(), expected);
            for (number, (row, parts)) in model.0 {
                prop_assert_eq!(store.instance(row.id).await, Ok(Some(row)));
                let parts = parts.into_iter().collect::<Vec<_>>();
                prop_assert_eq!(store.parts(kit::id(number)).await, Ok(parts), "instance {}", number);
            }
            Ok(())
        })?;
    }
}

impl Model {
    /// The commit of some steps and what it must be answered; takes over what it must leave behind.
    fn apply(&mut self, steps: &Steps) -> (Commit, Result<Committed, CommitError>) {
        let mut commit = Commit::default();
        let mut refused = None;
        let mut changed = BTreeMap::new();
        for (number, step) in &steps.steps {
            let stored = self.0.get(number);
            let (row, parts) =
                stored.cloned().unwrap_or((Instance { turn: 0, ..kit::instance(*number) }, BTreeMap::new()));
            let expected_turn = row.turn.saturating_sub(u64::from(step.is_late));
            let row = step.next(row);
            let is_insert = stored.is_none() && !step.is_late;
            commit.writes.push(match is_insert {
                true => Write::Insert(row.clone()),
                false => Write::Update(Update {
                    data: step.data.clone(),
                    input: step.input.clone(),
                    ..Update::of_row(row.clone(), expected_turn)
                }),
            });
            let found = stored.map(|(row, _)| row.turn);
            let expected = (!is_insert).then_some(expected_turn);
            if expected != found {
                refused = refused.or(Some(CommitError::Fenced { instance: row.id, expected, found }));
            }
            commit.parts.extend(step.parts.iter().map(|part| part.write(*number)));
            let parts = if step.ends { BTreeMap::new() } else { step.next_parts(parts) };
            changed.insert(*number, (row, parts));
        }
        if let Some(stray) = steps.stray {
            let part = PartChange::Remove("nowhere");
            commit.parts.push(part.write(stray));
            if !steps.steps.contains_key(&stray) {
                refused = refused.or(Some(CommitError::PartsWithoutRow { instance: kit::id(stray) }));
            }
        }
        if refused.is_none() {
            self.0.extend(changed);
        }
        (commit, refused.map_or_else(|| Ok(Committed::default()), Err))
    }
}

impl Step {
    fn next(&self, row: Instance) -> Instance {
        let mut next = Instance { turn: row.turn + 1, ended_at: self.ends.then_some(9), ..row };
        if let Change::Set(data) = &self.data {
            next.data.clone_from(data);
        }
        if let Change::Set(input) = &self.input {
            next.input.clone_from(input);
        }
        next
    }

    fn next_parts(&self, mut parts: BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
        for part in &self.parts {
            match part {
                PartChange::Put(key, content) => _ = parts.insert((*key).to_owned(), content.clone()),
                PartChange::Remove(key) => _ = parts.remove(*key),
                PartChange::RemovePrefix(prefix) => parts.retain(|key, _| !key.starts_with(prefix)),
            }
        }
        parts
    }
}

impl PartChange {
    fn write(&self, number: u8) -> PartWrite {
        let instance = kit::id(number);
        match self.clone() {
            Self::Put(key, content) => PartWrite::Put { instance, key: key.to_owned(), content },
            Self::Remove(key) => PartWrite::Remove { instance, key: key.to_owned() },
            Self::RemovePrefix(prefix) => PartWrite::RemovePrefix { instance, prefix: prefix.to_owned() },
        }
    }
}

fn steps() -> impl Strategy<Value = Steps> {
    let steps = proptest::collection::btree_map(0..4_u8, step(), 1..3);
    (steps, option::weighted(0.1, 0..4_u8)).prop_map(|(steps, stray)| Steps { steps, stray })
}

fn step() -> impl Strategy<Value = Step> {
    let change = prop_oneof![Just(Change::Keep), text().prop_map(Change::Set)];
    let input = prop_oneof![Just(Change::Keep), option::of(text()).prop_map(Change::Set)];
    let parts = proptest::collection::vec(part(), 0..6);
    let step = (change, input, prop::bool::weighted(0.1), prop::bool::weighted(0.1), parts);
    step.prop_map(|(data, input, ends, is_late, parts)| Step { data, input, ends, is_late, parts })
}

fn text() -> impl Strategy<Value = String> {
    select(SIZES).prop_map(|bytes| format!(r#""{}""#, "x".repeat(bytes - 2)))
}

fn part() -> impl Strategy<Value = PartChange> {
    prop_oneof![
        4 => (select(KEYS), proptest::collection::vec(any::<u8>(), 0..4)).prop_map(|(key, content)| PartChange::Put(key, content)),
        1 => select(KEYS).prop_map(PartChange::Remove),
        1 => select(PREFIXES).prop_map(PartChange::RemovePrefix),
    ]
}
