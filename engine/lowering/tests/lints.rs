//! Warnings about probable mistakes in expressions. The workflow runs in spite of them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use rondo_definition::Diagnostic;

const FLOW: &str = "id: slips
version: '1.0'
specVersion: '0.8'
name: slips
start: Loop
functions:
- {name: log, type: custom, operation: sysout}
- {name: unused, type: expression, operation: '.a | foo('}
states:
- name: Loop
  type: foreach
  inputCollection: .list
  iterationParam: element
  actions:
  - {name: known, functionRef: {refName: log, arguments: {message: '${ [$element, $WORKFLOW.id, $SECRET.a, $CONST.b] }'}}}
  - {name: bound, functionRef: {refName: log, arguments: {message: '${ .a as $x | $x }'}}}
  - {name: slip, functionRef: {refName: log, arguments: {message: '${ $elemen }'}}}
  - {name: member, functionRef: {refName: log, arguments: {message: '${ $WORKFLOW.instanceID }'}}}
  - {name: broken, functionRef: {refName: log, arguments: {message: '${ .a + }'}}}
  - {name: text, functionRef: {refName: log, arguments: {message: 'costs $5 and .a +'}}}
  end: true
";

#[test]
fn probable_mistakes_are_warnings_at_their_places() {
    let (document, problems) = rondo_definition::parse("slips.sw.yaml", FLOW);
    assert_eq!(problems, []);
    let (_, warnings) = rondo_lowering::lower(&document.unwrap());
    assert!(!warnings.iter().any(Diagnostic::is_error));
    let lines: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    slips.sw.yaml:17:67: warning[RON0204]: state `Loop`: action `slip`: arguments: `$elemen` has no value, unless a calling workflow's foreach gives it one
    slips.sw.yaml:18:69: warning[RON0204]: state `Loop`: action `member`: arguments: `$WORKFLOW` has no member `instanceID`
    slips.sw.yaml:19:69: warning[RON0202]: state `Loop`: action `broken`: arguments: `${ .a + }` is not a valid expression, so it is taken as text: it ends where term is expected
    slips.sw.yaml:8:47: warning[RON0206]: function `unused`, which nothing uses: `.a | foo(` is not a valid expression: it ends where closing parenthesis is expected
    ");
}

const PUBLISHER: &str = "id: teller
version: '1.0'
specVersion: '0.8'
start: Tell
events:
- {name: placed, type: order.placed, source: /orders, kind: produced}
states:
- name: Tell
  type: inject
  data: {}
  end:
    produceEvents:
    - {eventRef: placed, contextAttributes: {subject: a, OrderNumber: b, order-number: c, Time: d, 'ü': e}}
    - {eventRef: placed, contextAttributes: {order_id: '1', kogitobusinesskey: k}}
";

#[test]
fn names_that_no_attribute_can_have_are_warnings() {
    let (document, problems) = rondo_definition::parse("teller.sw.yaml", PUBLISHER);
    assert_eq!(problems, []);
    let (_, warnings) = rondo_lowering::lower(&document.unwrap());
    let lines: Vec<_> = warnings
        .iter()
        .map(|warning| format!("{warning}\n  help: {}", warning.help.as_deref().unwrap_or_default()))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    teller.sw.yaml:13:88: warning[RON0520]: state `Tell`: produceEvents: the attribute `order-number` of event `placed` has a name that CloudEvents does not allow, and is left out
      help: a name consists of the letters a to z and digits, such as `ordernumber`
    teller.sw.yaml:13:97: warning[RON0520]: state `Tell`: produceEvents: the attribute `Time` of event `placed` cannot be set here, and is left out: the engine or the definition of the event sets it
      help: choose another name; only `subject` is both an attribute of CloudEvents and free
    teller.sw.yaml:13:105: warning[RON0520]: state `Tell`: produceEvents: the attribute `ü` of event `placed` has a name that CloudEvents does not allow, and is left out
      help: a name consists of the letters a to z and digits
    teller.sw.yaml:14:56: warning[RON0520]: state `Tell`: produceEvents: the attribute `order_id` of event `placed` has a name that CloudEvents does not allow, and is left out
      help: a name consists of the letters a to z and digits, such as `orderid`
    ");
}
