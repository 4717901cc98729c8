//! The workflow REST face, management and documents over real HTTP.

#[allow(clippy::unwrap_used, unreachable_pub, reason = "helpers of tests")]
mod support;

use serde_json::{Value, json};
use support::{Answer, serve, serve_stored, serve_with, told};

const JSON: (&str, &str) = ("content-type", "application/json");

/// One start: body and headers, expected status, and what the answer's text contains.
#[tokio::test]
async fn starts_are_answered_as_sonataflow_does() {
    let served = serve("rondo.http.max-body-bytes=2000\n").await;
    let large = json!({"name": "x".repeat(3000)}).to_string();
    for (path, headers, body, status, contains) in [
        ("/greeting", &[JSON][..], Some(r#"{"name": "Ada"}"#), 201, r#""message":"Hello Ada""#),
        (
            "/greeting?businessKey=k",
            &[JSON],
            Some(r#"{"workflowdata": {"name": "Ada"}, "by": "x"}"#),
            201,
            "Hello Ada",
        ),
        (
            "/greeting",
            &[("content-type", "application/json; charset=utf-8")],
            Some(r#"{"name": "A"}"#),
            201,
            "Hello A",
        ),
        ("/sleeper", &[JSON], None, 201, r#""workflowdata":{}"#),
        ("/sleeper", &[JSON], Some(r#"{"workflowdata": ""}"#), 201, r#""workflowdata":"""#),
        ("/division", &[JSON], Some(r#"{"number1": 4, "number2": 2}"#), 201, "2"),
        ("/greeting", &[], Some(r#"{"name": "Ada"}"#), 415, ""),
        ("/greeting", &[], None, 415, ""),
        ("/greeting", &[("content-type", "text/plain")], Some("{}"), 415, ""),
        ("/greeting", &[JSON], Some("{bad"), 400, "Not able to deserialize data provided."),
        ("/greeting", &[JSON], Some("[1]"), 400, "Not able to deserialize data provided."),
        ("/greeting", &[JSON], Some("{}"), 400, "$.name: is missing but it is required"),
        ("/greeting", &[JSON], Some(r#"{"name": 5}"#), 400, "$.name: integer found, string expected"),
        ("/greeting", &[JSON], Some(large.as_str()), 413, "larger than 2000 bytes"),
        ("/nosuch", &[JSON], Some("{}"), 404, "nosuch"),
        (
            "/sleeper",
            &[JSON, ("x-kogito-startfromnode", "nope")],
            Some("{}"),
            404,
            "Node with id nope not found within process sleeper: its states are Rest A While",
        ),
        ("/sleeper", &[JSON, ("X-KOGITO-StartFromNode", "Rest A While")], Some("{}"), 201, "{}"),
        ("/sleeper?businessKey=first&businessKey=second", &[JSON], Some("{}"), 201, "{}"),
        ("/sleeper?businessKey=gr%C3%B6%C3%9Fe", &[JSON], Some("{}"), 201, "{}"),
        ("/sleeper?businessKey=a%0Ab", &[JSON], Some("{}"), 400, "a control character at place 2"),
        ("/sleeper?businessKey=%00", &[JSON], Some("{}"), 400, "a control character at place 1"),
        (&format!("/sleeper?businessKey={}", "k".repeat(1000)), &[JSON], Some("{}"), 201, "{}"),
        (&format!("/sleeper?businessKey={}", "k".repeat(1001)), &[JSON], Some("{}"), 400, "1000 are allowed"),
        ("/byevent", &[JSON], Some("{}"), 405, "started by an event"),
        ("/caller", &[JSON], Some(r#"{"status": 200}"#), 201, r#""answered":200"#),
        ("/caller", &[JSON], Some(r#"{"status": 404}"#), 404, r#""errorCode":"404""#),
        ("/caller", &[JSON], Some(r#"{"status": 503}"#), 500, r#""errorCode":"503""#),
        ("/division", &[JSON], Some(r#"{"number1": 4, "number2": 0}"#), 400, r#""failedNodeId":"divide""#),
    ] {
        let answer = served.send("POST", path, headers, body.map(Into::into)).await;
        assert_eq!(answer.status, status, "{path} {body:?}: {}", answer.text);
        assert!(answer.text.contains(contains), "{path} {body:?}: {}", answer.text);
        if status == 201 {
            let id = answer.json()["id"].as_str().unwrap().to_owned();
            let path = path.split('?').next().unwrap();
            assert_eq!(answer.location, Some(format!("{}{path}/{id}", served.base)));
        }
        if status == 415 {
            assert_eq!(answer.text, "");
        } else {
            assert_eq!(answer.kind, "application/json", "{path} {body:?}");
        }
    }
}

#[tokio::test]
async fn a_slash_at_the_end_of_a_path_means_nothing() {
    let served = serve("").await;
    let id = served.start("sleeper", &json!({})).await;
    for (method, path, status) in [
        ("GET", "/", 200),
        ("GET", "//", 200),
        ("POST", "/sleeper/", 201),
        ("POST", "/sleeper/?businessKey=a/", 201),
        ("GET", "/sleeper/", 200),
        ("GET", "/sleeper/{id}/", 200),
        ("GET", "/sleeper/{id}", 200),
        ("GET", "/management/processes/", 200),
        ("GET", "/management/processes/sleeper/instances/{id}/timers/", 200),
        ("GET", "/rondo/instances/{id}/", 200),
        ("GET", "/q/health/ready//", 200),
        ("GET", "/q/openapi/", 200),
        ("GET", "//management/processes", 200),
        ("GET", "/graphql/?query=%7B__typename%7D", 200),
        ("GET", "//graphql?query=%7B__typename%7D", 200),
        ("GET", "/nosuch/", 404),
        ("GET", "/sleeper//{id}", 404),
        ("DELETE", "/sleeper/{id}/", 200),
    ] {
        let answer = served.send(method, &path.replace("{id}", &id), &[JSON], None).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
    }
    let guarded = serve("rondo.auth.token=t\n").await;
    for (path, status) in
        [("/q/health/ready/", 200), ("//q/health", 200), ("/sleeper/", 401), ("//sleeper", 401)]
    {
        assert_eq!(guarded.get(path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn of_several_business_keys_the_first_counts() {
    let served = serve("").await;
    let answer =
        served.json("POST", "/sleeper?other=1&businessKey=first&businessKey=second", &json!({})).await;
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    let shown = served.get(&format!("/rondo/instances/{id}")).await.json();
    assert_eq!(shown["businessKey"], "first");
}

#[tokio::test]
async fn a_failed_instance_is_changed_retriggered_and_gone() {
    let served = serve("").await;
    let id = served.start("division", &json!({"number1": 2, "number2": 0})).await;
    let instance = format!("/management/processes/math.division/instances/{id}");

    assert_eq!(served.get(&format!("/division/{id}")).await.status, 200);
    let error = served.get(&format!("{instance}/error")).await.json();
    assert_eq!((&error["id"], &error["failedNodeId"]), (&json!(id), &json!("divide")));

    let again = served.send("POST", &format!("{instance}/retrigger"), &[], None).await;
    assert_eq!((again.status, &again.json()["id"]), (400, &json!(id)));
    let patched = served.json("PATCH", &format!("/division/{id}"), &json!({"number2": 1})).await;
    assert_eq!(
        (patched.status, patched.json()["workflowdata"].clone()),
        (200, json!({"number1": 2, "number2": 1}))
    );
    let done = served.send("POST", &format!("{instance}/retrigger"), &[], None).await;
    assert_eq!((done.status, &done.json()["workflowdata"]["response"]), (200, &json!(2)));

    assert_eq!(served.get(&format!("/division/{id}")).await.status, 404);
    assert_eq!(served.send("DELETE", &instance, &[], None).await.status, 404);

    // Each attempt is a node instance of its own, and those that failed keep their errors.
    let query = "query ($id: String) { ProcessInstances(where: {id: {equal: $id}}) { nodes { name exit errorMessage } } }";
    let listed = served.ask(query, json!({"id": id})).await;
    let nodes = listed["data"]["ProcessInstances"][0]["nodes"].as_array().unwrap();
    let attempts = nodes.iter().filter(|node| node["name"] == "divide");
    let ends: Vec<_> =
        attempts.map(|node| (node["exit"].is_null(), node["errorMessage"].is_null())).collect();
    assert_eq!(ends, [(true, false), (true, false), (false, true)], "{listed}");
}

#[tokio::test]
async fn a_sleeping_instance_is_listed_changed_and_aborted() {
    let served = serve("").await;
    let id = served.start("sleeper", &json!({"a": 1})).await;
    assert_eq!(served.get("/sleeper").await.json(), json!([{"id": id, "workflowdata": {"a": 1}}]));
    assert_eq!(
        served.get(&format!("/sleeper/{id}")).await.json(),
        json!({"id": id, "workflowdata": {"a": 1}})
    );
    assert_eq!(
        served.get(&format!("/greeting/{id}")).await.status,
        404,
        "an instance is found below its workflow only"
    );
    assert_eq!(served.get(&format!("/sleeper/{id}/tasks")).await.json(), json!([]));

    let replaced = served.json("PUT", &format!("/sleeper/{id}"), &json!({"workflowdata": {"b": 2}})).await;
    assert_eq!(replaced.json(), json!({"id": id, "workflowdata": {"b": 2}}));

    let instance = format!("/management/processes/sleeper/instances/{id}");
    let timers = served.get(&format!("{instance}/timers")).await.json();
    assert_eq!(timers[0]["description"], "sleeps in state Rest A While");
    assert_eq!(served.get(&format!("{instance}/nodeInstances")).await.json(), json!([]));
    for path in ["error", "retrigger", "skip"] {
        let method = if path == "error" { "GET" } else { "POST" };
        let refused = served.send(method, &format!("{instance}/{path}"), &[], None).await;
        let message = format!("Process instance with id {id} is not in error state");
        assert_eq!((refused.status, refused.json()), (400, json!({"message": message})));
    }

    let aborted = served.send("DELETE", &instance, &[], None).await;
    assert_eq!((aborted.status, aborted.json()), (200, json!({"id": id, "workflowdata": {"b": 2}})));
    assert_eq!(served.get("/sleeper").await.json(), json!([]));
    assert_eq!(served.get(&format!("/sleeper/{id}")).await.status, 404);
}

#[tokio::test]
async fn an_instance_whose_workflow_is_gone_is_shown_changed_and_ended() {
    let served = serve_stored().await;
    let (one, other) =
        (served.start("sleeper", &json!({"a": 1})).await, served.start("sleeper", &json!({})).await);
    let failed = served.start("division", &json!({"number1": 2, "number2": 0})).await;
    let served = served.restarted_without(&["sleeper.sw.yaml", "inner/division.sw.yaml"]).await;

    assert_eq!(served.json("POST", "/sleeper", &json!({})).await.status, 404);
    assert_eq!(served.get(&format!("/sleeper/{one}")).await.json()["workflowdata"], json!({"a": 1}));
    assert_eq!(served.get(&format!("/greeting/{one}")).await.status, 404);
    assert_eq!(served.json("PATCH", &format!("/sleeper/{one}"), &json!({"b": 2})).await.status, 200);
    let aborted = served.send("DELETE", &format!("/sleeper/{one}"), &[], None).await;
    assert_eq!((aborted.status, &aborted.json()["workflowdata"]), (200, &json!({"a": 1, "b": 2})));

    let management = format!("/management/processes/sleeper/instances/{other}");
    assert_eq!(
        served.get(&format!("{management}/timers")).await.json()[0]["processInstanceId"],
        json!(other)
    );
    assert_eq!(served.send("DELETE", &management, &[], None).await.status, 200);
    let unknown = served.send("DELETE", &management, &[], None).await;
    assert_eq!(
        (unknown.status, unknown.json()),
        (404, json!({"message": "Process with id sleeper not found"}))
    );

    assert_eq!(served.get(&format!("/division/{failed}")).await.status, 200);
    let management = format!("/management/processes/math.division/instances/{failed}");
    assert_eq!(served.get(&format!("{management}/error")).await.json()["failedNodeId"], "divide");
    assert_eq!(
        served.json("PATCH", &format!("/division/{failed}"), &json!({"number2": 1})).await.status,
        200
    );
    let done = served.send("POST", &format!("{management}/retrigger"), &[], None).await;
    assert_eq!((done.status, &done.json()["workflowdata"]["response"]), (200, &json!(2)));
}

#[tokio::test]
async fn management_tells_of_workflows() {
    let served = serve("").await;
    let mut ids: Vec<String> =
        serde_json::from_value(served.get("/management/processes").await.json()).unwrap();
    ids.sort();
    assert_eq!(ids, ["byevent", "caller", "greeting", "headers", "leak", "math.division", "sleeper"]);

    let information = served.get("/management/processes/greeting").await;
    insta::assert_snapshot!(information.text, @r##"{"inputSchema":{"$schema":"http://json-schema.org/draft-07/schema#","title":"Greeting input","type":"object","properties":{"name":{"type":"string","title":"Name","ui:autofocus":true},"kind":{"$ref":"#/$defs/Kind_1"},"aa":{"type":"integer"}},"required":["name"],"$defs":{"Kind_1":{"title":"Kind","type":"string","enum":["a","b"]}}},"name":"Greeting workflow","description":"Says hello","annotations":["workflow-type/infrastructure"],"id":"greeting","type":"SW","version":"1.0"}"##);
    insta::assert_snapshot!(served.get("/management/processes/greeting/nodes").await.text, @r#"[{"id":"Start","uniqueId":"Start","nodeDefinitionId":"Start","type":"StartNode","name":"Start","metadata":{"UniqueId":"Start"}},{"id":"Ask Politely","uniqueId":"Ask Politely","nodeDefinitionId":"Ask Politely","type":"CompositeContextNode","name":"Ask Politely","metadata":{"UniqueId":"Ask Politely","state":"Ask Politely"}},{"id":"greet","uniqueId":"greet","nodeDefinitionId":"greet","type":"ActionNode","name":"greet","metadata":{"UniqueId":"greet","state":"Ask Politely"}},{"id":"End","uniqueId":"End","nodeDefinitionId":"End","type":"EndNode","name":"End","metadata":{"UniqueId":"End"}}]"#);

    let source = served.get("/management/processes/greeting/source").await;
    assert_eq!((source.status, source.kind.as_str()), (200, "text/plain;charset=UTF-8"));
    assert!(source.text.contains("name: Greeting workflow"));
    let sources = served.get("/management/processes/math.division/sources").await.json();
    assert_eq!(sources, json!([{"uri": "inner/division.sw.yaml"}]));
    let file = served.get("/management/processes/sources?uri=inner/division.sw.yaml").await;
    assert_eq!((file.status, file.kind.as_str()), (200, "application/octet-stream"));
    assert_eq!(served.get("/greeting/schema").await.json()["title"], "Greeting input");

    for (method, path, message) in [
        ("GET", "/management/processes/nosuch", "Process with id nosuch not found"),
        ("GET", "/management/processes/nosuch/source", "Process with id nosuch not found"),
        (
            "GET",
            "/management/processes/sources?uri=application.properties",
            "no workflow file is called application.properties",
        ),
        (
            "DELETE",
            "/management/processes/sleeper/instances/nosuch",
            "Process instance with id nosuch not found",
        ),
        (
            "POST",
            "/management/processes/sleeper/instances/nosuch/retrigger",
            "Process instance with id nosuch not found",
        ),
        ("GET", "/no/such/path/at/all", "there is nothing at /no/such/path/at/all"),
        ("GET", "/sleeper/schema", "workflow `sleeper` has no input schema"),
    ] {
        let answer = served.send(method, path, &[], None).await;
        assert_eq!((answer.status, answer.json()), (404, json!({"message": message})), "{method} {path}");
    }
    assert_eq!(served.send("DELETE", "/greeting", &[], None).await.status, 405);
}

#[tokio::test]
async fn health_documents_and_pages_are_there() {
    let served = serve("").await;
    for path in ["", "/live", "/ready", "/started"] {
        let answer = served.get(&format!("/q/health{path}")).await;
        assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("UP")), "{path}");
    }
    let document = |answer: Answer| -> Value {
        rondo_definition::load("openapi.yaml", &answer.text, rondo_definition::Limits::RESOURCE)
            .unwrap()
            .value
    };
    let json = served.get("/q/openapi?format=json").await;
    assert_eq!(json.kind, "application/json");
    assert_eq!(
        json.json()["components"]["schemas"]["Greeting input"]["properties"]["kind"]["$ref"],
        "#/components/schemas/Greeting%20input/$defs/Kind_1"
    );
    let yaml = served.get("/q/openapi").await;
    assert!(yaml.kind.starts_with("application/yaml"));
    assert_eq!(document(yaml), json.json());

    let page = served.get("/").await;
    assert!(page.kind.starts_with("text/html") && page.text.contains("Greeting workflow"));
    let page = served.send("GET", "/greeting", &[("accept", "text/html, */*")], None).await;
    assert!(page.kind.starts_with("text/html") && page.text.contains("ui:autofocus"));
    let list = served.send("GET", "/greeting", &[("accept", "*/*")], None).await;
    assert_eq!(list.json(), json!([]));
}

#[tokio::test]
async fn a_token_is_asked_for_when_one_is_configured() {
    let served = serve("rondo.auth.token=one,two\n").await;
    for (path, token, status) in [
        ("/greeting", None, 401),
        ("/management/processes", Some("Bearer three"), 401),
        ("/graphql?query=%7B__typename%7D", None, 401),
        ("/nosuch", None, 401),
        ("/greeting", Some("Bearer one"), 200),
        ("/management/processes", Some("Bearer two"), 200),
        ("/q/health/ready", None, 200),
    ] {
        let headers: Vec<_> = token.map(|token| ("authorization", token)).into_iter().collect();
        let answer = served.send("GET", path, &headers, None).await;
        assert_eq!(answer.status, status, "{path} {token:?}");
        assert!(status == 200 || answer.json()["message"].is_string());
    }
}

#[tokio::test]
async fn the_engines_own_token_is_not_kept_with_an_instance() {
    let served = serve("rondo.auth.token=of-the-engine\n").await;
    let headers = [
        JSON,
        ("authorization", "Bearer of-the-engine"),
        ("x-forwarded-access-token", "of-the-engine"),
        ("x-authorization-git", "Bearer of-the-caller"),
    ];
    let answer = served.send("POST", "/headers", &headers, Some("{}".to_owned())).await;
    let kept = answer.json()["workflowdata"]["kept"].clone();
    assert_eq!(
        kept,
        json!({"authorization": null, "forwarded": null, "git": "Bearer of-the-caller", "secret": null})
    );
}

#[tokio::test]
async fn secrets_are_masked_wherever_an_error_is_told() {
    let served = serve("hidden_key=correct/horse\n").await;
    for (how, told) in [("call", "***"), ("compute", "not ***")] {
        let answer = served.json("POST", "/leak", &json!({"how": how})).await;
        assert!(answer.status >= 400, "{}", answer.text);
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        let error = served.get(&format!("/management/processes/leak/instances/{id}/error")).await;
        let query = "{ProcessInstances {id variables error {message} nodes {name errorMessage}}}";
        let listed = served.ask(query, json!({})).await.to_string();
        assert!(error.text.contains(told) && listed.contains(told), "{} {listed}", error.text);
        for text in [answer.text, error.text, listed] {
            for secret in ["correct/horse", "correct%2Fhorse", "pa55word", "ada:"] {
                assert!(!text.contains(secret), "{secret} in {text}");
            }
        }
    }
}

#[tokio::test]
async fn an_error_answer_names_instance_node_and_code() {
    let served = serve("").await;
    let answer = served.json("POST", "/caller", &json!({"status": 503})).await.json();
    let id = answer["id"].as_str().unwrap().to_owned();
    let mut answer = answer;
    answer["message"] = "…".into();
    insta::assert_snapshot!(told(&answer, &id, &served.base), @r#"
    {
      "message": "…",
      "failedNodeId": "ask",
      "id": "ID",
      "errorCode": "503"
    }
    "#);
}

#[test]
fn no_workflow_can_have_a_path_of_the_engine() {
    for own in ["/graphql", "/management/processes", "/q/health", "/q/openapi", "/rondo/instances/x"] {
        let first = own.split('/').nth(1).unwrap();
        assert!(rondo_definition::RESERVED_PATHS.contains(&first), "{own}");
    }
}

#[tokio::test]
async fn every_refusal_is_json() {
    let served = serve("").await;
    let id = "00000000-0000-0000-0000-000000000000";
    for (method, path, status) in [
        ("GET", "/%ff".to_owned(), 400),
        ("POST", "/%ff".into(), 400),
        ("GET", "/sleeper/%ff".into(), 400),
        ("DELETE", "/sleeper/%ff".into(), 400),
        ("PUT", "/sleeper/%ff".into(), 400),
        ("PATCH", "/%ff/x".into(), 400),
        ("GET", "/sleeper/%ff/tasks".into(), 400),
        ("GET", "/%ff/schema".into(), 400),
        ("POST", "/sleeper?businessKey=%0A".into(), 400),
        ("GET", "/q/openapi?format=a&format=b".into(), 400),
        ("GET", "/management/processes/%ff".into(), 400),
        ("GET", "/management/processes/%ff/nodes".into(), 400),
        ("GET", "/management/processes/%ff/source".into(), 400),
        ("GET", "/management/processes/%ff/sources".into(), 400),
        ("GET", "/management/processes/sources".into(), 400),
        ("DELETE", format!("/management/processes/%ff/instances/{id}"), 400),
        ("GET", format!("/management/processes/%ff/instances/{id}/error"), 400),
        ("POST", format!("/management/processes/%ff/instances/{id}/retrigger"), 400),
        ("POST", format!("/management/processes/%ff/instances/{id}/skip"), 400),
        ("GET", format!("/management/processes/%ff/instances/{id}/nodeInstances"), 400),
        ("GET", format!("/management/processes/%ff/instances/{id}/timers"), 400),
        ("GET", "/rondo/instances/%ff".into(), 400),
        ("GET", "/rondo/instances/nosuch".into(), 404),
        ("PUT", "/graphql".into(), 405),
        ("PATCH", "/".into(), 405),
        ("TRACE", "/sleeper".into(), 405),
        ("DELETE", "/q/health".into(), 405),
        ("GET", "/a/b/c/d/e".into(), 404),
    ] {
        let answer = served.send(method, &path, &[JSON], None).await;
        assert_eq!(
            (answer.status, answer.kind.as_str()),
            (status, "application/json"),
            "{method} {path}: {}",
            answer.text
        );
        assert!(answer.json()["message"].is_string(), "{method} {path}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_change_that_makes_the_data_too_large_changes_nothing() {
    let served = serve("").await;
    let id = served.start("sleeper", &json!({})).await;
    let instance = format!("/sleeper/{id}");
    let many = |name: &str| format!("{{\"{name}\": [{}1]}}", "1,".repeat(1_200_000));
    let change = async |method: &str, body: String| served.send(method, &instance, &[JSON], Some(body)).await;
    assert_eq!(change("PATCH", many("a")).await.status, 200);
    for method in ["PATCH", "PATCH"] {
        let refused = change(method, many("b")).await;
        assert_eq!(refused.status, 413, "{:.300}", refused.text);
        assert!(refused.text.contains("nothing was changed"), "{}", refused.text);
    }
    let data = served.get(&instance).await.json();
    assert_eq!(data["workflowdata"].as_object().unwrap().keys().collect::<Vec<_>>(), ["a"]);
    assert_eq!(change("PUT", many("b")).await.status, 200);
    served.memory_is_given_back().await;
}

const REGULAR: &str = r"
id: regular
version: '2.1'
specVersion: '0.8'
start: {stateName: Note, schedule: {cron: {expression: '0 0 3 * * ?'}, timezone: Europe/Berlin}}
states:
- {name: Note, type: inject, data: {noted: true}, end: true}
";

#[tokio::test]
async fn schedules_are_listed_with_their_next_moments() {
    const HOUR: i64 = 3_600_000;
    let served = serve_with("", &[("regular.sw.yaml", REGULAR)]).await;
    let listed = served.get("/rondo/schedules?count=3").await.json();
    let [schedule] = listed.as_array().unwrap().as_slice() else { panic!("{listed}") };
    assert_eq!(
        (&schedule["workflow"], &schedule["version"], &schedule["schedule"], &schedule["timezone"]),
        (&json!("regular"), &json!("2.1"), &json!("cron 0 0 3 * * ?"), &json!("Europe/Berlin"))
    );
    let next: Vec<i64> = schedule["next"].as_array().unwrap().iter().map(|at| at.as_i64().unwrap()).collect();
    assert_eq!(next.len(), 3);
    for pair in next.windows(2) {
        // A day has 23 hours when summer time begins, and 25 when it ends.
        assert!((23 * HOUR..=25 * HOUR).contains(&(pair[1] - pair[0])), "{next:?}");
    }
    for (query, expected) in [("", 200), ("?count=100", 200), ("?count=101", 400), ("?count=x", 400)] {
        let answer = served.get(&format!("/rondo/schedules{query}")).await;
        assert_eq!(answer.status, expected, "{query}: {}", answer.text);
    }
    let default = served.get("/rondo/schedules").await.json();
    assert_eq!(default[0]["next"].as_array().unwrap().len(), 5);
    served.memory_is_given_back().await;
}
