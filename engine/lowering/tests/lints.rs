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

const TEXTS: &str = r#"id: texts
version: '1.0'
specVersion: '0.8'
name: texts
start: Say
functions:
- {name: log, type: custom, operation: sysout}
- {name: post, type: custom, operation: 'rest:post:https://h.test/a'}
errors:
- {name: known, code: java.net.ConnectException}
- {name: base, code: java.io.IOException}
- {name: everything, code: java.lang.Exception}
- {name: status, code: '404'}
- {name: timeout, code: TimedOut}
- {name: own, code: org.acme.OrderException}
- {name: slip, code: java.net.ConnectExceptoin}
states:
- name: Say
  type: operation
  actions:
  - {name: within, functionRef: {refName: log, arguments: {message: 'Hello ${ .name }, you are ${.age}'}}}
  - {name: nested, functionRef: {refName: post, arguments: {a: {b: ['x${ .y }']}}}}
  - {name: quoted, functionRef: {refName: post, arguments: {a: '"Hello ${ .name }"'}}}
  - {name: inside, functionRef: {refName: post, arguments: {a: '${ "Hello ${ .name }" }'}}}
  - {name: whole, functionRef: {refName: post, arguments: {a: '${ .name }', b: '${ "\(.name)" }'}}}
  - {name: shell, functionRef: {refName: post, arguments: {a: 'echo ${HOME} ${1.5} ${a.b} $5 {{ .x }}'}}}
  transition: Set
- name: Set
  type: inject
  data: {a: '${ .name }', b: [{c: 'Hello ${.name}'}], d: '${HOME} is text', e: .name}
  end: true
"#;

fn warnings_of(text: &str, compat: rondo_definition::Compat) -> String {
    let (document, problems) = rondo_definition::parse("texts.sw.yaml", text);
    assert_eq!(problems, []);
    let mut document = document.unwrap();
    document.compat = compat;
    let (_, warnings) = rondo_lowering::lower(&document);
    assert!(!warnings.iter().any(Diagnostic::is_error));
    let lines: Vec<_> = warnings.iter().map(|warning| warning.render(None)).collect();
    lines.join("\n")
}

#[test]
fn what_stays_text_is_told_where_it_stands() {
    insta::assert_snapshot!(warnings_of(TEXTS, rondo_definition::Compat::SonataFlow), @r#"
    texts.sw.yaml:21:69: warning[RON0207]: state `Say`: action `within`: arguments: `${ .name }` stays as it is, because it is a part of a longer text
      help: make the whole text an expression: `${ "Hello \(.name), you are \(.age)" }`
    texts.sw.yaml:22:69: warning[RON0207]: state `Say`: action `nested`: arguments: `${ .y }` stays as it is, because it is a part of a longer text
      help: make the whole text an expression: `${ "x\(.y)" }`
    texts.sw.yaml:23:64: warning[RON0207]: state `Say`: action `quoted`: arguments: `${ .name }` stays as it is, because it is a part of a longer text
      help: make the whole text an expression: `${ "Hello \(.name)" }`
    texts.sw.yaml:24:64: warning[RON0207]: state `Say`: action `inside`: arguments: `${ .name }` stays as it is, because it is a part of a longer text
      help: make the whole text an expression: `${ "Hello \(.name)" }`
    texts.sw.yaml:30:13: warning[RON0208]: state `Set`: data: `${ .name }` stays as it is, because the data of an inject state are not evaluated
      help: let an operation state compute it with an expression function, or the state's `stateDataFilter.output`
    texts.sw.yaml:30:35: warning[RON0208]: state `Set`: data: `${.name}` stays as it is, because the data of an inject state are not evaluated
      help: let an operation state compute it with an expression function, or the state's `stateDataFilter.output`
    texts.sw.yaml:15:21: warning[RON0209]: error `own`: nothing raises `org.acme.OrderException`, so no error is this one; of Java's classes only those that SonataFlow itself raises have a meaning
      help: give the status of the service, such as `404`, or `java.lang.Exception` for every error
    texts.sw.yaml:16:22: warning[RON0209]: error `slip`: nothing raises `java.net.ConnectExceptoin`, so no error is this one; of Java's classes only those that SonataFlow itself raises have a meaning
      help: did you mean `java.net.ConnectException`?
    "#);
}

/// By the specification `${ … }` within a text is replaced, but not in the data of an inject state.
#[test]
fn only_injected_texts_are_told_where_the_specification_holds() {
    let warnings = warnings_of(TEXTS, rondo_definition::Compat::Spec);
    assert!(!warnings.contains("RON0207"), "{warnings}");
    assert_eq!(warnings.matches("RON0208").count(), 2, "{warnings}");
}
