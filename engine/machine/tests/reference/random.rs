//! Random graphs, and random happenings.

use proptest::{prelude::*, strategy::BoxedStrategy};

use crate::graph::{
    Action, Branch, ERRORS, Entry, Exit, Graph, Handler, Happening, Kind, Outcome, State, What, WorkflowLimit,
};

/// A random graph. The targets of states that may end at once are behind them, so that each way comes to a wait or to the end.
pub(crate) fn graph() -> impl Strategy<Value = Graph> {
    let undo = (actions(1), handlers(), exit()).prop_map(|(actions, handlers, exit)| State {
        kind: Kind::Operation { actions, parallel: false },
        exit: Exit { compensates: false, ..exit },
        handlers,
        compensated_by: None,
        total: None,
        single: None,
        action_limit: None,
        filters: false,
    });
    let last = (actions(1), any::<bool>()).prop_map(|(actions, produces)| State {
        kind: Kind::Operation { actions, parallel: false },
        exit: Exit { to: usize::MAX, produces, compensates: false },
        handlers: Vec::new(),
        compensated_by: None,
        total: None,
        single: None,
        action_limit: None,
        filters: false,
    });
    let limit = (1..20_i64, any::<bool>(), prop::option::of(last))
        .prop_map(|(seconds, interrupts, run_before)| WorkflowLimit { seconds, interrupts, run_before });
    let states = prop::collection::vec(state(), 1..6);
    let undos = prop::collection::vec(undo, 2);
    (states, undos, prop::bool::weighted(0.3), prop::option::weighted(0.4, limit)).prop_map(
        |(mut states, mut undos, auto_retries, limit)| {
            aim(&mut states);
            aim(&mut undos);
            for undo in &mut undos {
                undo.handlers.iter_mut().for_each(|handler| handler.exit.compensates = false);
            }
            Graph { states, undos, auto_retries, limit }
        },
    )
}

/// Makes the targets of states indexes of states.
fn aim(states: &mut [State]) {
    let all = states.len();
    for (index, state) in states.iter_mut().enumerate() {
        let waits = match &state.kind {
            Kind::Sleep(_) | Kind::Event { .. } | Kind::Switch { .. } => true,
            Kind::Callback { action, .. } => matches!(action.what, What::Call),
            _ => false,
        };
        let aim = |exit: &mut Exit| {
            exit.to = if waits { exit.to % (all + 1) } else { index + 1 + exit.to % (all - index) };
        };
        aim(&mut state.exit);
        state.handlers.iter_mut().for_each(|handler| aim(&mut handler.exit));
        match &mut state.kind {
            Kind::Choose { then, .. } => aim(then),
            Kind::Switch { conditions, .. } => conditions.iter_mut().for_each(|(_, exit)| aim(exit)),
            _ => {}
        }
    }
}

fn exit() -> impl Strategy<Value = Exit> {
    (0..1000_usize, any::<bool>(), prop::bool::weighted(0.2)).prop_map(|(to, produces, compensates)| Exit {
        to,
        produces,
        compensates,
    })
}

fn handlers() -> impl Strategy<Value = Vec<Handler>> {
    let errors = prop::sample::subsequence((0..ERRORS.len()).collect::<Vec<_>>(), 1..4).prop_shuffle();
    prop::collection::vec((errors, exit()).prop_map(|(errors, exit)| Handler { errors, exit }), 0..3)
}

fn limit(likely: f64) -> impl Strategy<Value = Option<i64>> {
    prop::option::weighted(likely, 1..4_i64)
}

fn state() -> impl Strategy<Value = State> {
    let limits = (prop::option::weighted(0.2, 1..8_i64), limit(0.1), limit(0.2));
    let others = (prop::option::weighted(0.4, 0..2_usize), limits, prop::bool::weighted(0.2));
    (kind(), exit(), handlers(), others).prop_map(
        |(kind, exit, handlers, (compensated_by, (total, single, action_limit), filters))| {
            let is_one_after_the_other = matches!(kind, Kind::Operation { parallel: false, .. });
            let has_actions = matches!(
                kind,
                Kind::Operation { .. } | Kind::ForEach { .. } | Kind::Event { .. } | Kind::Callback { .. }
            );
            State {
                total,
                single: single.filter(|_| is_one_after_the_other),
                action_limit: action_limit.filter(|_| has_actions),
                kind,
                exit,
                handlers,
                compensated_by,
                filters,
            }
        },
    )
}

fn kind() -> BoxedStrategy<Kind> {
    let some = |most: usize| prop::sample::subsequence(vec![0, 1, 2, 3], 1..=most).prop_shuffle();
    let entry = (some(2), actions(0), any::<bool>()).prop_map(|(events, actions, parallel)| Entry {
        events,
        parallel: parallel && !actions.is_empty(),
        actions,
    });
    let branch = (actions(1), limit(0.2), limit(0.2)).prop_map(|(actions, limit, action_limit)| Branch {
        actions,
        limit,
        action_limit,
    });
    let element_actions = prop::collection::vec(action(), 1..3).prop_map(|mut actions| {
        for action in &mut actions {
            action.uses_results = true;
        }
        actions
    });
    let conditions = (some(3), prop::collection::vec(exit(), 3))
        .prop_map(|(events, exits)| events.into_iter().zip(exits).collect());
    prop_oneof![
        1 => (0..9_i64).prop_map(Kind::Inject),
        1 => (1..3_i64).prop_map(Kind::Sleep),
        1 => (0..3_i64, exit()).prop_map(|(above, then)| Kind::Choose { above, then }),
        5 => (actions(1), prop::bool::weighted(0.3))
            .prop_map(|(actions, parallel)| Kind::Operation { actions, parallel }),
        4 => (prop::collection::vec(branch, 1..4), prop::option::weighted(0.4, 1..4_usize)).prop_map(
            |(branches, at_least)| Kind::Parallel { at_least: at_least.map(|number| number.min(branches.len())), branches }
        ),
        4 => (0..5_usize, prop::option::of(1..4_usize), element_actions, prop::bool::weighted(0.8)).prop_map(
            |(length, batch, actions, collects)| Kind::ForEach { length, batch, actions, collects }
        ),
        2 => (any::<bool>(), prop::collection::vec(entry, 1..4), limit(0.4))
            .prop_map(|(exclusive, entries, limit)| Kind::Event { exclusive, entries, limit }),
        1 => (conditions, limit(0.4)).prop_map(|(conditions, limit)| Kind::Switch { conditions, limit }),
        2 => (action(), 0..4_usize, limit(0.4))
            .prop_map(|(action, event, limit)| Kind::Callback { action, event, limit }),
    ]
    .boxed()
}

fn actions(least: usize) -> impl Strategy<Value = Vec<Action>> {
    prop::collection::vec(action(), least..4)
}

fn action() -> impl Strategy<Value = Action> {
    let what = prop_oneof![
        8 => Just(What::Call),
        3 => Just(What::Count),
        1 => Just(What::Fail),
        3 => Just(What::Subflow),
        2 => (0..4_usize, limit(0.4)).prop_map(|(event, limit)| What::Ask(event, limit)),
        1 => Just(What::Tell),
        1 => Just(What::Fire),
        1 => any::<bool>().prop_map(What::Detach),
    ];
    let rarely = || prop::bool::weighted(0.1);
    let flags = (rarely(), rarely(), any::<bool>(), prop::bool::weighted(0.9), any::<bool>());
    (what, prop::option::weighted(0.2, 0..3_i64), flags, prop::option::of(0..2_usize)).prop_map(
        |(what, below, (before, after, to, uses_results, lists_errors), retry)| Action {
            what,
            below,
            before,
            after,
            to,
            uses_results,
            retry,
            lists_errors,
        },
    )
}

pub(crate) fn happening() -> impl Strategy<Value = Happening> {
    let one_of = |values: [&'static str; 2]| prop_oneof![1 => Just(None), 3 => Just(Some(values[0].to_owned())), 1 => Just(Some(values[1].to_owned()))];
    let outcome = prop_oneof![
        6 => Just(Outcome::Result),
        1 => Just(Outcome::Status(500)),
        1 => Just(Outcome::Status(404)),
        1 => Just(Outcome::Status(418)),
        1 => Just(Outcome::Named),
        1 => Just(Outcome::Lost),
    ];
    prop_oneof![
        40 => (any::<usize>(), outcome).prop_map(|(which, outcome)| Happening::Answer(which, outcome)),
        30 => (0..4_usize, one_of(["7", "8"]), one_of(["ana", "bob"]))
            .prop_map(|(event, key, user)| Happening::Event { event, key, user }),
        20 => (1..4_i64).prop_map(Happening::Time),
        1 => Just(Happening::Abort),
    ]
}
