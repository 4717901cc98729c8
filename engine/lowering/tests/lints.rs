//! Warnings about probable mistakes in expressions. The workflow runs in spite of them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use rondo_definition::{Compat, Diagnostic, Options, parse_with};

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

fn lowered(rest: &str) -> String {
    let text = format!("id: slips\nversion: '1.0'\nspecVersion: '0.8'\nname: slips\nstart: Go\n{rest}");
    let (document, problems) = rondo_definition::parse("slips.sw.yaml", &text);
    assert_eq!(problems, []);
    let (_, mut problems) = rondo_lowering::lower(&document.unwrap());
    problems.sort();
    let lines = problems.iter().map(|problem| match &problem.help {
        Some(help) => format!("{problem} (help: {help})"),
        None => problem.to_string(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_condition_that_is_no_expression_is_a_warning_with_what_was_meant() {
    insta::assert_snapshot!(
        lowered(
            "functions:\n- {name: log, type: custom, operation: sysout}\nstates:\n- name: Go\n  type: switch\n  dataConditions:\n\
             \x20 - {condition: '$.known == true', end: true}\n  - {condition: \".a == 'x'\", transition: Log}\n\
             \x20 defaultCondition: {end: true}\n\
             - name: Log\n  type: operation\n  actions:\n\
             \x20 - {condition: 'now() > 3', functionRef: {refName: log, arguments: {message: 'now()'}}}\n\
             \x20 - {functionRef: {refName: log, arguments: {message: 'env.HOME'}}}\n  end: true\n"
        ),
        @r#"
        slips.sw.yaml:12:19: warning[RON0174]: state `Go`: condition: `$.known == true` is not a valid expression, so the instance fails when it gets there: identifier is expected where `.known == true` stands (help: this is JSONPath: write `.known == true`; `expressionLang: jsonpath` makes all expressions of a workflow JSONPath)
        slips.sw.yaml:13:24: warning[RON0174]: state `Go`: condition: `.a == 'x'` is not a valid expression, so the instance fails when it gets there: token is expected where `'x'` stands (help: texts have double quotes: `.a == "x"`)
        slips.sw.yaml:18:22: warning[RON0174]: state `Log`: action `log`: condition: `now() > 3` is not a valid expression, so the instance fails when it gets there: term is expected where `)` stands (help: a function without arguments has no parentheses: `now > 3`)
        slips.sw.yaml:18:79: warning[RON0202]: state `Log`: action `log`: arguments: `now()` is not a valid expression, so it is taken as text: term is expected where `)` stands (help: a function without arguments has no parentheses: `now`)
        slips.sw.yaml:19:55: warning[RON0202]: state `Log`: action `log`: arguments: `env.HOME` is not a valid expression, so it is taken as text: no function is called `env` (help: the environment is read by `$SECRET.HOME`, which is an environment variable or a property)
        "#
    );
}

#[test]
fn a_broken_function_is_told_at_its_definition() {
    insta::assert_snapshot!(
        lowered(
            "functions:\n- {name: log, type: custom, operation: sysout}\n- {name: adult, type: expression, operation: '.age >'}\n\
             states:\n- name: Go\n  type: switch\n  dataConditions:\n\
             \x20 - {condition: 'fn:adult', end: true}\n  - {condition: 'fn:adult and .x', end: true}\n\
             \x20 defaultCondition: {end: true}\n"
        ),
        @r"slips.sw.yaml:8:53: error[RON0201]: function `adult`: `.age >` is not a valid expression: it ends where term is expected"
    );
}

#[test]
fn a_code_of_an_earlier_version_is_told_with_that_of_today() {
    insta::assert_snapshot!(
        lowered(
            "errors:\n- {name: gone, code: javax.ws.rs.NotFoundException}\n- {name: client, code: javax.ws.rs.ClientErrorException}\n\
             - {name: item, code: org.kie.kogito.process.workitem.WorkItemExecutionException}\n- {name: any, code: java.lang.RuntimeException}\n\
             states:\n- {name: Go, type: inject, data: {}, end: true}\n"
        ),
        @r"
        slips.sw.yaml:7:22: warning[RON0163]: error `gone`: `javax.ws.rs.NotFoundException` is a class of earlier versions; it is taken for an answer with the status 404 (help: write `code: '404'`)
        slips.sw.yaml:8:24: warning[RON0163]: error `client`: `javax.ws.rs.ClientErrorException` is a class of earlier versions; it is taken for an answer with a status from 400 to 499 (help: write the status as the code, such as '404', or `java.lang.RuntimeException` for any failure)
        slips.sw.yaml:9:22: warning[RON0163]: error `item`: `org.kie.kogito.process.workitem.WorkItemExecutionException` is a class of earlier versions; it is taken for `org.kie.kogito.internal.process.workitem.WorkItemExecutionException` (help: write `code: org.kie.kogito.internal.process.workitem.WorkItemExecutionException`)
        "
    );
}

const LATE: &str = "id: late
specVersion: '0.8'
start: Choose
functions:
- {name: count, type: expression, operation: '{n: 1}'}
- {name: ask, type: custom, operation: 'rest:post:/x'}
states:
- name: Choose
  type: switch
  dataConditions: [{condition: '.n >', end: true}]
  defaultCondition: {transition: Loop}
- name: Loop
  type: foreach
  inputCollection: '.list['
  iterationParam: element
  batchSize: '.size |'
  actions:
  - {name: skipped, condition: .a +, functionRef: count}
  - {name: placed, functionRef: count, actionDataFilter: {toStateData: .a + .b}}
  - {name: asked, functionRef: {refName: ask, arguments: {n: '${ .n + }'}}}
  end: true
";

/// SonataFlow loads such a workflow; with the rules of the specification it is refused.
#[test]
fn expressions_that_are_evaluated_late_are_warnings_or_errors() {
    let lines = |compat| {
        let options = Options { compat, resources: None };
        let (document, problems) = parse_with("late.sw.yaml", LATE, options);
        assert_eq!(problems, []);
        let (_, found) = rondo_lowering::lower(&document.unwrap());
        found.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let lenient = lines(Compat::SonataFlow);
    for (code, place) in [
        ("RON0174", "state `Choose`: condition: `.n >`"),
        ("RON0174", "state `Loop`: inputCollection: `.list[`"),
        ("RON0174", "state `Loop`: batchSize: `.size |`"),
        ("RON0174", "state `Loop`: action `skipped`: condition: `.a +`"),
        ("RON0173", "state `Loop`: action `placed`: toStateData: `.a + .b`"),
        ("RON0202", "state `Loop`: action `asked`: arguments: `${ .n + }`"),
    ] {
        let found = lenient.iter().filter(|line| line.contains(&format!("warning[{code}]: {place} is not")));
        assert_eq!(found.count(), 1, "{place}: {lenient:#?}");
    }
    assert_eq!(lenient.len(), 6, "{lenient:#?}");
    let strict: Vec<_> = lenient
        .iter()
        .map(|line| {
            line.replace(": warning[", ": error[")
                .replace(", so it is taken as text", "")
                .replace(", so the instance fails when it gets there", "")
        })
        .collect();
    assert_eq!(lines(Compat::Spec), strict);
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
