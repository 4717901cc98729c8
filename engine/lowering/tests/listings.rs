//! The listings of the programs for each construct. Stored instances refer to the labels in them, so removing a label halts the instances
//! that are at it: change a listing only on purpose.
//!
//! To accept changed listings, read them, then run `INSTA_UPDATE=always cargo test -p rondo-lowering --test listings`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use rondo_definition::{Compat, Options, parse_with};
use rondo_lowering::{Lowered, lower, lower_padded};

const FUNCTIONS: &str = "
functions:
- {name: ask, type: custom, operation: 'rest:post:/things'}
- {name: double, type: expression, operation: '.n * 2'}
- {name: log, type: custom, operation: 'sysout:WARN'}
events:
- {name: approved, source: desk, type: approved}
- {name: refused, source: desk, type: refused}
errors:
- {name: gone, code: '404'}
- {name: any, code: java.lang.Exception}
retries:
- {name: often, delay: PT1S, maxDelay: PT9S, multiplier: 2, maxAttempts: 5, jitter: 0.1}
";

/// For each listing its name, and the states of the workflow.
const CONSTRUCTS: &[(&str, &str)] = &[
    ("inject", "- {name: A, type: inject, data: {n: 1}, stateDataFilter: {input: .a, output: .b}, end: true}"),
    ("sleep", "- {name: A, type: sleep, duration: PT5M, end: {terminate: true}}"),
    (
        "operation",
        "- name: A
  type: operation
  actions:
  - name: first
    functionRef: {refName: ask, arguments: {n: '${ .n }', what: things}}
    condition: .n > 0
    sleep: {before: PT1S, after: PT2S}
    actionDataFilter: {fromStateData: .part, results: .answer, toStateData: .out}
    retryRef: often
  - {functionRef: double}
  - {functionRef: {refName: log, arguments: {message: 'n is ${ .n }'}}}
  - {subFlowRef: {workflowId: other, version: '2.0'}}
  - {functionRef: double, actionDataFilter: {useResults: false}}
  end: true",
    ),
    (
        "operation in parallel",
        "- {name: A, type: operation, actionMode: parallel, actions: [{functionRef: ask}, {functionRef: ask}], end: true}",
    ),
    (
        "parallel",
        "- name: A
  type: parallel
  completionType: atLeast
  numCompleted: 1
  timeouts: {branchExecTimeout: PT9S}
  branches:
  - {name: one, actions: [{functionRef: ask}]}
  - {name: two, timeouts: {branchExecTimeout: PT5S, actionExecTimeout: PT1S}, actions: [{functionRef: ask}, {functionRef: double}]}
  end: true",
    ),
    (
        "foreach",
        "- name: A
  type: foreach
  inputCollection: .list
  outputCollection: .results
  iterationParam: thing
  mode: parallel
  batchSize: 5
  actions: [{functionRef: {refName: ask, arguments: {thing: '${ $thing }'}}}, {functionRef: double}]
  end: true",
    ),
    (
        "foreach in one thread",
        "- {name: A, type: foreach, inputCollection: .list, actions: [{functionRef: ask}], end: true}",
    ),
    (
        "switch on data",
        "- name: A
  type: switch
  dataConditions:
  - {name: many, condition: .n > 9, transition: B}
  - {condition: .n > 3, end: true}
  defaultCondition: {transition: B}
- {name: B, type: inject, data: {}, end: true}",
    ),
    (
        "switch on events",
        "- name: A
  type: switch
  eventConditions:
  - {eventRef: approved, eventDataFilter: {data: .decision, toStateData: .approval}, transition: B}
  - {eventRef: refused, end: true}
  defaultCondition: {transition: B}
  timeouts: {eventTimeout: PT1H}
- {name: B, type: inject, data: {}, end: true}",
    ),
    (
        "event",
        "- name: A
  type: event
  exclusive: false
  onEvents:
  - {eventRefs: [approved], actions: [{functionRef: double}]}
  - {eventRefs: [refused], eventDataFilter: {useData: false}, actions: []}
  end: true",
    ),
    (
        "callback",
        "- name: A
  type: callback
  action: {functionRef: ask}
  eventRef: approved
  timeouts: {eventTimeout: PT1H, stateExecTimeout: PT2H}
  end: true",
    ),
    (
        "errors",
        "- name: A
  type: operation
  timeouts: {stateExecTimeout: PT1M, actionExecTimeout: PT5S}
  actions: [{name: ask, functionRef: ask}]
  onErrors:
  - {errorRef: gone, transition: B}
  - {errorRefs: [any], end: true}
  transition: B
- {name: B, type: inject, data: {}, end: true, metadata: {errorMessage: 'no ${ .n }'}}",
    ),
    (
        "compensation",
        "- {name: A, type: operation, actions: [{functionRef: ask}], compensatedBy: Undo, transition: {nextState: B, compensate: true}}
- {name: B, type: inject, data: {}, end: {compensate: true}}
- {name: Undo, type: operation, usedForCompensation: true, actions: [{functionRef: ask}]}",
    ),
    (
        "names that stand twice",
        "- {name: A/B, type: operation, actions: [{name: x, functionRef: ask}, {name: x, functionRef: ask}], transition: A}
- {name: A, type: operation, actions: [{name: B, functionRef: ask}], end: true}",
    ),
];

fn document(states: &str, more: &str) -> rondo_definition::Document {
    document_by(Compat::SonataFlow, states, more)
}

fn document_by(compat: Compat, states: &str, more: &str) -> rondo_definition::Document {
    let text = format!(
        "id: construct\nversion: '1.0'\nspecVersion: '0.8'\nstart: A\n{more}{FUNCTIONS}\nstates:\n{states}\n"
    );
    let text = text.replace(
        "start: A\n",
        &format!("start: {}\n", if states.starts_with("- {name: A/B") { "A/B" } else { "A" }),
    );
    let options = Options { compat, ..Options::default() };
    let (document, problems) = parse_with("construct.sw.yaml", &text, options);
    let errors: Vec<_> = problems.iter().filter(|problem| problem.is_error()).collect();
    document.unwrap_or_else(|| panic!("{errors:?}\n{text}"))
}

fn listing((lowered, problems): (Lowered, Vec<rondo_definition::Diagnostic>)) -> String {
    let errors: Vec<_> = problems.iter().filter(|problem| problem.is_error()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    lowered.program.to_string()
}

#[test]
fn each_construct_has_its_instructions() {
    for (name, states) in CONSTRUCTS {
        insta::assert_snapshot!(name.replace(' ', "-"), listing(lower(&document(states, ""))));
    }
}

#[test]
fn a_time_limit_of_the_workflow_runs_its_state_before_the_end() {
    let more = "timeouts: {workflowExecTimeout: {duration: PT1H, runBefore: Last}}\nkeepActive: true\n";
    let states = "- {name: A, type: sleep, duration: PT5M, end: true}\n- {name: Last, type: inject, data: {}, end: true}";
    insta::assert_snapshot!("workflow-timeout", listing(lower(&document(states, more))));
}

/// What has other instructions with `rondo.compat=spec`: filters that select nothing, elements with data of their own, waits whose end is no
/// error, an end of time without compensation.
#[test]
fn constructs_have_other_instructions_by_the_specification() {
    let more = "timeouts: {workflowExecTimeout: {duration: PT1H, runBefore: Last}}\n";
    let states = "- name: A
  type: foreach
  inputCollection: .list
  stateDataFilter: {input: .part}
  actions:
  - {functionRef: double}
  compensatedBy: Undo
  transition: B
- {name: B, type: callback, action: {functionRef: ask}, eventRef: approved, timeouts: {eventTimeout: PT1H}, end: true}
- {name: Last, type: inject, data: {}, end: true, metadata: {errorMessage: late}}
- {name: Undo, type: operation, usedForCompensation: true, actions: [{functionRef: ask}]}";
    let document = document_by(Compat::Spec, states, more);
    insta::assert_snapshot!("by-the-specification", listing(lower(&document)));
}

/// The line of the listing that says when instances start, and the problems of the schedule.
fn scheduled(schedule: &str, states: &str, compat: Compat) -> String {
    let text = format!(
        "id: scheduled\nspecVersion: '0.8'\nstart: {{stateName: A, schedule: {schedule}}}\n{FUNCTIONS}\nstates:\n{states}\n"
    );
    let options = Options { compat, ..Options::default() };
    let (document, problems) = parse_with("scheduled.sw.yaml", &text, options);
    let lowered = document.map(|document| lower(&document));
    let listing = lowered.as_ref().map_or(String::new(), |(lowered, _)| lowered.program.to_string());
    let all = problems.iter().chain(lowered.iter().flat_map(|(_, problems)| problems));
    let about = all.filter(|problem| ["RON0129", "RON0161"].contains(&problem.code.number));
    let lines = listing.lines().filter(|line| line.starts_with("started")).map(str::to_owned);
    lines.chain(about.map(ToString::to_string)).collect::<Vec<_>>().join("\n")
}

const FIRST: &str = "- {name: A, type: inject, data: {}, end: true}";
const BY_EVENT: &str =
    "- {name: A, type: event, onEvents: [{eventRefs: [approved], actions: []}], end: true}";

#[test]
fn schedules_have_a_line() {
    let mut lines = String::new();
    for (schedule, states) in [
        ("R/PT1H", FIRST),
        ("{cron: 0 0/15 * * * ?}", FIRST),
        (
            "{cron: {expression: ' 0 9  * * MON-FRI', validUntil: '2030-01-01T00:00:00'}, timezone: Europe/Berlin}",
            FIRST,
        ),
        ("{interval: R12/2026-01-31T09:00/P1M, timezone: America/New_York}", FIRST),
        ("2026-01-01T00:00:00Z/2026-02-01T00:00:00+01:00", BY_EVENT),
    ] {
        let line = scheduled(schedule, states, Compat::Spec);
        lines.push_str(&format!("{schedule}\n  {line}\n"));
    }
    insta::assert_snapshot!("schedules", lines);
}

#[test]
fn schedules_that_cannot_be_kept_to_are_named() {
    let mut lines = String::new();
    for (schedule, states) in [
        ("{cron: 0 0 31 2 *}", FIRST),
        ("{cron: 0 0 9 ? * 8}", FIRST),
        ("{cron: '61 * * * *'}", FIRST),
        ("{cron: {expression: 0 0 0 1 1 ? 2031, validUntil: '2030-01-01T00:00:00Z'}}", FIRST),
        ("R/PT0S", FIRST),
        ("R0/PT1H", FIRST),
        ("2026-02-01T00:00:00Z/2026-01-01T00:00:00Z", BY_EVENT),
        ("2026-01-01T00:00:00Z/2026-02-01T00:00:00Z", FIRST),
        ("R/PT2H", BY_EVENT),
    ] {
        let lenient = scheduled(schedule, states, Compat::SonataFlow);
        let strict = scheduled(schedule, states, Compat::Spec);
        let is_error = strict.contains(": error[");
        assert_eq!(is_error, lenient.contains("RON0129"), "{strict}");
        assert_eq!(
            strict,
            if is_error { lenient.replace(": warning[", ": error[") } else { lenient.clone() }
        );
        lines.push_str(&format!("{schedule}\n  {lenient}\n"));
    }
    insta::assert_snapshot!("schedules-that-cannot-be-kept-to", lines);
}

/// The same program has the same fingerprint, and another program has another fingerprint.
#[test]
fn the_fingerprint_changes_with_the_program() {
    let mut fingerprints = std::collections::HashSet::new();
    for (name, states) in CONSTRUCTS {
        let (one, _) = lower(&document(states, ""));
        let (other, _) = lower(&document(states, ""));
        let (padded, _) = lower_padded(&document(states, ""));
        assert_eq!(one.program.fingerprint(), other.program.fingerprint(), "{name}");
        assert_ne!(one.program.fingerprint(), padded.program.fingerprint(), "{name}");
        assert!(fingerprints.insert(one.program.fingerprint()), "{name}");
    }
}

/// Stored instances refer to labels, so each label is unique, and a padded program has the same labels.
#[test]
fn labels_are_unique_and_do_not_depend_on_the_build() {
    for (name, states) in CONSTRUCTS {
        let (lowered, _) = lower(&document(states, ""));
        let (padded, _) = lower_padded(&document(states, ""));
        for pc in (0..).take(lowered.program.code.len()) {
            let label = lowered.program.code.label(pc);
            assert_eq!(lowered.program.code.find(label), Some(pc), "{name}: {label}");
            assert!(padded.program.code.find(label).is_some(), "{name}: {label}");
        }
    }
}
