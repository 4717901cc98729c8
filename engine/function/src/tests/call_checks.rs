//! Warnings about written arguments and results that an operation does not take or answer.

use super::binding::{Folder, bind_text};
use super::support::properties;

/// A service whose operations each show another kind of body.
const SPEC: &str = r"
openapi: 3.0.3
info: {title: Shop, version: '1'}
servers: [{url: 'https://shop.test'}]
paths:
  /orders/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    get:
      operationId: read
      parameters:
        - {name: lang, in: query, schema: {type: string}}
        - {name: page, in: query, required: true, schema: {type: integer}}
        - {name: size, in: query, required: true, schema: {type: integer, default: 10}}
        - {name: X-Team, in: header, required: true, schema: {type: string}}
        - {name: key, in: query, required: true, schema: {type: string}}
      security: [{key: []}]
      responses: {'200': {content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}}}
    put:
      operationId: write
      requestBody: {content: {application/json: {schema: {allOf: [{$ref: '#/components/schemas/Order'}, {properties: {note: {type: string}}}]}}}}
      responses: {'200': {content: {application/json: {schema: {type: array, items: {type: object}}}}}}
  /open:
    post:
      operationId: open
      requestBody: {content: {application/json: {schema: {type: object, properties: {a: {}}, additionalProperties: true}}}}
      responses: {'200': {description: ok}}
  /free:
    post:
      operationId: free
      requestBody: {required: true, content: {application/json: {schema: {type: object}}}}
      responses: {'200': {description: ok}}
  /crd:
    post:
      operationId: crd
      requestBody: {content: {application/json: {schema: {properties: {spec: {}}, x-kubernetes-preserve-unknown-fields: true}}}}
      responses: {'200': {description: ok}}
  /either:
    post:
      operationId: either
      requestBody: {content: {application/json: {schema: {oneOf: [{required: [a, c], properties: {a: {}, c: {}}}, {required: [b, c], properties: {b: {}, c: {}}}]}}}}
      responses: {'200': {description: ok}}
  /list:
    post:
      operationId: list
      requestBody: {required: true, content: {application/json: {schema: {type: array, items: {}}}}}
      responses: {'200': {description: ok}}
components:
  securitySchemes: {key: {type: apiKey, in: query, name: key}}
  schemas:
    Order:
      type: object
      required: [id, item, total, created]
      properties:
        id: {type: string}
        item: {type: object, required: [name], properties: {name: {type: string}, count: {type: integer}}}
        total: {type: integer, default: 0}
        created: {type: string, readOnly: true}
";

/// The warnings of actions with these `functionRef`s and filters, without the places that all of them have.
fn check(functions: &str, actions: &str, rest: &str) -> String {
    let folder = Folder::new(&[("specs/shop.yaml", SPEC)]);
    let operations = ["read", "write", "open", "free", "crd", "either", "list"];
    let operations =
        operations.map(|name| format!("- {{name: {name}, operation: 'specs/shop.yaml#{name}'}}\n"));
    let actions: String = actions.lines().map(|line| format!("  - {line}\n")).collect();
    let text = format!(
        "id: flow\nspecVersion: '0.8'\nstart: A\nstates:\n- name: A\n  type: operation\n  end: true\n  actions:\n{actions}{rest}functions:\n{functions}{}",
        operations.concat()
    );
    bind_text(&folder, &text, &properties("", ""), None).1
}

#[test]
fn what_an_operation_does_not_take_is_told_at_the_argument() {
    let problems = check(
        "",
        "\
{name: a, functionRef: {refName: read, arguments: {id: 1, page: 1, lnag: de}}}
{name: b, functionRef: {refName: read, arguments: {id: 1, pgae: 1}}}
{name: c, functionRef: {refName: read, arguments: {id: 1, page: 1, HEADER_X: 1, X-Team: t}}}
{name: d, functionRef: {refName: write, arguments: {id: 1, item: {name: x}, note: n, priority: 1}}}
{name: e, functionRef: {refName: list, arguments: {a: [1], b: 2}}}
{name: f, functionRef: {refName: either, arguments: {a: 1, c: 1, d: 1}}}
{name: whole, functionRef: {refName: read, arguments: '${ .all }'}}
{name: open, functionRef: {refName: open, arguments: {a: 1, whatever: 2}}}
{name: free, functionRef: {refName: free, arguments: {any: {thing: 1}}}}
{name: several, functionRef: {refName: free, arguments: {any: 1, thing: 2}}}
{name: crd, functionRef: {refName: crd, arguments: {spec: 1, data: 2}}}
{name: null, functionRef: {refName: read, arguments: {id: 1, page: 1, unknown: null}}}",
        "",
    );
    insta::assert_snapshot!(problems, @r#"
    flow.sw.yaml:9:72: warning[RON0315]: state `A`: action `a`: argument `lnag` is not sent: function `read` has no parameter of this name and takes no body
      help: did you mean `lang`?
    flow.sw.yaml:10:63: warning[RON0315]: state `A`: action `b`: argument `pgae` is not sent: function `read` has no parameter of this name and takes no body
      help: did you mean `page`?
    flow.sw.yaml:11:72: warning[RON0315]: state `A`: action `c`: argument `HEADER_X` is not sent: function `read` has no parameter of this name and takes no body
      help: `HEADER_` and `QUERY_` are for functions of the type `custom` with `rest:`
    flow.sw.yaml:12:90: warning[RON0315]: state `A`: action `d`: argument `priority` is not sent: function `write` has neither a parameter nor a member of its body of this name
      help: it takes `id`, `item`, `total`, `note`
    flow.sw.yaml:13:64: warning[RON0315]: state `A`: action `e`: of the arguments `a` and `b` only one is sent, because function `list` takes one value as its body
      help: give the body alone beside the parameters
    flow.sw.yaml:14:70: warning[RON0315]: state `A`: action `f`: argument `d` is not sent: function `either` has neither a parameter nor a member of its body of this name
      help: it takes `a`, `c`, `b`
    "#);
}

#[test]
fn what_an_operation_requires_and_is_not_given_is_told() {
    let problems = check(
        "",
        "\
{name: a, functionRef: read}
{name: b, functionRef: {refName: read, arguments: {id: .id, page: '${ .page }'}}}
{name: c, functionRef: {refName: write, arguments: {id: 1}}}
{name: d, functionRef: {refName: write, arguments: {id: 1, item: {count: 1}}}}
{name: e, functionRef: {refName: write, arguments: {id: 1, item: .item}}}
{name: f, functionRef: {refName: write, arguments: '{\"id\": 1, \"item\": {\"name\": \".n\"}}'}}
{name: g, functionRef: {refName: either, arguments: {a: 1}}}
{name: h, functionRef: list}
{name: i, functionRef: free}
{name: j, functionRef: {refName: read, arguments: .all}}",
        "",
    );
    insta::assert_snapshot!(problems, @r#"
    flow.sw.yaml:9:15: warning[RON0316]: state `A`: action `a`: function `read` is called without `id`, which its operation requires
      help: add the argument `id`
    flow.sw.yaml:9:15: warning[RON0316]: state `A`: action `a`: function `read` is called without `page`, which its operation requires
      help: add the argument `page`
    flow.sw.yaml:11:45: warning[RON0316]: state `A`: action `c`: function `write` is called without `item`, which its operation requires
      help: add the argument `item`
    flow.sw.yaml:12:64: warning[RON0316]: state `A`: action `d`: function `write` is called without `item.name`, which its operation requires
      help: add the argument `item.name`
    flow.sw.yaml:15:46: warning[RON0316]: state `A`: action `g`: function `either` is called without `c`, which its operation requires
      help: add the argument `c`
    flow.sw.yaml:16:15: warning[RON0316]: state `A`: action `h`: function `list` is called without a body, which its operation requires
      help: give it one argument beside the parameters, whatever its name is
    "#);
}

#[test]
fn arguments_of_plain_requests_go_into_the_path_or_are_dropped() {
    let problems = check(
        "\
- {name: token, type: custom, operation: 'rest:post:https://h.test/realms/${REALM}/token'}
- {name: one, type: custom, operation: 'rest:get:https://h.test/{user}/a?x={x}&y={x}'}
- {name: patch, type: custom, operation: 'rest:patch:https://h.test/a'}
- {name: delete, type: custom, operation: 'rest:delete:https://h.test/{id}'}
- {name: post, type: custom, operation: 'rest:post:https://h.test/a'}
",
        "\
{name: a, functionRef: {refName: token, arguments: {grant_type: password}}}
{name: b, functionRef: {refName: token, arguments: {REALM: .realm}}}
{name: c, functionRef: {refName: one, arguments: {usr: u}}}
{name: d, functionRef: {refName: one, arguments: {user: u, x: 1, HEADER_A: 1, QUERY_b: 2}}}
{name: e, functionRef: {refName: patch, arguments: {status: done}}}
{name: f, functionRef: {refName: delete, arguments: {id: 1, force: true}}}
{name: g, functionRef: delete}
{name: h, functionRef: {refName: one, arguments: '${ {user: .u, x: .x} }'}}
{name: i, functionRef: {refName: post, arguments: {anything: 1}}}",
        "",
    );
    insta::assert_snapshot!(problems, @r#"
    flow.sw.yaml:9:45: warning[RON0317]: state `A`: action `a`: function `token` has `{REALM}` in its path, and no argument `REALM` fills it, so the call fails
      help: environment variables are not put into a path: write `{REALM}` without `$`, and give it `REALM: $SECRET.REALM`, which reads the property or variable `REALM`
    flow.sw.yaml:11:43: warning[RON0317]: state `A`: action `c`: function `one` has `{user}` in its path, and no argument `user` fills it, so the call fails
      help: should the argument `usr` be called `user`?
    flow.sw.yaml:11:43: warning[RON0317]: state `A`: action `c`: function `one` has `{x}` in its path, and no argument `x` fills it, so the call fails
      help: add the argument `x`
    flow.sw.yaml:11:55: warning[RON0318]: state `A`: action `c`: argument `usr` is not sent: `rest:get` of function `one` sends no body
      help: `QUERY_usr` is sent as a query parameter, `HEADER_usr` as a header, and `{usr}` in the path takes it
    flow.sw.yaml:13:57: warning[RON0318]: state `A`: action `e`: argument `status` is not sent: `rest:patch` of function `patch` sends no body
      help: describe the operation in an OpenAPI document, which sends it as the body; `QUERY_status` is sent as a query parameter
    flow.sw.yaml:14:65: warning[RON0318]: state `A`: action `f`: argument `force` is not sent: `rest:delete` of function `delete` sends no body
      help: `QUERY_force` is sent as a query parameter, `HEADER_force` as a header, and `{force}` in the path takes it
    flow.sw.yaml:15:15: warning[RON0317]: state `A`: action `g`: function `delete` has `{id}` in its path, and no argument `id` fills it, so the call fails
      help: add the argument `id`
    "#);
}

#[test]
fn a_result_that_is_lost_is_told() {
    let problems = check(
        "- {name: weather, type: custom, operation: 'rest:get:https://h.test/weather'}\n- {name: log, type: custom, operation: sysout}\n",
        "\
{name: a, functionRef: {refName: read, arguments: {id: 1, page: 1}}, actionDataFilter: {results: .order}}
{name: b, functionRef: {refName: read, arguments: {id: 1, page: 1}}, actionDataFilter: {results: '${ .item.nmae }', toStateData: .x}}
{name: c, functionRef: {refName: read, arguments: {id: 1, page: 1}}, actionDataFilter: {results: .item.name, toStateData: .x}}
{name: d, functionRef: {refName: write, arguments: {id: 1, item: .i}}, actionDataFilter: {results: .id}}
{name: e, functionRef: weather, actionDataFilter: {results: .today}}
{name: f, functionRef: weather, actionDataFilter: {results: .tomorrow}}
{name: g, functionRef: weather, actionDataFilter: {results: .kept, toStateData: .kept}}
{name: h, functionRef: weather, actionDataFilter: {results: .set}}
{name: i, functionRef: weather, actionDataFilter: {results: .unused, useResults: false}}
{name: j, functionRef: {refName: log, arguments: {message: '${ [.today.sun, .kept, .set, .unused, .a.tomorrow] }'}}}",
        "  stateDataFilter: {output: '{set: 1}'}\n",
    );
    insta::assert_snapshot!(problems, @r#"
    flow.sw.yaml:9:93: warning[RON0319]: state `A`: action `a`: `results` takes `.order` of the answer of function `read`, whose document declares no `order`; an answer without it is lost
      help: to put the answer at `.order` of the data, write `toStateData: .order`
    flow.sw.yaml:10:93: warning[RON0319]: state `A`: action `b`: `results` takes `.item.nmae` of the answer of function `read`, whose document declares no `nmae`; an answer without it is lost
      help: did you mean `name`?
    flow.sw.yaml:12:95: warning[RON0319]: state `A`: action `d`: `results` takes `.id` of the answer of function `write`, which has a list where `id` is looked for, so the expression fails
      help: take it of one element, `.[0].id`, or of all, `map(.id)`
    flow.sw.yaml:13:56: warning[RON0319]: state `A`: action `e`: `results` takes `.today` of the answer and merges it into the data as a whole, so it is not at `.today`, which the workflow reads
      help: to put the answer at `.today` of the data, write `toStateData: .today`
    "#);
}
