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
        slips.sw.yaml:12:19: warning[RON0210]: state `Go`: condition: `$.known == true` is not a valid expression, so the instance fails when it gets there: identifier is expected where `.known == true` stands (help: this is JSONPath: write `.known == true`; `expressionLang: jsonpath` makes all expressions of a workflow JSONPath)
        slips.sw.yaml:13:24: warning[RON0210]: state `Go`: condition: `.a == 'x'` is not a valid expression, so the instance fails when it gets there: token is expected where `'x'` stands (help: texts have double quotes: `.a == "x"`)
        slips.sw.yaml:18:22: warning[RON0210]: state `Log`: action `log`: condition: `now() > 3` is not a valid expression, so the instance fails when it gets there: term is expected where `)` stands (help: a function without arguments has no parentheses: `now > 3`)
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
