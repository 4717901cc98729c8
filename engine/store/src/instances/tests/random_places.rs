//! Any sequence of starts, ends, errors, crashes and changed limits keeps the rule of concurrency groups, written down a second time as a
//! list: never more than the limit, first come first served, nobody forgotten.

use std::collections::BTreeMap;

use proptest::{prelude::*, sample::select};
use uuid::Uuid;

use super::Folder;
use crate::{
    Commit, CommitError, ConcurrencyGroup, Instance, PlaceRequest, PlaceTransfer, State, Store, Update,
    Write, kit,
};

const KEYS: [&str; 3] = ["", "a", "b"];
const GROUP: &str = "tenants";

/// Something that happens. Instances are picked by their place among those that have not ended.
#[derive(Debug, Clone)]
enum Step {
    Start(&'static str),
    Become { instance: usize, state: State, needs_no_place: bool },
    Continue { instance: usize },
    Limit(Option<u32>),
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => select(&KEYS[..]).prop_map(Step::Start),
        6 => (any::<prop::sample::Index>(), select(&State::ALL[..]), prop::bool::weighted(0.2)).prop_map(
            |(instance, state, needs_no_place)| Step::Become { instance: instance.index(64), state, needs_no_place }
        ),
        1 => any::<prop::sample::Index>().prop_map(|instance| Step::Continue { instance: instance.index(64) }),
        1 => prop::option::of(1..4_u32).prop_map(Step::Limit),
        1 => Just(Step::Crash),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
    #[test]
    fn places_and_a_list_of_rules_agree(steps in proptest::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(steps));
    }
}

/// The rule, without indexes and counters.
#[derive(Default)]
struct Model {
    limit: Option<u32>,
    /// Key and state of those that have not ended, in the order of their starts.
    members: BTreeMap<u8, (&'static str, State)>,
    turns: BTreeMap<u8, u64>,
}

impl Model {
    fn count(&self, key: &str, wanted: State) -> usize {
        self.members.values().filter(|(known, state)| *known == key && *state == wanted).count()
    }

    fn is_free(&self, key: &str) -> bool {
        self.limit.is_none_or(|limit| self.count(key, State::Active) < limit as usize)
    }

    fn has_place(&self, key: &str) -> bool {
        self.is_free(key) && self.count(key, State::Pending) == 0
    }

    /// Lets go who has a place now; returns them.
    fn admit(&mut self, key: &'static str) -> Vec<Uuid> {
        let mut admitted = Vec::new();
        while self.is_free(key)
            && let Some((number, member)) =
                self.members.iter_mut().find(|(_, member)| **member == (key, State::Pending))
        {
            member.1 = State::Active;
            *self.turns.entry(*number).or_default() += 1;
            admitted.push(kit::id(*number));
        }
        admitted
    }

    fn picked(&self, place: usize) -> Option<u8> {
        let count = self.members.len();
        (count > 0).then(|| *self.members.keys().nth(place % count).unwrap())
    }
}

async fn play(steps: Vec<Step>) {
    let folder = Folder::new();
    let mut store = crate::open(&folder.url()).await.unwrap();
    store.put_revisions(vec![kit::revision()]).await.unwrap();
    let mut model = Model::default();
    let mut next = 0;
    for (at, step) in steps.into_iter().enumerate() {
        let context = format!("step {at}: {step:?}");
        match step {
            Step::Start(key) => {
                next += 1;
                let request =
                    PlaceRequest { instance: kit::id(next), group: GROUP.to_owned(), key: key.to_owned() };
                let commit = Commit { places: vec![request], ..kit::inserting([kit::instance(next)]) };
                let has_place = model.has_place(key);
                let committed = store.commit(commit).await.unwrap();
                assert_eq!(committed.waiting.is_empty(), has_place, "{context}");
                let state = if has_place { State::Active } else { State::Pending };
                model.members.insert(next, (key, state));
                model.turns.insert(next, 1);
            }
            Step::Become { instance, state, needs_no_place } => {
                let Some(number) = model.picked(instance) else { continue };
                let (key, before) = model.members[&number];
                // No turn makes one that runs wait, nor one that waits run, and nothing is suspended.
                let never = [(State::Active, State::Pending), (State::Pending, State::Active)];
                if state == State::Suspended || never.contains(&(before, state)) {
                    continue;
                }
                let is_refused = (before, state) == (State::Error, State::Active)
                    && !needs_no_place
                    && !model.has_place(key);
                let has_ended = matches!(state, State::Completed | State::Aborted);
                let commit = next_turn(&*store, number, state, has_ended, needs_no_place).await;
                let committed = store.commit(commit).await;
                if is_refused {
                    assert_eq!(
                        committed,
                        Err(CommitError::NoPlace { instance: kit::id(number) }),
                        "{context}"
                    );
                    continue;
                }
                *model.turns.get_mut(&number).unwrap() += 1;
                match has_ended {
                    true => drop(model.members.remove(&number)),
                    false => model.members.get_mut(&number).unwrap().1 = state,
                }
                let admitted = if before == state { Vec::new() } else { model.admit(key) };
                assert_eq!(committed.unwrap().admitted, admitted, "{context}");
            }
            Step::Continue { instance } => {
                let Some(number) = model.picked(instance) else { continue };
                if model.members[&number].1 != State::Active {
                    continue;
                }
                next += 1;
                let mut commit = next_turn(&*store, number, State::Completed, true, false).await;
                commit.writes.push(Write::Insert(kit::instance(next)));
                commit.place_transfers = vec![PlaceTransfer { from: kit::id(number), to: kit::id(next) }];
                assert_eq!(store.commit(commit).await.unwrap().admitted, [] as [Uuid; 0], "{context}");
                let member = model.members.remove(&number).unwrap();
                model.members.insert(next, member);
                model.turns.insert(next, 1);
            }
            Step::Limit(limit) => {
                model.limit = limit;
                let admitted = store.put_concurrency_groups(groups(limit)).await.unwrap();
                let mut expected: Vec<_> = KEYS.into_iter().flat_map(|key| model.admit(key)).collect();
                let mut admitted: Vec<_> = admitted.into_iter().collect();
                expected.sort_unstable();
                admitted.sort_unstable();
                assert_eq!(admitted, expected, "{context}");
            }
            Step::Crash => {
                store.close().await.unwrap();
                store = crate::open(&folder.url()).await.unwrap();
            }
        }
        compare(&*store, &model, &context).await;
    }
    // Everybody gets a place in the end, and nothing is left of the keys.
    while let Some((number, (key, state))) = model.members.pop_first() {
        assert!(state != State::Pending || model.count(key, State::Active) > 0 || !model.is_free(key));
        let admitted =
            store.commit(next_turn(&*store, number, State::Completed, true, false).await).await.unwrap();
        assert_eq!(admitted.admitted, model.admit(key));
    }
    assert_eq!(left_rows(&folder), 0);
}

fn groups(limit: Option<u32>) -> Vec<ConcurrencyGroup> {
    limit.map(|limit| ConcurrencyGroup { name: GROUP.to_owned(), limit }).into_iter().collect()
}

async fn next_turn(
    store: &dyn Store,
    number: u8,
    state: State,
    has_ended: bool,
    needs_no_place: bool,
) -> Commit {
    let row = store.instance(kit::id(number)).await.unwrap().unwrap();
    let turn = row.turn;
    let row = Instance { state, ended_at: has_ended.then_some(9), turn: turn + 1, ..row };
    let update = Update { needs_no_place, ..Update::of_row(row, turn) };
    Commit { writes: vec![Write::Update(update)], ..Commit::default() }
}

/// The rows, and what the store says of those that wait, are what the rule says.
async fn compare(store: &dyn Store, model: &Model, context: &str) {
    for (number, (key, state)) in &model.members {
        let row = store.instance(kit::id(*number)).await.unwrap().unwrap();
        assert_eq!((row.state, row.turn), (*state, model.turns[number]), "{context}: {number}");
        let shown = store.waiting_for_place(vec![row.id]).await.unwrap();
        assert_eq!(shown.len(), usize::from(*state == State::Pending), "{context}: {number}");
        for waiting in shown {
            assert_eq!(waiting.limit, model.limit, "{context}");
            let counts = [State::Active, State::Pending].map(|state| model.count(key, state) as u64);
            assert_eq!([waiting.running, waiting.waiting], counts, "{context}");
        }
    }
}

/// How many keys and members are left in the file.
fn left_rows(folder: &Folder) -> i64 {
    let file = rusqlite::Connection::open(folder.file()).unwrap();
    let count = "SELECT (SELECT count(*) FROM concurrency_key) + (SELECT count(*) FROM concurrency_member)";
    file.query_row(count, [], |row| row.get(0)).unwrap()
}
