//! The Data Index over real HTTP: the questions that the Orchestrator plugin asks, and what consoles do.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

#[allow(clippy::unwrap_used, unreachable_pub, reason = "helpers of tests")]
mod support;

use serde_json::{Value, json};
use support::{Served, serve, told};

/// The question of the plugin's run page.
const RUN: &str = "query FindProcessInstanceQuery($instanceId: String!) { ProcessInstances(where: {id: {equal: $instanceId}}) {
  id version processName processId serviceUrl executionSummary state start end
  nodes { id nodeId definitionId type name enter exit errorMessage } variables
  parentProcessInstance { id processName businessKey } error { nodeDefinitionId nodeInstanceId message } } }";

#[tokio::test]
async fn the_page_of_a_completed_run() {
    let served = serve("").await;
    let body = json!({"workflowdata": {"name": "Ada"}, "initiatorEntity": "user:default/ada"});
    let id = served.start("greeting", &body).await;
    let answer = served.ask(RUN, json!({"instanceId": id})).await;
    insta::assert_snapshot!(told(&answer, &id, &served.base), @r#"
{
  "data": {
    "ProcessInstances": [
      {
        "id": "ID",
        "version": "1.0",
        "processName": "Greeting workflow",
        "processId": "greeting",
        "serviceUrl": "http://engine",
        "executionSummary": [
          "Workflow started at TIME",
          "Workflow completed at TIME"
        ],
        "state": "COMPLETED",
        "start": "TIME",
        "end": "TIME",
        "nodes": [
          {
            "id": "ID-start",
            "nodeId": "Start",
            "definitionId": "Start",
            "type": "StartNode",
            "name": "Start",
            "enter": "TIME",
            "exit": "TIME",
            "errorMessage": null
          },
          {
            "id": "ID-1",
            "nodeId": "Ask Politely",
            "definitionId": "Ask Politely",
            "type": "CompositeContextNode",
            "name": "Ask Politely",
            "enter": "TIME",
            "exit": "TIME",
            "errorMessage": null
          },
          {
            "id": "ID-2",
            "nodeId": "greet",
            "definitionId": "greet",
            "type": "ActionNode",
            "name": "greet",
            "enter": "TIME",
            "exit": "TIME",
            "errorMessage": null
          },
          {
            "id": "ID-end",
            "nodeId": "End",
            "definitionId": "End",
            "type": "EndNode",
            "name": "End",
            "enter": "TIME",
            "exit": "TIME",
            "errorMessage": null
          }
        ],
        "variables": {
          "workflowdata": {
            "name": "Ada",
            "result": {
              "message": "Hello Ada"
            }
          },
          "workflowdatainput": {
            "name": "Ada"
          },
          "initiatorEntity": "user:default/ada"
        },
        "parentProcessInstance": null,
        "error": null
      }
    ]
  }
}
"#);
}

#[tokio::test]
async fn the_page_of_a_failed_run_ties_error_and_node() {
    let served = serve("").await;
    let id = served.start("caller", &json!({"status": 503})).await;
    let answer = served.ask(RUN, json!({"instanceId": id})).await;
    let run = &answer["data"]["ProcessInstances"][0];
    assert_eq!((&run["state"], &run["end"]), (&json!("ERROR"), &json!(null)));
    let nodes = run["nodes"].as_array().unwrap();
    let failed =
        nodes.iter().find(|node| node["id"] == run["error"]["nodeInstanceId"]).expect("the node that failed");
    assert_eq!(failed["definitionId"], run["error"]["nodeDefinitionId"]);
    assert_eq!(failed["errorMessage"], run["error"]["message"]);
    assert_eq!(failed["exit"], json!(null));
    let summary = run["executionSummary"].as_array().unwrap();
    assert!(summary[1].as_str().unwrap().starts_with("Workflow failed with error "), "{summary:?}");
}

#[tokio::test]
async fn the_page_of_a_waiting_run_tells_where_it_waits() {
    let served = serve("").await;
    let id = served.start("sleeper", &json!({})).await;
    let question = "query($id: String) { ProcessInstances(where: {id: {equal: $id}}) { state variables executionSummary error { message }
        roles milestones { id } addons diagram businessKey childProcessInstances { id } rootProcessInstanceId endpoint
        definition { id name } nodeDefinitions { id type } source } }";
    let answer = served.ask(question, json!({"id": id})).await;
    insta::assert_snapshot!(told(&answer, &id, &served.base), @r#"
{
  "data": {
    "ProcessInstances": [
      {
        "state": "ACTIVE",
        "variables": null,
        "executionSummary": [
          "Workflow started at TIME",
          "Workflow waiting at node Rest_A_While since TIME"
        ],
        "error": null,
        "roles": [],
        "milestones": [],
        "addons": [
          "process-management",
          "source-files",
          "knative-eventing",
          "cloudevents"
        ],
        "diagram": null,
        "businessKey": null,
        "childProcessInstances": [],
        "rootProcessInstanceId": null,
        "endpoint": "http://engine/sleeper",
        "definition": {
          "id": "sleeper",
          "name": "Sleeper"
        },
        "nodeDefinitions": [
          {
            "id": "Start",
            "type": "StartNode"
          },
          {
            "id": "Rest A While",
            "type": "TimerNode"
          },
          {
            "id": "End",
            "type": "EndNode"
          }
        ],
        "source": "\nid: sleeper\nversion: '1.0'\nspecVersion: '0.8'\nname: Sleeper\nstart: Rest A While\nstates:\n  - name: Rest A While\n    type: sleep\n    duration: PT1H\n    end: true\n"
      }
    ]
  }
}
"#);

    let jobs = served.ask("query($id: String) { Jobs(where: {processInstanceId: {equal: $id}}) { status processId endpoint repeatLimit } CountJobs }", json!({"id": id})).await;
    let endpoint = format!("{}/jobs", served.base);
    let job = json!({"status": "SCHEDULED", "processId": "sleeper", "endpoint": endpoint, "repeatLimit": 0});
    assert_eq!(jobs["data"], json!({"Jobs": [job], "CountJobs": 1}));
}

/// Ids of the runs that a filter, written as GraphQL, lets through; by their order of start.
async fn found(served: &Served, filter: &str, variables: Value) -> Vec<String> {
    let declared = if filter.contains("$V") { "($V: String)" } else { "" };
    let question = format!(
        "query{declared} {{ ProcessInstances(where: {filter}, orderBy: {{start: ASC}}) {{ processId state }} CountProcessInstances(where: {filter}) }}"
    );
    let answer = served.ask(&question, variables).await;
    let rows = answer["data"]["ProcessInstances"].as_array().unwrap_or_else(|| panic!("{filter}: {answer}"));
    assert_eq!(answer["data"]["CountProcessInstances"], rows.len(), "{filter}");
    let mut ids: Vec<String> =
        rows.iter().map(|row| row["processId"].as_str().unwrap_or_default().to_owned()).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn filters_find_what_the_data_index_finds() {
    let served = serve("").await;
    let ada = "user:default/ada";
    served
        .start("greeting", &json!({"workflowdata": {"name": "Ada", "aa": 1}, "initiatorEntity": ada}))
        .await;
    served.start("sleeper", &json!({"workflowdata": {"a": 1}, "initiatorEntity": ada})).await;
    served.start("division", &json!({"number1": 1, "number2": 0})).await;
    for (filter, expected) in [
        ("{}", &["greeting", "math.division", "sleeper"][..]),
        ("{processId: {isNull: false}}", &["greeting", "math.division", "sleeper"]),
        ("{processId: {in: [\"greeting\", \"sleeper\"]}}", &["greeting", "sleeper"]),
        ("{variables: {initiatorEntity: {equal: $V}}}", &["greeting", "sleeper"]),
        (
            "{and: [{processId: {isNull: false}}, {and: {variables: {initiatorEntity: {equal: $V}}, state: {equal: ACTIVE}}}]}",
            &["sleeper"],
        ),
        ("{variables: {workflowdata: {a: {equal: \"1\"}}}}", &["sleeper"]),
        ("{variables: {workflowdata: {a: {equal: 1}}}}", &["sleeper"]),
        ("{variables: {workflowdata: {result: {message: {like: \"Hello*\"}}}}}", &["greeting"]),
        ("{variables: {nosuch: {isNull: true}}, processId: {equal: \"greeting\"}}", &["greeting"]),
        ("{or: {state: {equal: ERROR}, processId: {equal: \"greeting\"}}}", &["greeting", "math.division"]),
        ("{or: {state: {}}}", &[]),
        ("{not: {state: {equal: ERROR}, processId: {equal: \"greeting\"}}}", &["sleeper"]),
        ("{end: {isNull: true}}", &["math.division", "sleeper"]),
        ("{end: {between: {from: \"2020-01-01T00:00:00Z\", to: \"2021-01-01T00:00:00.000Z\"}}}", &[]),
        ("{start: {greaterThan: \"2020-01-01T00:00:00Z\"}, state: {in: [COMPLETED]}}", &["greeting"]),
        ("{id: {equal: \"nosuch\"}}", &[]),
        ("{error: {message: {like: \"*IllegalArgument*\"}}}", &["math.division"]),
        ("{definition: {name: {equal: \"Sleeper\"}}}", &["sleeper"]),
    ] {
        assert_eq!(found(&served, filter, json!({"V": ada})).await, expected, "{filter}");
    }
    assert!(
        found(&served, "{variables: {initiatorEntity: {equal: $V}}}", json!({"V": null})).await.is_empty(),
        "an owner that is null owns nothing"
    );
}

#[tokio::test]
async fn lists_are_ordered_and_paged() {
    let served = serve("").await;
    for name in ["A", "B", "C"] {
        served.start("greeting", &json!({"name": name})).await;
    }
    let question = "query ($paginationInfo: Pagination, $orderByInfo: ProcessInstanceOrderBy) {
        ProcessInstances(where: {processId: {isNull: false}}, orderBy: $orderByInfo, pagination: $paginationInfo) { variables nodes { id } } }";
    for (order, page, expected) in [
        (json!({"start": "DESC"}), json!({"limit": 2, "offset": 0}), 2),
        (json!({"start": "ASC"}), json!({"limit": 2, "offset": 2}), 1),
        (json!({}), json!({}), 3),
    ] {
        let answer = served.ask(question, json!({"orderByInfo": order, "paginationInfo": page})).await;
        let rows = answer["data"]["ProcessInstances"].as_array().unwrap();
        assert_eq!(rows.len(), expected, "{order} {page}");
        assert!(
            rows.iter()
                .all(|row| row["nodes"].is_array() && row["variables"]["workflowdata"]["name"].is_string())
        );
    }
}

#[tokio::test]
async fn a_question_by_get_is_answered_as_plain_json_at_both_addresses() {
    let served = serve("").await;
    let accept = "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed";
    for path in ["/graphql", "//graphql"] {
        let path = format!(
            "{path}?query=%7B+ProcessDefinitions(where:+%7Bid:+%7Bequal:+%22sleeper%22%7D%7D)+%7B%0A+id+serviceUrl+%7D+%7D&variables=%7B%7D"
        );
        let answer = served.send("GET", &path, &[("accept", accept)], None).await;
        assert_eq!((answer.status, answer.kind.as_str()), (200, "application/json"), "{}", answer.text);
        assert_eq!(
            answer.json(),
            json!({"data": {"ProcessDefinitions": [{"id": "sleeper", "serviceUrl": served.base}]}})
        );
    }
    let answer = served.get("/graphql?query=mutation%7BProcessInstanceAbort(id:%22x%22)%7D").await;
    assert_eq!(answer.json()["errors"][0]["message"], "a mutation must be sent by POST");
}

#[tokio::test]
async fn definitions_are_listed_once_with_their_source() {
    let served = serve("").await;
    let question = "query ($paginationInfo: Pagination, $orderByInfo: ProcessDefinitionOrderBy) { ProcessDefinitions(where: {id: {in: [\"greeting\"]}},
        orderBy: $orderByInfo, pagination: $paginationInfo) { id name version type endpoint serviceUrl source metadata description annotations
        nodes { id type metadata { UniqueId state branch action } } } }";
    let mut answer = served.ask(question, json!({"paginationInfo": {}, "orderByInfo": {}})).await;
    let source = answer["data"]["ProcessDefinitions"][0]["source"].take();
    assert!(source.as_str().unwrap().contains("Ask Politely"));
    insta::assert_snapshot!(told(&answer, "no id", &served.base), @r#"
{
  "data": {
    "ProcessDefinitions": [
      {
        "id": "greeting",
        "name": "Greeting workflow",
        "version": "1.0",
        "type": "SW",
        "endpoint": "http://engine/greeting",
        "serviceUrl": "http://engine",
        "source": null,
        "metadata": null,
        "description": "Says hello",
        "annotations": [
          "workflow-type/infrastructure"
        ],
        "nodes": [
          {
            "id": "Start",
            "type": "StartNode",
            "metadata": {
              "UniqueId": "Start",
              "state": null,
              "branch": null,
              "action": null
            }
          },
          {
            "id": "Ask Politely",
            "type": "CompositeContextNode",
            "metadata": {
              "UniqueId": "Ask Politely",
              "state": "Ask Politely",
              "branch": null,
              "action": null
            }
          },
          {
            "id": "greet",
            "type": "ActionNode",
            "metadata": {
              "UniqueId": "greet",
              "state": "Ask Politely",
              "branch": null,
              "action": null
            }
          },
          {
            "id": "End",
            "type": "EndNode",
            "metadata": {
              "UniqueId": "End",
              "state": null,
              "branch": null,
              "action": null
            }
          }
        ]
      }
    ]
  }
}
"#);
}

#[tokio::test]
async fn introspection_has_the_names_that_the_plugin_looks_for() {
    let served = serve("").await;
    let question = "query ProcessInstanceArgument { __type(name: \"ProcessInstanceArgument\") { kind name inputFields { name type { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } }";
    let answer = served.ask(question, json!({})).await;
    let fields = answer["data"]["__type"]["inputFields"].as_array().unwrap();
    let mut types: Vec<String> = fields
        .iter()
        .filter(|field| field["type"]["kind"] != "LIST")
        .map(|field| {
            format!("{}: {}", field["name"].as_str().unwrap(), field["type"]["name"].as_str().unwrap())
        })
        .collect();
    types.sort();
    insta::assert_snapshot!(types.join("\n"), @r"
addons: StringArrayArgument
businessKey: StringArgument
createdBy: StringArgument
definition: ProcessDefinitionArgument
end: DateArgument
endpoint: StringArgument
error: ProcessInstanceErrorArgument
id: IdArgument
lastUpdate: DateArgument
milestones: MilestoneArgument
nodes: NodeInstanceArgument
not: ProcessInstanceArgument
parentProcessInstanceId: IdArgument
processId: StringArgument
processName: StringArgument
roles: StringArrayArgument
rootProcessId: StringArgument
rootProcessInstanceId: IdArgument
start: DateArgument
state: ProcessInstanceStateArgument
updatedBy: StringArgument
variables: JSON
");
}

#[tokio::test]
async fn wrong_questions_say_of_which_kind_they_are() {
    let served = serve("").await;
    for (question, kind) in [
        ("{ ProcessInstances(", "InvalidSyntax"),
        ("{ ProcessDefinitions { nope } }", "ValidationError"),
        ("{ ProcessInstances(where: {nope: {equal: 1}}) { id } }", "ValidationError"),
        ("{ ProcessInstances(where: {end: {equal: \"2020-01-01\"}}) { id } }", "ValidationError"),
        (
            "{ ProcessInstances(where: {or: {and: {id: {equal: \"a\"}}, and: {id: {equal: \"b\"}}}}) { id } }",
            "InvalidSyntax",
        ),
        ("mutation { ProcessInstanceAbort(id: \"nosuch\") }", "DataFetchingException"),
        ("mutation { NodeInstanceCancel(id: \"a\", nodeInstanceId: \"b\") }", "DataFetchingException"),
    ] {
        let answer = served.ask(question, json!({})).await;
        assert_eq!(answer["errors"][0]["extensions"]["classification"], kind, "{question}: {answer}");
    }
    let broken =
        served.send("POST", "/graphql", &[("content-type", "application/json")], Some("{bad".into())).await;
    assert_eq!((broken.status, &broken.json()["stack"]), (400, &json!("")));
    let doubling: String =
        (0..30).map(|n| format!("fragment f{n} on Query {{ ...f{0} ...f{0} }} ", n + 1)).collect();
    let doubling =
        served.ask(&format!("{{ ...f0 }} {doubling} fragment f30 on Query {{ CountJobs }}"), json!({})).await;
    assert_eq!(doubling["errors"][0]["extensions"]["classification"], "ValidationError");
    let deep = served.ask(&"{a".repeat(100_000), json!({})).await;
    assert_eq!(deep["errors"][0]["extensions"]["classification"], "InvalidSyntax");
}

#[tokio::test]
async fn consoles_change_instances_by_mutations() {
    let served = serve("").await;
    let sleeper = served.start("sleeper", &json!({"a": 1})).await;
    let division = served.start("division", &json!({"number1": 2, "number2": 0})).await;

    let update =
        "mutation($id: String, $v: String) { ProcessInstanceUpdateVariables(id: $id, variables: $v) }";
    let answer = served.ask(update, json!({"id": sleeper, "v": "{\"workflowdata\":{\"a\":77}}"})).await;
    let variables: Value =
        serde_json::from_str(answer["data"]["ProcessInstanceUpdateVariables"].as_str().unwrap()).unwrap();
    assert_eq!(variables, json!({"workflowdata": {"a": 77}, "workflowdatainput": {"a": 1}}));

    let retry = "mutation($id: String) { ProcessInstanceRetry(id: $id) }";
    let answer = served.ask(retry, json!({"id": division})).await;
    assert_eq!(answer["data"], json!({"ProcessInstanceRetry": null}));
    let message = answer["errors"][0]["message"].as_str().unwrap();
    assert!(message.starts_with(&format!("Exception while fetching data (/ProcessInstanceRetry) : Process instance with id {division} failed because of java.lang.IllegalArgumentException - ")), "{message}");

    for (mutation, what, id) in
        [("ProcessInstanceAbort", "ABORT", &sleeper), ("ProcessInstanceSkip", "SKIP", &division)]
    {
        let answer =
            served.ask(&format!("mutation($id: String) {{ {mutation}(id: $id) }}"), json!({"id": id})).await;
        assert_eq!(
            answer,
            json!({"data": {mutation: format!("Successfully performed: {what} ProcessInstance with id: {id}")}})
        );
    }
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_given_up() {
    let served = serve("rondo.graphql.timeout=300\n").await;
    let id = served.start("caller", &json!({"status": 503})).await;
    served.json("PATCH", &format!("/caller/{id}"), &json!({"status": support::NEVER})).await;
    let answer =
        served.ask("mutation($id: String) { ProcessInstanceRetry(id: $id) }", json!({"id": id})).await;
    assert_eq!(answer["errors"][0]["extensions"]["classification"], "DataFetchingException", "{answer}");
    assert!(answer["errors"][0]["message"].as_str().unwrap().contains("longer than 300 ms"), "{answer}");
}

#[tokio::test]
async fn an_answer_that_grows_too_large_is_given_up() {
    let served = serve("rondo.graphql.max-answer-bytes=40000\n").await;
    for _ in 0..3 {
        served.start("sleeper", &json!({"text": "x".repeat(10_000)})).await;
    }
    // Each name under which a field is asked for takes its part.
    let aliases = |within: &str, field: &str| {
        let names: Vec<_> = (0..200).map(|n| format!("a{n}: {field}")).collect();
        format!("{{ ProcessInstances(pagination: {{limit: 1}}) {{ {within} {{ {} }} }} }}", names.join(" "))
    };
    for (question, given) in [
        (&*aliases("nodes", "name"), false),
        (&*aliases("definition", "description"), false),
        (&*aliases("definition", "nodes { id }"), false),
        ("{ ProcessInstances(pagination: {limit: 1}) { nodes { id name type enter exit } } }", true),
        ("{ ProcessInstances(pagination: {limit: 1}) { variables } }", true),
        // The data are read, and given: twice their bytes are counted.
        ("{ ProcessInstances { variables } }", false),
        ("{ ProcessInstances { id } CountProcessInstances }", true),
        (
            "{ a: ProcessInstances(pagination: {limit: 1}) { variables } b: ProcessInstances(pagination: {limit: 1}) { variables } }",
            false,
        ),
        ("{ ProcessInstances { source definition { source } childProcessInstances { id } } }", true),
        ("{ ProcessInstances(pagination: {limit: -1}) { id } }", false),
    ] {
        let answer = served.ask(question, json!({})).await;
        assert_eq!(answer.get("errors").is_none(), given, "{question}: {answer}");
        if question.contains("-1") {
            assert_eq!(answer["errors"][0]["message"], "`pagination.limit` is -1; it must be 0 or more");
        } else if !given {
            let message = answer["errors"][0]["message"].as_str().unwrap();
            assert!(
                message.contains("larger than 40000 bytes") && message.contains("`pagination`"),
                "{message}"
            );
            assert_eq!(answer["errors"][0]["extensions"]["classification"], "DataFetchingException");
            assert_eq!(answer.get("data"), None);
        }
    }
}

#[tokio::test]
async fn a_list_of_instances_is_sent_whole_and_in_order() {
    let served = serve("rondo.limits.memory=16777216\nrondo.graphql.max-answer-bytes=4000\n").await;
    assert_eq!(served.get("/sleeper").await.json(), json!([]));
    let mut expected = Vec::new();
    for number in 0..150 {
        // One row is larger than what is read at once, and all of them than an answer that is not sent while it is read.
        let length = if number == 70 { 3_000_000 } else { 60_000 };
        let data = json!({"number": number, "text": "x".repeat(length)});
        expected.push(json!({"id": served.start("sleeper", &data).await, "workflowdata": data}));
    }
    let list = served.get("/sleeper").await;
    assert_eq!((list.status, list.kind.as_str()), (200, "application/json"));
    assert!(list.json() == json!(expected), "{} bytes", list.text.len());
    served.memory_is_given_back().await;
}

#[tokio::test]
async fn a_large_filter_works_or_is_refused_in_words() {
    let served = serve("").await;
    let id = served.start("sleeper", &json!({"a": "x"})).await;
    let question = "query($where: ProcessInstanceArgument) { ProcessInstances(where: $where) { id } }";
    let or = |count: usize, one: Value| {
        let mut list = vec![one; count];
        list.push(json!({"id": {"equal": id}}));
        json!({"or": list})
    };
    let ids = |count: usize| {
        let mut list: Vec<_> = (0..count).map(|n| uuid::Uuid::from_u128(n as u128).to_string()).collect();
        list.push(id.clone());
        list
    };
    let nested = (0..60).fold(json!({"id": {"equal": id}}), |inner, _| json!({"not": inner}));
    let like = json!({"variables": {"workflowdata": {"a": {"like": "no*"}, "b": {"greaterThan": 1}}}});
    for (filter, problem) in [
        (or(499, json!({"state": {"equal": "ERROR"}})), None),
        (or(249, like), None),
        (or(5000, json!({"state": {"equal": "ERROR"}})), Some("5001 conditions")),
        (json!({"id": {"in": ids(9_999)}}), None),
        (json!({"id": {"in": ids(30_000)}}), Some("30001 values")),
        (nested, None),
        (json!({"variables": {"workflowdata": {"a": {"in": vec!["x"; 500]}}}}), None),
        (
            json!({"variables": {"workflowdata": {"a": {"containsAny": vec!["x"; 5000]}}}}),
            Some("5000 conditions"),
        ),
    ] {
        let start: String = filter.to_string().chars().take(90).collect();
        let answer = served.ask(question, json!({"where": filter})).await;
        match problem {
            None => assert_eq!(answer, json!({"data": {"ProcessInstances": [{"id": id}]}}), "{start}"),
            Some(problem) => {
                assert!(
                    answer["errors"][0]["message"].as_str().unwrap().contains(problem),
                    "{start} {answer}"
                );
                assert_eq!(answer["errors"][0]["extensions"]["classification"], "ValidationError");
            }
        }
    }
}
