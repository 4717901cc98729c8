//! The errors and warnings of invalid documents, as their authors read them.

#![allow(clippy::unwrap_used)] // A helper of a test may fail the test.

use rondo_definition::{Compat, Diagnostic, Options, codes, parse_with};

/// The problems of a document with these states, and with `rest` at its top level.
fn problems(compat: Compat, states: &str, rest: &str) -> String {
    let text = format!("id: flow\nspecVersion: '0.8'\n{rest}states:\n{states}");
    let (_, diagnostics) = parse_with("flow.sw.yaml", &text, Options { compat, ..Options::default() });
    // Valid documents have these warnings too, because the engine does not support the constructs yet.
    let unsupported = [codes::WITHOUT_EFFECT];
    let found = diagnostics.iter().filter(|diagnostic| !unsupported.contains(&diagnostic.code));
    let lines: Vec<_> = found.map(line).collect();
    lines.join("\n")
}

fn line(diagnostic: &Diagnostic) -> String {
    match &diagnostic.help {
        Some(help) => format!("{diagnostic} (help: {help})"),
        None => diagnostic.to_string(),
    }
}

fn sonataflow(states: &str, rest: &str) -> String {
    problems(Compat::SonataFlow, states, rest)
}

/// The problems with the rules of `SonataFlow`. Checks that with the rules of the specification they have the same text and are all errors.
fn both(states: &str, rest: &str) -> String {
    let lenient = problems(Compat::SonataFlow, states, rest);
    let strict = problems(Compat::Spec, states, rest);
    assert_eq!(lenient.replace(": warning[", ": error["), strict);
    lenient
}

const INJECT: &str = "- {name: A, type: inject, data: {}, end: true}\n";

#[test]
fn types_and_properties() {
    insta::assert_snapshot!(
        sonataflow(
            "- name: A\n  type: operation\n  actions: {functionRef: f}\n  end: true\n\
             - type: inject\n  data: {}\n  end: true\n\
             - {name: C, type: teleport, end: true}\n\
             - {name: D, type: inject, data: {}, end: true, stateDataFiler: {}}\n\
             - {name: E, type: inject, data: {}, end: true, usedForCompensation: maybe}\n\
             - 7\n\
             - {name: G, end: true}\n",
            "annotations: x\nexpressionLang: cel\nevent: []\n"
        ),
        @r"
        flow.sw.yaml:3:14: error[RON0101]: workflow: `annotations` must be a list, not text
        flow.sw.yaml:4:17: error[RON0105]: workflow: `expressionLang` is `cel`, but must be one of jq, jsonpath
        flow.sw.yaml:5:1: warning[RON0141]: workflow: there is no property `event`; it has no effect (help: `events` has a similar name)
        flow.sw.yaml:9:12: error[RON0101]: state `A`: `actions` must be a list, not an object
        flow.sw.yaml:11:3: error[RON0102]: state 2: `name` is missing; it must be text
        flow.sw.yaml:14:19: error[RON0105]: state `C`: `type` is `teleport`, but must be one of operation, switch, inject, sleep, parallel, foreach, event, callback
        flow.sw.yaml:15:48: error[RON0104]: state `D`: there is no property `stateDataFiler` here (help: `stateDataFilter` has a similar name)
        flow.sw.yaml:16:69: error[RON0101]: state `E`: `usedForCompensation` must be true or false, not text
        flow.sw.yaml:17:3: error[RON0101]: state 6 must be an object, not a number
        flow.sw.yaml:18:3: error[RON0102]: state `G`: `type` is missing; it must be text
        "
    );
}

#[test]
fn documents_without_a_workflow() {
    let check = |text: &str| {
        let (document, diagnostics) = rondo_definition::parse("flow.sw.yaml", text);
        assert!(document.is_none());
        diagnostics.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(check("just text\n"), @"flow.sw.yaml:1:1: error[RON0101]: workflow must be an object, not text");
    insta::assert_snapshot!(check("name: x\nstates: []\n"), @r"
    flow.sw.yaml:1:1: error[RON0102]: workflow: `states` is missing; it must be a list with at least one element
    flow.sw.yaml:1:1: error[RON0102]: workflow: one of `id` and `key` is required
    flow.sw.yaml:1:1: warning[RON0107]: workflow: `specVersion` is missing (help: write specVersion: '0.8')
    ");
    insta::assert_snapshot!(check("id: a/b\nspecVersion: '1.0'\nstates: [{name: A, type: inject, data: {}, end: true}]\n"), @r"
    flow.sw.yaml:1:5: error[RON0136]: workflow: the id `a/b` cannot be a part of a path (help: use letters, digits, `-`, `_` and `.`)
    flow.sw.yaml:2:14: warning[RON0107]: workflow: `specVersion` is `1.0`; the document is read as 0.8
    ");
    insta::assert_snapshot!(check("document: {dsl: '1.0.0'}\ndo: []\n"), @"flow.sw.yaml:1:1: error[RON0005]: this is a document of the Serverless Workflow DSL 1.0 (`document`, `do`); only 0.8 is served");
}

#[test]
fn start_and_transitions() {
    insta::assert_snapshot!(
        sonataflow(
            "- {name: Approve, type: inject, data: {}, transition: {nextState: Reject}}\n\
             - {name: B, type: inject, data: {}, transition: Aprove}\n\
             - {name: C, type: inject, data: {}}\n\
             - {name: D, type: inject, data: {}, transition: B, end: true}\n\
             - {name: E, type: inject, data: {}, end: false}\n\
             - {name: B, type: inject, data: {}, end: true}\n",
            "start: Begin\n"
        ),
        @r"
        flow.sw.yaml:3:8: error[RON0103]: Workflow does not define a starting state: `start` is `Begin`, and no state has this name
        flow.sw.yaml:5:67: error[RON0103]: There is no state for transition Reject originated in Approve; it connects to nothing
        flow.sw.yaml:6:49: error[RON0103]: There is no state for transition Aprove originated in B; it connects to nothing (help: `Approve` has a similar name)
        flow.sw.yaml:7:3: error[RON0122]: state `C`: one of `transition` and `end` is required, otherwise it connects to nothing (help: `end: true` ends the workflow there)
        flow.sw.yaml:8:57: error[RON0122]: state `D`: only one of `transition` and `end` may be given
        flow.sw.yaml:9:3: error[RON0122]: state `E`: one of `transition` and `end` is required, otherwise it connects to nothing (help: `end: true` ends the workflow there)
        flow.sw.yaml:10:3: error[RON0120]: There are duplicated state definitions: State B appears 2 times
        "
    );
    insta::assert_snapshot!(sonataflow(INJECT, "start: {schedule: R/PT1H}\n"), @"flow.sw.yaml:3:8: error[RON0102]: start: `stateName` is missing; it must be text");
}

#[test]
fn functions_and_actions() {
    insta::assert_snapshot!(
        sonataflow(
            "- name: A\n  type: operation\n  end: true\n  actions:\n\
             \x20 - functionRef: fech\n\
             \x20 - {name: log, functionRef: {refName: log}}\n\
             \x20 - {functionRef: {refName: log, arguments: {text: x}}}\n\
             \x20 - {functionRef: {refName: log, arguments: {message: x}}}\n\
             \x20 - {name: nothing}\n\
             \x20 - {functionRef: fetch, sleep: {before: 5 minutes}}\n\
             \x20 - {functionRef: fetch, sleep: {}}\n\
             \x20 - {functionRef: {refName: fetch, invoke: later}, actionFilter: {}}\n\
             \x20 - functionRef: brought:along\n",
            "extensions: [{extensionid: workflow-function-namespaces, namespaces: [brought]}, {extensionid: mine}]\n\
             functions:\n\
             - {name: fetch, operation: a.yaml#get}\n\
             - {name: fetch, operation: a.yaml#get}\n\
             - {name: log, type: custom, operation: 'sysout:INFO'}\n\
             - {name: plain, operation: 'rest:get:/x'}\n\
             - {name: soap, type: soap, operation: x}\n\
             - {name: none}\n"
        ),
        @r"
        flow.sw.yaml:3:96: warning[RON0108]: the extension `mine` is not known and has no effect
        flow.sw.yaml:6:3: error[RON0120]: There are duplicated function definitions: Function fetch appears 2 times
        flow.sw.yaml:8:28: error[RON0133]: function `plain`: the operation `rest:get:/x` has not the form DOCUMENT#OPERATION of its type (help: operations such as rest:get:/path or sysout need `type: custom`)
        flow.sw.yaml:9:22: error[RON0105]: function `soap`: `type` is `soap`, but must be one of rest, asyncapi, rpc, graphql, odata, expression, custom
        flow.sw.yaml:10:3: error[RON0102]: function `none`: `operation` is missing; it must be text
        flow.sw.yaml:16:18: error[RON0110]: state `A`, action 1: Cannot find function fech (help: `fetch` has a similar name)
        flow.sw.yaml:17:40: error[RON0128]: state `A`, action `log`: Arguments cannot be null for function log (help: give it `arguments: {message: …}`)
        flow.sw.yaml:18:29: error[RON0128]: state `A`, action 3: Missing mandatory message argument for function log (help: give it `arguments: {message: …}`)
        flow.sw.yaml:20:5: error[RON0130]: state `A`, action `nothing`: one of `functionRef`, `eventRef` and `subFlowRef` is required
        flow.sw.yaml:21:42: error[RON0126]: state `A`, action 6, sleep: `before`: `5 minutes` is not an ISO 8601 duration such as PT30S, PT1H30M or P2D
        flow.sw.yaml:22:33: error[RON0102]: state `A`, action 7: `before` is missing; it must be a duration, here or as `after`
        flow.sw.yaml:23:44: error[RON0105]: state `A`, action 8: `invoke` is `later`, but must be one of sync, async
        flow.sw.yaml:23:52: error[RON0104]: state `A`, action 8: there is no property `actionFilter` here (help: `actionDataFilter` has a similar name)
        "
    );
}

#[test]
fn events() {
    insta::assert_snapshot!(
        both(
            "- name: A\n  type: event\n  onEvents: [{eventRefs: [ghost, done, done]}, {eventRefs: []}]\n  end: true\n\
             - {name: B, type: callback, action: {eventRef: {triggerEventRef: asked}}, end: true}\n\
             - {name: C, type: callback, eventRef: asked, end: {produceEvents: [{eventRef: asked}, {eventRef: gost}]}}\n",
            "events:\n- {name: asked, type: asked}\n- {name: done, type: done, kind: produced}\n- {name: x, source: y}\n"
        ),
        @r"
        flow.sw.yaml:4:3: warning[RON0140]: event `asked`: `source` is required for a consumed event
        flow.sw.yaml:6:3: error[RON0102]: event `x`: `type` is missing; it must be text
        flow.sw.yaml:10:27: error[RON0111]: state `A`: No event for ghost: no event definition has this name
        flow.sw.yaml:10:34: warning[RON0131]: state `A`: the event `done` is awaited here, but its `kind` is produced
        flow.sw.yaml:10:40: error[RON0120]: state `A`: the event `done` stands twice in `eventRefs`
        flow.sw.yaml:10:40: warning[RON0131]: state `A`: the event `done` is awaited here, but its `kind` is produced
        flow.sw.yaml:10:48: error[RON0102]: state `A`, onEvents: `eventRefs` is missing; it must be a list with at least one element
        flow.sw.yaml:12:3: error[RON0102]: state `B`: `eventRef` is missing; it must be text
        flow.sw.yaml:12:48: warning[RON0140]: state `B`, action 1: `resultEventRef` is required in `eventRef` (help: without it the event is only published)
        flow.sw.yaml:13:3: warning[RON0140]: state `C`: `action` is required (help: without it the state only waits for its event)
        flow.sw.yaml:13:79: warning[RON0131]: state `C`: the event `asked` is published here, but its `kind` is consumed
        flow.sw.yaml:13:98: error[RON0111]: state `C`: No event for gost: no event definition has this name
        "
    );
}

#[test]
fn errors_and_retries() {
    let states = "- name: A\n  type: operation\n  actions:\n\
                  \x20 - {functionRef: f, retryRef: slow, retryableErrors: [Reel, Real]}\n\
                  \x20 - {functionRef: f, nonRetryableErrors: [Real]}\n\
                  \x20 onErrors:\n  - {errorRef: NoSuch, end: true}\n  - {end: true}\n  end: true\n";
    let functions = "functions: [{name: f, type: expression, operation: .x}]\n";
    insta::assert_snapshot!(problems(Compat::SonataFlow, states, functions), @r"
    flow.sw.yaml:8:32: warning[RON0113]: state `A`, action 1: there is no retry definition `slow`
    flow.sw.yaml:8:56: warning[RON0138]: state `A`, action 1: there is no error definition `Reel` for `retryableErrors`
    flow.sw.yaml:8:62: warning[RON0138]: state `A`, action 1: there is no error definition `Real` for `retryableErrors`
    flow.sw.yaml:11:16: error[RON0112]: state `A`: Cannot find any error definition for errorRef `NoSuch`; the workflow should contain errors property
    flow.sw.yaml:12:5: error[RON0102]: state `A`, onErrors: `errorRef` is missing; it must be text, or a list `errorRefs`
    ");
    insta::assert_snapshot!(
        problems(
            Compat::Spec,
            states,
            &format!(
                "{functions}errors: [{{name: Real, code: '1'}}]\nretries:\n\
                 - {{name: slowly, delay: 5s, maxAttempts: -1, multiplier: x, jitter: 2}}\n"
            )
        ),
        @r"
        flow.sw.yaml:6:25: error[RON0139]: retry `slowly`: `delay`: `5s` is not an ISO 8601 duration such as PT30S, PT1H30M or P2D
        flow.sw.yaml:6:42: error[RON0143]: retry `slowly`: `maxAttempts` is `-1`, but must be a whole number of at least 0
        flow.sw.yaml:6:58: error[RON0143]: retry `slowly`: `multiplier` is `x`, but must be a number of at least 0
        flow.sw.yaml:6:69: error[RON0143]: retry `slowly`: `jitter` is `2`, but must be a number from 0 to 1 or a duration
        flow.sw.yaml:11:32: error[RON0113]: state `A`, action 1: there is no retry definition `slow` (help: `slowly` has a similar name)
        flow.sw.yaml:11:56: error[RON0138]: state `A`, action 1: there is no error definition `Reel` for `retryableErrors` (help: `Real` has a similar name)
        flow.sw.yaml:12:43: warning[RON0134]: state `A`, action 2: `nonRetryableErrors` has no effect, since `autoRetries` is not true
        flow.sw.yaml:14:16: error[RON0112]: state `A`: Cannot find any error definition for errorRef `NoSuch`
        flow.sw.yaml:15:5: error[RON0102]: state `A`, onErrors: `errorRef` is missing; it must be text, or a list `errorRefs`
        "
    );
}

#[test]
fn switches() {
    insta::assert_snapshot!(
        sonataflow(
            "- {name: None, type: switch, defaultCondition: {end: true}}\n\
             - name: Both\n  type: switch\n  dataConditions: [{condition: .a, end: true}]\n  eventConditions: [{eventRef: e, end: true}]\n  defaultCondition: {end: true}\n\
             - {name: Own way, type: switch, transition: None, dataConditions: [{condition: .a, end: true}]}\n\
             - {name: Open, type: switch, dataConditions: [{name: ok, condition: .a}, {end: true}], defaultCondition: {}}\n",
            "events: [{name: e, type: e, source: s}]\n"
        ),
        @r#"
        flow.sw.yaml:5:3: error[RON0123]: No dataConditions or eventConditions where found for the switch state "None"
        flow.sw.yaml:9:3: error[RON0123]: Both dataConditions and eventConditions where found for the switch state "Both"; it can have one of them
        flow.sw.yaml:11:3: warning[RON0149]: state `Own way`: `defaultCondition` is required (help: without it the instance fails when no condition is true)
        flow.sw.yaml:11:45: error[RON0150]: state `Own way`: a switch has no `transition` of its own (help: put it into `defaultCondition`)
        flow.sw.yaml:12:47: error[RON0122]: state `Open`, condition `ok`: one of `transition` and `end` is required, otherwise it connects to nothing (help: `end: true` ends the workflow there)
        flow.sw.yaml:12:74: error[RON0102]: state `Open`, dataConditions: `condition` is missing; it must be text
        flow.sw.yaml:12:106: error[RON0122]: state `Open`, defaultCondition: one of `transition` and `end` is required, otherwise it connects to nothing (help: `end: true` ends the workflow there)
        "#
    );
}

#[test]
fn counts_and_branches() {
    insta::assert_snapshot!(
        sonataflow(
            "- {name: Few, type: parallel, completionType: atLeast, branches: [{name: a, actions: []}, {actions: []}], end: true}\n\
             - {name: Many, type: parallel, completionType: atLeast, numCompleted: 3, branches: [{name: a, actions: []}], end: true}\n\
             - {name: None, type: parallel, branches: [], end: true}\n\
             - {name: Self, type: parallel, branches: [{name: again, actions: [{subFlowRef: flow}]}], end: true}\n\
             - {name: Each, type: foreach, inputCollection: .a, batchSize: 1, actions: [], end: true}\n",
            ""
        ),
        @r"
        flow.sw.yaml:4:3: error[RON0102]: state `Few`: `numCompleted` is missing; it must be the number of branches that must end, as `completionType` is atLeast
        flow.sw.yaml:4:91: warning[RON0140]: state `Few`, branch 2: `name` is required: text
        flow.sw.yaml:5:71: error[RON0124]: state `Many`: `numCompleted` is 3, but must be from 1 to the number of branches, 1
        flow.sw.yaml:6:3: error[RON0102]: state `None`: `branches` is missing; it must be a list with at least one element
        flow.sw.yaml:7:80: error[RON0157]: state `Self`, branch `again`: the branch runs its own workflow `flow` as subflow
        flow.sw.yaml:8:63: warning[RON0151]: state `Each`: `batchSize` is 1, but must be a number above 1
        "
    );
}

#[test]
fn durations_and_time_limits() {
    insta::assert_snapshot!(
        sonataflow(
            "- {name: Nap, type: sleep, duration: 5 minutes, end: true}\n\
             - {name: Month, type: sleep, duration: P1M, end: true}\n\
             - {name: Days, type: sleep, duration: PT30D, end: true}\n\
             - {name: Late, type: callback, action: {functionRef: f}, eventRef: e, timeouts: {eventTimeout: P1M}, end: true}\n\
             - {name: Fine, type: callback, action: {functionRef: f}, eventRef: e, timeouts: {eventTimeout: '${ .t }'}, end: true}\n\
             - {name: Busy, type: operation, actions: [], timeouts: {eventTimeout: PT1M, workflowExecTimeout: PT1M}, end: true}\n\
             - {name: Slow, type: operation, actions: [], timeouts: {actionExecTimeout: soon, stateExecTimeout: {single: PT1S}}, end: true}\n\
             - {name: Switch, type: switch, eventTimeout: PT1S, eventConditions: [{eventRef: e, end: true}], defaultCondition: {end: true}}\n",
            "functions: [{name: f, type: expression, operation: .x}]\nevents: [{name: e, type: e, source: s}]\n\
             timeouts: {workflowExecTimeout: {duration: PT1H, runBefore: Nape}}\n"
        ),
        @r#"
        flow.sw.yaml:5:61: warning[RON0146]: workflow, timeouts: `runBefore` names `Nape`, and no state has this name (help: `Nap` has a similar name)
        flow.sw.yaml:7:38: error[RON0126]: state `Nap`: `duration`: `5 minutes` is not an ISO 8601 duration such as PT30S, PT1H30M or P2D
        flow.sw.yaml:8:40: error[RON0126]: state `Month`: `duration`: `P1M` has months or years, whose length is not fixed; write days
        flow.sw.yaml:9:39: warning[RON0106]: state `Days`: `duration` is `PT30D`, with days or weeks behind the `T` (help: write days as P30D, weeks as P2W)
        flow.sw.yaml:10:96: error[RON0126]: An invalid "eventTimeout": "P1M" configuration was provided for the state "Late": it must be an ISO 8601 duration such as PT30S or P2D (no months, no years), or an expression
        flow.sw.yaml:12:71: warning[RON0148]: state `Busy`: `eventTimeout` has no meaning here
        flow.sw.yaml:12:98: error[RON0127]: state `Busy`: `workflowExecTimeout` has no meaning here (help: it belongs to the `timeouts` of the workflow)
        flow.sw.yaml:13:76: warning[RON0139]: state `Slow`: `actionExecTimeout`: `soon` is not an ISO 8601 duration such as PT30S, PT1H30M or P2D
        flow.sw.yaml:13:100: warning[RON0140]: state `Slow`: `total` is required in `stateExecTimeout`
        flow.sw.yaml:14:32: warning[RON0106]: state `Switch`: `eventTimeout` belongs into `timeouts`
        "#
    );
}

#[test]
fn compensation() {
    insta::assert_snapshot!(
        sonataflow(
            "- {name: A, type: inject, data: {}, compensatedBy: Undo A, transition: B}\n\
             - {name: B, type: inject, data: {}, compensatedBy: Undo, transition: Undo A}\n\
             - {name: C, type: inject, data: {}, compensatedBy: B, end: true}\n\
             - {name: Undo A, type: inject, data: {}, usedForCompensation: true, compensatedBy: Undo B}\n\
             - {name: Undo B, type: inject, data: {}, usedForCompensation: true, transition: C}\n",
            ""
        ),
        @r"
        flow.sw.yaml:5:52: error[RON0103]: State B refers to a compensation Undo which cannot be found: no state has the name in `compensatedBy` (help: `Undo A` has a similar name)
        flow.sw.yaml:5:70: error[RON0125]: state `B`: the transition leads to `Undo A`, which is `usedForCompensation`
        flow.sw.yaml:6:52: error[RON0159]: state `C`: `compensatedBy` names `B`, which is not `usedForCompensation: true`
        flow.sw.yaml:7:84: error[RON0158]: Serverless Workflow specification forbids nested compensations, hence state Undo A is not valid: it is `usedForCompensation` and has `compensatedBy` Undo B
        flow.sw.yaml:8:81: error[RON0125]: state `Undo B` is `usedForCompensation`, but leads to `C`, which is not
        "
    );
}

#[test]
fn schedules_and_successors() {
    let end = "- {name: Last, type: inject, data: {}, end: {terminate: false, continueAs: other}}\n";
    for (schedule, good) in [
        ("R/PT1H", true),
        ("R5/2026-01-01T00:00:00Z/PT1H", true),
        ("{cron: 0 0/15 * * * ?}", true),
        (
            "{cron: {expression: '0 9 * * MON-FRI', validUntil: '2026-11-05T08:15:30-05:00'}, timezone: Europe/Berlin}",
            true,
        ),
        ("{cron: every now and then}", false),
        ("{interval: hourly}", false),
        ("{interval: R/PT1H, cron: '0 * * * *'}", false),
        ("{interval: R/PT1H, timezone: Mars/Base}", false),
        ("{timezone: UTC}", false),
    ] {
        let found = sonataflow(INJECT, &format!("start: {{stateName: A, schedule: {schedule}}}\n"));
        assert_eq!(found.is_empty(), good, "{schedule}: {found}");
    }
    insta::assert_snapshot!(
        both(end, "start: {stateName: Last, schedule: {cron: every now and then, interval: R/PT1H}}\n"),
        @r"
        flow.sw.yaml:3:36: warning[RON0129]: start: the schedule has both `interval` (`R/PT1H`) and `cron` (`every now and then`); only one may be given
        flow.sw.yaml:3:43: warning[RON0129]: start: `cron` of the schedule is `every now and then`, which is no cron expression (help: five fields, minute first, or six or seven, second first)
        flow.sw.yaml:5:76: warning[RON0132]: state `Last`: `continueAs` cannot be given together with `terminate: false`
        "
    );
}

#[test]
fn credentials() {
    insta::assert_snapshot!(
        sonataflow(
            INJECT,
            "functions: [{name: f, operation: a#b, authRef: gost}]\n\
             auth:\n- {name: ghost, properties: {username: u}}\n- {name: b, scheme: bearer, properties: {}}\n\
             - {name: k, scheme: kerberos, properties: {}}\n- {name: s, properties: my-secret}\n- {name: none}\n\
             - {name: o, scheme: oauth2, properties: {grantType: implicit}}\n\
             - {name: p, scheme: oauth2, properties: {grantType: password, clientId: c, metadata: {tokenURL: u}}}\n"
        ),
        @r"
        flow.sw.yaml:3:48: warning[RON0114]: function `f`: there is no auth definition `gost` (help: `ghost` has a similar name)
        flow.sw.yaml:5:29: error[RON0102]: auth `ghost`: `password` is missing; it must be text
        flow.sw.yaml:6:41: error[RON0102]: auth `b`: `token` is missing; it must be text
        flow.sw.yaml:7:21: error[RON0105]: auth `k`: `scheme` is `kerberos`, but must be one of basic, bearer, oauth2
        flow.sw.yaml:9:3: error[RON0102]: auth `none`: `properties` is missing; it must be an object, or the name of a secret
        flow.sw.yaml:10:41: error[RON0102]: auth `o`: `authority` is missing; it must be text
        flow.sw.yaml:10:41: error[RON0102]: auth `o`: `clientId` is missing; it must be text
        flow.sw.yaml:10:53: error[RON0105]: auth `o`: `grantType` is `implicit`, but must be one of password, clientCredentials, tokenExchange
        "
    );
}

#[test]
fn names_of_earlier_specifications() {
    insta::assert_snapshot!(
        sonataflow(
            "- name: A\n  type: operation\n  actions:\n\
             \x20 - {functionRef: {refName: log, parameters: {message: x}}}\n\
             \x20 - {functionRef: {refName: get, parameters: {id: 1}}, actionDataFilter: {dataResultsPath: .a}}\n\
             \x20 transition: B\n  onErrors: [{error: any, transition: B}]\n\
             - {name: B, type: switch, dataConditions: [{condition: .a, end: true}], default: {end: true}}\n\
             - {name: C, type: foreach, inputCollection: .l, inputParameter: x, action: [], end: true}\n\
             - {name: D, typ: inject, data: {}, end: true}\n",
            "functions:\n- {name: log, type: custom, operation: sysout}\n- {name: get, operation: a.yaml#get}\nschemaVersion: '1'\n"
        ),
        @r"
        flow.sw.yaml:11:34: error[RON0128]: state `A`, action 1: Arguments cannot be null for function log, and `parameters` is none (help: did you mean `arguments`? `parameters` is its name in another version of the specification)
        flow.sw.yaml:12:34: warning[RON0142]: state `A`, action 2: there is no property `parameters` here (help: did you mean `arguments`? `parameters` is its name in another version of the specification)
        flow.sw.yaml:12:75: error[RON0104]: state `A`, action 2: there is no property `dataResultsPath` here (help: did you mean `results`? `dataResultsPath` is its name in another version of the specification)
        flow.sw.yaml:14:15: error[RON0104]: state `A`, onErrors: there is no property `error` here (help: did you mean `errorRef`? `error` is its name in another version of the specification)
        flow.sw.yaml:15:73: error[RON0104]: state `B`: there is no property `default` here (help: did you mean `defaultCondition`? `default` is its name in another version of the specification)
        flow.sw.yaml:16:49: error[RON0104]: state `C`: there is no property `inputParameter` here (help: did you mean `iterationParam`? `inputParameter` is its name in another version of the specification)
        flow.sw.yaml:16:68: error[RON0104]: state `C`: there is no property `action` here (help: `actions` has a similar name)
        flow.sw.yaml:17:13: error[RON0104]: state `D`: there is no property `typ` here (help: `type` has a similar name)
        "
    );
}

#[test]
fn a_definition_of_an_early_specification_is_one_problem() {
    let states = "- {name: A, type: SWITCH, start: {kind: default}, dataConditions: [{path: $.a, operator: equals, value: x}], default: {}}\n\
                  - {name: B, type: delay, timeDelay: PT1S, end: {kind: default}}\n";
    let early = |head: &str| {
        let text = format!("id: flow\n{head}states:\n{states}");
        let (_, problems) = rondo_definition::parse("flow.sw.yaml", &text);
        problems.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(early("specVersion: '0.5'\n"), @r"flow.sw.yaml:2:14: error[RON0162]: workflow: it is written for specification 0.5, whose form is another than that of 0.8: it has `kind` of an end, `operator` of a condition, `start` in a state, `default`, states of the types `delay` and `subflow`, `timeDelay`, types in capitals (help: write it anew for 0.8; `rondo explain RON0162` says what became of the names)");
    insta::assert_snapshot!(early(""), @r"flow.sw.yaml:1:1: error[RON0162]: workflow: it is written for specification 0.1 to 0.6, whose form is another than that of 0.8: it has `kind` of an end, `operator` of a condition, `start` in a state, `default`, states of the types `delay` and `subflow`, `timeDelay`, types in capitals (help: write it anew for 0.8; `rondo explain RON0162` says what became of the names)");
    assert!(
        !early("specVersion: '0.8'\n").contains("RON0162"),
        "a definition of 0.8 has the problems of its lines"
    );
}
