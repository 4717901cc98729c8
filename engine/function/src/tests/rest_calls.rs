//! Functions `rest:<method>:<path or URL>`.

use serde_json::{Value, json};

use rondo_definition::{Environment, Properties};

use super::support::{Reply, Server, call, client_message, http, properties, rest, result};
use crate::mask::{Mask, Secrets};

#[tokio::test]
async fn arguments_become_path_query_headers_and_body() {
    let server = Server::start(vec![Reply::json(200, &json!({"sum": 84}))]).await;
    let port = server.url.rsplit(':').next().unwrap();
    let properties = properties(
        &server.url,
        &format!("kogito.sw.functions.f.host=127.0.0.1\nkogito.sw.functions.port={port}"),
    );
    for (operation, arguments, expected) in [
        (
            "post:/numbers/{m}/sum",
            json!({"m": 3, "numbers": [1]}),
            r#"POST /numbers/3/sum application/json {"numbers":[1]} "#,
        ),
        ("post:/{a}", json!({"a": "x y/z"}), r#"POST /x+y%2Fz application/json {"whole":"data"} "#),
        ("get:/{a}?b={a}", json!({"a": "x%2Fy z"}), "GET /x%2Fy+z?b=x%252Fy+z   "),
        ("put:/a", Value::Null, r#"PUT /a application/json {"whole":"data"} "#),
        ("post:/a", json!([1, 2]), "POST /a application/json [1,2] "),
        ("get:/a", json!({"QUERY_q": "a b", "HEADER_X-H": 5, "left": 1}), "GET /a?q=a+b   5"),
        ("get:/a?k=v", json!({"QUERY_q": 1}), "GET /a?k=v&q=1   "),
        ("delete:a", json!({"left": 1}), "DELETE /a   "),
        ("get:/a/{b}", json!({"c": 1}), "missing parameter b"),
    ] {
        let got = match call(&rest(operation, true), &properties, arguments).await {
            Ok(answer) => {
                assert_eq!(result(&answer), json!({"sum": 84}));
                let seen = server.last();
                assert_eq!(seen.header("kogitoprocinstanceid"), "i-1");
                assert_eq!(seen.header("idempotency-key"), "i-1/7");
                let (content_type, header) = (seen.header("content-type"), seen.header("x-h"));
                format!("{} {} {content_type} {} {header}", seen.method, seen.target, seen.body)
            }
            Err(error) => client_message(&error),
        };
        assert_eq!(got, expected, "{operation}");
    }
}

#[tokio::test]
async fn credentials_come_from_the_functions_properties() {
    for (lines, authorization, key) in [
        ("username=u\nkogito.sw.functions.f.password=p", "Basic dTpw", ""),
        ("access_token=t1", "Bearer t1", ""),
        ("api_key=k1\nkogito.sw.functions.f.api_key_prefix=Token", "", "Token k1"),
    ] {
        let server = Server::start(vec![Reply::json(200, &json!({}))]).await;
        let properties = properties(&server.url, &format!("kogito.sw.functions.f.{lines}"));
        call(&rest(&format!("get:{}/a", server.url), true), &properties, Value::Null).await.unwrap();
        let seen = server.last();
        assert_eq!((seen.header("authorization"), seen.header("x-api-key")), (authorization, key));
    }
}

#[tokio::test]
async fn an_error_status_can_be_looked_at() {
    let server = Server::start(vec![Reply::new(404, "text/plain", "none")]).await;
    let binding = rest(&format!("get:{}/a", server.url), false);
    let answer = call(&binding, &properties("", ""), Value::Null).await.unwrap();
    assert_eq!((answer.status.unwrap(), answer.status_message.as_str()), (404, "Not Found"));
    assert_eq!(result(&answer), json!("none"));
}

/// An expression without a result must not send all data of the state to a service.
#[test]
fn arguments_that_are_null_are_not_the_state_data() {
    let target = http("post:http://h/a", true);
    let properties = Properties::parse("", "", Environment::new()).0;
    for (arguments, body) in [
        (None, r#"{"all":"data"}"#),
        (Some(Value::Null), r#"{"ContentData":null}"#),
        (Some(json!({})), r#"{"all":"data"}"#),
    ] {
        let data = || r#"{"all":"data"}"#.to_owned();
        let mut mask = Mask::new(Secrets::default());
        let builder = crate::rest::build(
            &target,
            "",
            "f",
            arguments.map(super::support::val).as_ref(),
            &data,
            &properties,
            &mut mask,
        )
        .unwrap();
        assert_eq!(String::from_utf8(builder.body.unwrap().1).unwrap(), body);
    }
}
