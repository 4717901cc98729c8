//! Graphs of states, and what happens to their instances.

use proptest::prelude::*;

/// An event that states wait for.
pub(crate) struct Definition {
    pub(crate) name: &'static str,
    pub(crate) event_type: &'static str,
    /// Whether it must have the key of the instance, which the first one binds.
    pub(crate) has_key: bool,
    /// Whether its user must be that of the data.
    pub(crate) has_user: bool,
}

pub(crate) const EVENTS: [Definition; 4] = [
    Definition { name: "plain", event_type: "t.plain", has_key: false, has_user: false },
    Definition { name: "keyed", event_type: "t.keyed", has_key: true, has_user: false },
    Definition { name: "mine", event_type: "t.mine", has_key: false, has_user: true },
    Definition { name: "both", event_type: "t.both", has_key: true, has_user: true },
];

/// Index of a state, or the number of states, which is the end.
pub(crate) type Target = usize;

/// A graph of states; the first one is an inject state before them.
#[derive(Debug, Clone)]
pub(crate) struct Graph(pub(crate) Vec<State>);

/// A state.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) kind: Kind,
    pub(crate) next: Target,
    /// Whether an event is published when it is left for `next`.
    pub(crate) produces: bool,
}

/// What a state does. Time limits are seconds.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Inject(i64),
    Sleep(i64),
    Event {
        exclusive: bool,
        /// The events of each entry.
        entries: Vec<Vec<usize>>,
        limit: Option<i64>,
        /// Where the end of the time leads, if an error handler takes it.
        handler: Option<Target>,
    },
    /// The events with where they lead; the state's next one is the default.
    Switch {
        conditions: Vec<(usize, Target)>,
        limit: Option<i64>,
    },
    Callback {
        event: usize,
        limit: Option<i64>,
        handler: Option<Target>,
    },
    /// Branches of actions, each of which publishes an event and waits for another one.
    Ask(Vec<Vec<usize>>),
}

/// What happens to an instance.
#[derive(Debug, Clone)]
pub(crate) enum Happening {
    Event {
        event: usize,
        key: Option<String>,
        user: Option<String>,
        number: i64,
    },
    /// Seconds pass.
    Time(i64),
}

/// A random graph. The targets of states that do not wait are behind them, so that each way comes to a wait or to the end.
pub(crate) fn graph() -> impl Strategy<Value = Graph> {
    let state = (kind(), any::<prop::sample::Index>(), any::<bool>());
    prop::collection::vec(state, 1..7).prop_map(|states| {
        let all = states.len();
        let states = states.into_iter().enumerate().map(|(index, (mut kind, next, produces))| {
            let target = |number: usize| number % (all + 1);
            match &mut kind {
                Kind::Event { handler, .. } | Kind::Callback { handler, .. } => {
                    *handler = handler.map(target);
                }
                Kind::Switch { conditions, .. } => {
                    for (_, to) in conditions.iter_mut() {
                        *to = target(*to);
                    }
                }
                _ => {}
            }
            let next = match kind {
                Kind::Inject(_) => index + 1 + next.index(all - index),
                _ => next.index(all + 1),
            };
            State { kind, next, produces }
        });
        Graph(states.collect())
    })
}

fn kind() -> impl Strategy<Value = Kind> {
    let limit = || prop::option::of(1..4_i64);
    let handler = || prop::option::of(0..100_usize);
    let some = |most: usize| prop::sample::subsequence(vec![0, 1, 2, 3], 1..=most).prop_shuffle();
    prop_oneof![
        1 => (0..9_i64).prop_map(Kind::Inject),
        1 => (1..3_i64).prop_map(Kind::Sleep),
        4 => (any::<bool>(), prop::collection::vec(some(2), 1..4), limit(), handler()).prop_map(
            |(exclusive, entries, limit, handler)| Kind::Event { exclusive, entries, limit, handler }
        ),
        2 => (some(3), prop::collection::vec(0..100_usize, 3), limit())
            .prop_map(|(events, targets, limit)| Kind::Switch { conditions: events.into_iter().zip(targets).collect(), limit }),
        2 => (0..4_usize, limit(), handler()).prop_map(|(event, limit, handler)| Kind::Callback { event, limit, handler }),
        2 => prop::collection::vec(prop::collection::vec(0..4_usize, 1..3), 1..4).prop_map(Kind::Ask),
    ]
}

pub(crate) fn happening() -> impl Strategy<Value = Happening> {
    let one_of = |values: [&'static str; 2]| prop_oneof![1 => Just(None), 3 => Just(Some(values[0].to_owned())), 1 => Just(Some(values[1].to_owned()))];
    prop_oneof![
        6 => (0..4_usize, one_of(["7", "8"]), one_of(["ana", "bob"]), 0..100_i64)
            .prop_map(|(event, key, user, number)| Happening::Event { event, key, user, number }),
        2 => (1..4_i64).prop_map(Happening::Time),
    ]
}
