//! How answers become results.

use serde_json::{Value, json};

use super::support::{Reply, Server, call, client_message, openapi, properties, result, spec};

async fn check(content: Value, rows: Vec<(&'static str, &str, Value)>) {
    for (content_type, body, expected) in rows {
        let server = Server::start(vec![Reply::new(200, content_type, body)]).await;
        let operation = json!({"responses": {"200": {"content": content}}});
        let binding = openapi(&spec("/a", "get", operation, json!({})));
        let got = match call(&binding, &properties(&server.url, ""), Value::Null).await {
            Ok(answer) => result(&answer),
            Err(error) => client_message(&error).into(),
        };
        assert_eq!(got, expected, "{body} as {content_type} for {content}");
    }
}

fn json_of(schema: Value) -> Value {
    json!({"application/json": {"schema": schema}})
}

#[tokio::test]
async fn answers_take_the_declared_form() {
    let json_type = "application/json";
    let object = json!({"type": "object", "properties": {
        "n": {"type": "integer"}, "s": {"type": "string"}, "b": {"type": "boolean"},
        "d": {"type": "string", "default": "filled"}, "e": {"type": "string", "enum": ["x"]},
        "o": {"type": "object", "properties": {"m": {"type": "number"}}}, "free": {"type": "object"},
        "l": {"type": "array", "items": {"type": "integer"}},
    }});
    check(
        json_of(json!({"type": "integer"})),
        vec![
            (json_type, "\"110\"", json!(110)),
            (json_type, "110", json!(110)),
            ("text/plain", "110", json!(110)),
        ],
    )
    .await;
    check(
        json_of(object),
        vec![
            (
                json_type,
                r#"{"n":"7","s":5,"b":"true","e":"other"}"#,
                json!({"n": 7, "s": "5", "b": true, "e": "other", "d": "filled"}),
            ),
            (
                json_type,
                r#"{"n":null,"x":null,"y":{"z":null},"d":"own"}"#,
                json!({"y": {}, "d": "own"}),
            ),
            (
                json_type,
                r#"{"o":{"m":"1.5","k":null},"free":{"k":null,"t":"{\"u\":1}"},"l":["1",null,2.5],"d":"{\"u\":1}"}"#,
                json!({"o": {"m": 1.5}, "free": {"t": {"u": 1}}, "l": [1, 2], "d": "{\"u\":1}"}),
            ),
            (json_type, r#"{"n":{"deep":1},"d":"-"}"#, json!({"n": {"deep": 1}, "d": "-"})),
            (json_type, "", Value::Null),
        ],
    )
    .await;
    check(
        json_of(json!({"type": "string"})),
        vec![
            (json_type, "\"quoted\"", json!("\"quoted\"")),
            (json_type, " {\"a\": 1} ", json!({"a": 1})),
            (json_type, "{\"a\": 1} tail", json!("{\"a\": 1} tail")),
            (json_type, "[1]", json!("[1]")),
        ],
    )
    .await;
    check(
        json_of(json!({"type": "array", "items": {"type": "string"}})),
        vec![(json_type, r#"["{\"a\":1}","x"]"#, json!([{"a": 1}, "x"]))],
    )
    .await;
    check(
        json_of(
            json!({"type": "object", "properties": {"l": {"type": "array", "items": {"type": "string"}}}}),
        ),
        vec![(json_type, r#"{"l":["{\"a\":1}"]}"#, json!({"l": ["{\"a\":1}"]}))],
    )
    .await;
    check(
        json_of(json!({})),
        vec![(
            json_type,
            r#"{"a":null,"b":{"c":null,"d":1},"l":[null,1]}"#,
            json!({"b": {"d": 1}, "l": [1]}),
        )],
    )
    .await;
    check(
        json!({"text/plain": {"schema": {"type": "number"}}}),
        vec![("text/plain", "37.808", json!(37.808))],
    )
    .await;
    check(
        json!({"text/plain": {"schema": {"type": "string"}}}),
        vec![("text/plain", "murder", json!("murder"))],
    )
    .await;
    check(
        json!({"application/octet-stream": {"schema": {}}}),
        vec![
            ("application/octet-stream", r#"{"a":1}"#, json!({"a": 1})),
            ("application/octet-stream", "no json", json!("no json")),
        ],
    )
    .await;
    check(json!({}), vec![
        (json_type, r#"{"a":null}"#, json!({})),
        ("text/html", "<p>", json!("<p>")),
        (json_type, "<p>", json!("com.fasterxml.jackson.core.JsonParseException - answered 200 with something that is not JSON: <p>")),
    ]).await;
    check(json_of(json!({"type": "array", "items": {}})), vec![
        (json_type, "oops", json!("com.fasterxml.jackson.core.JsonParseException - answered 200 with something that is not a JSON array: oops")),
    ]).await;
}

#[tokio::test]
async fn the_schema_is_found_by_status_then_success_then_default() {
    let number = json_of(json!({"type": "number"}));
    for (responses, expected) in [
        (json!({"201": {"content": number}}), json!(1)),
        (json!({"200": {"content": number}, "404": {}}), json!(1)),
        (json!({"2XX": {"content": number}, "x-note": {}}), json!(1)),
        (json!({"default": {"content": number}}), json!(1)),
        (json!({"400": {"content": number}}), json!("1")),
    ] {
        let server = Server::start(vec![Reply::new(201, "application/json", "\"1\"")]).await;
        let binding = openapi(&spec("/a", "get", json!({"responses": responses}), json!({})));
        let answer = call(&binding, &properties(&server.url, ""), Value::Null).await.unwrap();
        assert_eq!(
            (result(&answer), answer.status.unwrap(), answer.status_message.as_str()),
            (expected, 201, "Created")
        );
    }
}

#[tokio::test]
async fn schemas_that_refer_to_themselves_are_read() {
    let server =
        Server::start(vec![Reply::json(200, &json!({"next": {"n": "2", "next": {"n": "3"}}}))]).await;
    let document = spec(
        "/a",
        "get",
        json!({"responses": {"200": {"content": json_of(json!({"$ref": "#/components/schemas/Node"}))}}}),
        json!({"components": {"schemas": {
            "Node": {"allOf": [{"$ref": "#/components/schemas/Node"}, {"$ref": "#/components/schemas/Base"}],
                     "properties": {"next": {"$ref": "#/components/schemas/Node"}}},
            "Base": {"type": "object", "properties": {"n": {"type": "integer"}}}}}}),
    );
    let answer = call(&openapi(&document), &properties(&server.url, ""), Value::Null).await.unwrap();
    assert_eq!(result(&answer), json!({"next": {"n": 2, "next": {"n": 3}}}));
}

#[tokio::test]
async fn headers_of_the_answer_have_their_usual_names() {
    let mut reply = Reply::new(204, "", "");
    reply.headers.push(("x-custom-header", "MyHeaderValue".to_owned()));
    let server = Server::start(vec![reply]).await;
    let binding = openapi(&spec("/a", "delete", json!({}), json!({})));
    let answer = call(&binding, &properties(&server.url, ""), Value::Null).await.unwrap();
    assert_eq!(result(&answer), Value::Null);
    assert!(answer.headers.contains(&("X-Custom-Header".to_owned(), "MyHeaderValue".to_owned())));
}
