//! What functions and their arguments are lowered to, and what is wrong with them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use rondo_definition::{Document, Environment, Project, Properties, Resources, parse};
use rondo_lowering::{Lowered, lower, replace_functions, unused_replacements};
use rondo_program::FunctionKind;

/// A workflow with these functions, each called by one action whose `functionRef` is given.
fn document(functions: &str, references: &[&str]) -> Document {
    let actions: String =
        references.iter().map(|reference| format!("  - functionRef: {reference}\n")).collect();
    let text = format!(
        "id: w\nspecVersion: '0.8'\nfunctions:\n{functions}states:\n- name: S\n  type: operation\n  end: true\n  actions:\n{actions}"
    );
    let (document, problems) = parse("w.sw.yaml", &text);
    assert!(!problems.iter().any(rondo_definition::Diagnostic::is_error), "{problems:?}");
    document.unwrap()
}

fn problems(document: &Document) -> String {
    let (_, diagnostics) = lower(document);
    diagnostics.iter().map(|diagnostic| diagnostic.render(None)).collect::<Vec<_>>().join("\n")
}

fn kind(lowered: &Lowered, name: &str) -> FunctionKind {
    let mut functions = lowered.declarations.functions.iter();
    functions.find(|function| function.name == name).unwrap().kind.clone()
}

fn root(properties: Properties) -> Project {
    Project::new("", properties, Resources::default())
}

fn properties(text: &str) -> Properties {
    Properties::parse("application.properties", text, Environment::new()).0
}

const FUNCTIONS: &str = "\
- {name: pet, type: graphql, operation: 'https://h.test/graphql#query#pet'}
- {name: orders, type: odata, operation: 'https://h.test/v4#Orders'}
- {name: python, type: custom, operation: 'script:python'}
- {name: token, type: custom, operation: 'jwt-parser:extractUser'}
- {name: java, type: custom, operation: 'service:java:org.acme.Orders::cancel'}
";

#[test]
fn arguments_that_a_function_needs_or_does_not_take_are_reported() {
    let document = document(
        FUNCTIONS,
        &[
            "{refName: pet, arguments: {id: 1}}",
            "{refName: pet, selectionSet: '{ age(of: ${ .x | }) }', arguments: {}}",
            "{refName: orders, arguments: {queryOption: {top: 1}}}",
            "{refName: python, arguments: {x: 1}}",
            "python",
            "{refName: token, arguments: {tokn: .t}}",
            "{refName: token, arguments: '.all'}",
        ],
    );
    insta::assert_snapshot!(problems(&document), @r#"
    w.sw.yaml:14:28: error[RON0128]: state `S`: action `pet`: arguments: the GraphQL function `pet` is called without `selectionSet`
      help: give it `arguments` and `selectionSet`
    w.sw.yaml:15:65: error[RON0201]: state `S`: action `pet`: arguments: selectionSet: `{ age(of: ${ .x | }) }` is not a valid expression: it ends where term is expected
    w.sw.yaml:16:28: error[RON0128]: state `S`: action `orders`: arguments: function `orders` takes no argument `queryOption`
      help: did you mean `queryOptions`?
    w.sw.yaml:17:28: error[RON0128]: state `S`: action `python`: arguments: function `python` is called without `script`
      help: give it `arguments: {script: …}`
    w.sw.yaml:18:18: error[RON0128]: state `S`: action `python`: arguments: function `python` is called without `script`
      help: give it `arguments: {script: …}`
    w.sw.yaml:19:28: error[RON0128]: state `S`: action `token`: arguments: function `token` is called without `token`
      help: give it `arguments: {token: …}`
    w.sw.yaml:8:41: error[RON0304]: function `java` calls a class of Java by `service:java:org.acme.Orders::cancel`, and Rondo has no Java
      help: set `rondo.functions.java.replacement` to an operation that answers instead, such as `rest:post:https://service.example/path`
    "#);
}

#[test]
fn a_selection_set_is_passed_on_in_pieces() {
    let document = document(
        FUNCTIONS,
        &[
            "{refName: pet, arguments: {id: .id}, selectionSet: '{ id, age(of: ${ {a: .b} }, as: \"}\") { years } }'}",
        ],
    );
    let (lowered, problems) = lower(&document);
    assert_eq!(
        problems.iter().filter(|problem| !problem.message.contains("java")).count(),
        0,
        "{problems:?}"
    );
    let listing = lowered.program.to_string();
    let call = listing.lines().find(|line| line.contains("call pet"));
    insta::assert_snapshot!(call.unwrap_or(&listing), @r#"S/pet/call: call pet {"arguments":{"id":"${ .id }"},"selectionSet":["{ id, age(of: ","${ {a: .b} }",", as: \"}\") { years } }"]}"#);
}

#[test]
fn a_property_replaces_a_function_that_cannot_be_called() {
    let mut document = document(FUNCTIONS, &["java"]);
    insta::assert_snapshot!(problems(&document), @r#"
    w.sw.yaml:8:41: error[RON0304]: function `java` calls a class of Java by `service:java:org.acme.Orders::cancel`, and Rondo has no Java
      help: set `rondo.functions.java.replacement` to an operation that answers instead, such as `rest:post:https://service.example/path`
    "#);
    let lines = "rondo.functions.java.replacement=rest:post:https://h.test/cancel\n\
        rondo.functions.pet.replacement=nonsense\nrondo.functions.jva.replacement=sysout";
    let replaced = replace_functions(&mut document, &properties(lines));
    let unused = unused_replacements(std::slice::from_ref(&document), &root(properties(lines)));
    let (lowered, problems) = lower(&document);
    let all = replaced.iter().chain(&unused).chain(&problems).map(|diagnostic| diagnostic.render(None));
    insta::assert_snapshot!(all.collect::<Vec<_>>().join("\n"), @r#"
    w.sw.yaml:4:41: error[RON0301]: function `pet` is not replaced: the property `rondo.functions.pet.replacement` is no operation
      help: write it as `rest:post:https://service.example/path` or `specs/api.yaml#operation`
    application.properties:3:33: warning[RON0161]: no workflow has a function `jva`, which is to be replaced
      help: did you mean `java`?
    "#);
    assert!(
        matches!(kind(&lowered, "java"), FunctionKind::Http(http) if http.address == "https://h.test/cancel")
    );
    assert!(matches!(kind(&lowered, "pet"), FunctionKind::GraphQl(_)));
}
