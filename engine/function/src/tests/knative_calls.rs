//! Functions `knative:<service>`.

use serde_json::{Value, json};

use rondo_program::{HttpMethod, KnativeFunction};

use super::support::{Reply, Server, binding, call, client_message, properties, result};
use crate::binding::{Binding, Target};
use crate::http_target::HttpTarget;

/// The property that holds the address of the service.
fn address(server: &str) -> String {
    format!("org.kie.kogito.addons.discovery.knative\\:s.dev/ns/greet={server}")
}

fn knative(path: &str, method: HttpMethod, as_cloud_event: bool) -> std::sync::Arc<Binding> {
    binding(Target::Http(HttpTarget::Knative(KnativeFunction {
        service: "s.dev/ns/greet".to_owned(),
        path: path.to_owned(),
        method,
        as_cloud_event,
    })))
}

#[tokio::test]
async fn arguments_become_what_the_function_takes() {
    let server = Server::start(vec![Reply::json(200, &json!({"ok": true}))]).await;
    let properties = properties("", &address(&server.url));
    let event = json!({"specversion": 1.0, "source": "/s", "type": "t", "data": {"a": 1}});
    let with_id = json!({"specversion": "1.0", "id": 42, "source": "/s", "type": "t", "HEADER_X-H": "h"});
    let (get, post) = (HttpMethod::Get, HttpMethod::Post);
    for (path, method, as_cloud_event, arguments, expected) in [
        ("", post, false, json!({"a": 1}), r#"POST / application/json {"a":1} "#),
        ("/p", post, false, Value::Null, r#"POST /p application/json {"whole":"data"} "#),
        (
            "/p",
            post,
            false,
            json!({"HEADER_X-H": 5, "QUERY_q": "a b", "c": null}),
            r#"POST /p?q=a+b application/json {"c":null} 5"#,
        ),
        ("/p", get, false, json!({"QUERY_q": "a&b", "n": 1}), "GET /p?QUERY_q=a%26b&n=1   "),
        ("/p", get, false, json!({"n": [1]}), "argument `n` is array, which cannot be a query parameter"),
        (
            "/p",
            post,
            true,
            event.clone(),
            r#"POST /p application/cloudevents+json; charset=UTF-8 {"specversion":"1.0","source":"/s","type":"t","data":{"a":1},"id":"i-1_7"} "#,
        ),
        (
            "/p",
            post,
            true,
            with_id,
            r#"POST /p application/cloudevents+json; charset=UTF-8 {"specversion":"1.0","id":"42","source":"/s","type":"t"} h"#,
        ),
        (
            "/p",
            post,
            true,
            json!({"type": "t"}),
            "the arguments are no CloudEvent: there is no `specversion`",
        ),
        (
            "/p",
            post,
            false,
            event,
            "the arguments are a CloudEvent, and the function does not send one; add `asCloudEvent=true` to its operation",
        ),
        ("/p", post, false, json!([1]), "the arguments of a Knative function are an object"),
    ] {
        let got = match call(&knative(path, method, as_cloud_event), &properties, arguments).await {
            Ok(answer) => {
                assert_eq!(result(&answer), json!({"ok": true}));
                let seen = server.last();
                assert_eq!(seen.header("kogitoprocinstanceid"), "i-1");
                let (content_type, header) = (seen.header("content-type"), seen.header("x-h"));
                format!("{} {} {content_type} {} {header}", seen.method, seen.target, seen.body)
            }
            Err(error) => client_message(&error),
        };
        assert_eq!(got, expected);
    }
}

#[tokio::test]
async fn an_error_status_is_the_code_of_the_failure() {
    let server = Server::start(vec![Reply::json(404, &json!({}))]).await;
    let properties = properties("", &address(&server.url));
    let error =
        call(&knative("/p", HttpMethod::Post, false), &properties, json!({"a": 1})).await.unwrap_err();
    let failure = error.into_failure();
    assert_eq!((failure.status, failure.code.as_deref()), (Some(404), Some("404")));
}

#[tokio::test]
async fn a_call_without_an_answer_fails_like_one_of_sonataflow() {
    // The listener accepts the connection and never answers.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let properties = properties("", &format!("{}\nkogito.sw.functions.f.timeout=50", address(&url)));
    let error = call(&knative("", HttpMethod::Post, false), &properties, json!({"a": 1})).await.unwrap_err();
    insta::assert_snapshot!(client_message(&error), @"io.smallrye.mutiny.TimeoutException - gave no answer within 50 ms");
}

#[tokio::test]
async fn a_service_whose_address_is_not_known_says_which_property_is_missing() {
    let error = call(&knative("", HttpMethod::Post, false), &properties("", ""), json!({"a": 1})).await;
    insta::assert_snapshot!(client_message(&error.unwrap_err()), @r"the address of the Knative service `s.dev/ns/greet` is not known, because the engine runs in no cluster; set `org.kie.kogito.addons.discovery.knative\:s.dev/ns/greet`");
}
