//! Arguments to requests.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::support::{Reply, Server, call, call_with, caller, openapi, properties, spec};
use crate::binding::Target;

use crate::mask::Secrets;

/// `METHOD target`, then the content type and the body if there is one.
async fn check(rows: Vec<(Value, Value, &str)>) {
    let server = Server::start(vec![Reply::json(200, &json!({}))]).await;
    let properties = properties(&server.url, "");
    for (document, arguments, expected) in rows {
        let shown = format!("{arguments}");
        let got = if let Err(error) = call(&openapi(&document), &properties, arguments).await {
            error.to_string()
        } else {
            let seen = server.last();
            let content_type = seen.header("content-type");
            format!("{} {} {content_type} {}", seen.method, seen.target, seen.body).trim_end().to_owned()
        };
        assert_eq!(got, expected, "{shown}");
    }
}

fn parameters(path: &str, parameters: Value) -> Value {
    spec(path, "get", json!({"parameters": parameters}), json!({}))
}

fn body(media_type: &str, schema: Value) -> Value {
    spec("/p", "post", json!({"requestBody": {"content": {media_type: {"schema": schema}}}}), json!({}))
}

fn text() -> Value {
    json!({"type": "string"})
}

#[tokio::test]
async fn parameters_go_where_the_document_says() {
    let in_query = |name: &str, schema: Value| json!([{"name": name, "in": "query", "schema": schema}]);
    let texts = json!({"type": "array", "items": {"type": "string"}});
    check(vec![
        (parameters("/a/{id}", json!([{"name": "id", "in": "path", "schema": text()}])), json!({"id": "x/y z?"}), "GET /a/x/y%20z%3F"),
        (parameters("/a/{id}", json!([{"name": "id", "in": "path", "schema": text()}])), json!({"id": ".."}),
            "function `f`: the arguments make `/a/..` of the path, which would be another path (state `Create issue`, action `create`, attempt 2)"),
        (parameters("/a/{id}", json!([])), json!({"id": ""}),
            "function `f`: parameter `id` is empty, which would make another path (state `Create issue`, action `create`, attempt 2)"),
        (parameters("/a/{id}", json!([])), json!({"id": 7}), "GET /a/7"),
        (parameters("/a", json!([{"name": "q", "in": "query", "required": true, "schema": {"type": "string", "default": "d"}}])), json!({}), "GET /a"),
        (parameters("/a", in_query("q", json!({"type": "integer"}))), json!({"q": 12.7}), "GET /a?q=12"),
        (parameters("/a/{id}", json!([{"name": "id", "in": "path", "schema": {"type": "integer", "default": 3}}])), json!({}), "GET /a/3"),
        (parameters("/a", in_query("q", text())), json!({"q": "a&b", "unknown": 1}), "GET /a?q=a%26b"),
        (parameters("/a", in_query("q", text())), json!({"q": null}), "GET /a"),
        (parameters("/a", in_query("q", text())), json!({"q": -4}), "GET /a?q=-4"),
        (parameters("/a", in_query("q", json!({"type": "integer"}))), json!({"q": "12"}), "GET /a?q=12"),
        (parameters("/a", in_query("q", texts.clone())), json!({"q": ["a", "b c"]}), "GET /a?q=a&q=b%20c"),
        (parameters("/a", json!([{"name": "q", "in": "query", "explode": false, "schema": texts}])), json!({"q": ["a", 2]}), "GET /a?q=a,2"),
        (parameters("/a", json!([{"name": "q", "in": "query", "style": "deepObject", "schema": {}}])), json!({"q": {"a": 1}}), "GET /a?q[a]=1"),
        (parameters("/a", json!([{"name": "q", "in": "query", "content": {"application/json": {"schema": {}}}}])), json!({"q": {"a": 1}}), "GET /a?q=%7B%22a%22%3A1%7D"),
        (parameters("/a", in_query("q", json!({"type": "integer"}))), json!({"q": "many"}),
            "function `f`: parameter `q` must be an integer, not a text of another form (state `Create issue`, action `create`, attempt 2)"),
        (parameters("/a", in_query("q", json!({"type": "array"}))), json!({"q": "one"}),
            "function `f`: parameter `q` must be an array, not a text of another form (state `Create issue`, action `create`, attempt 2)"),
        (parameters("/a/{id}", json!([])), json!({}), "function `f`: missing parameter `id` (state `Create issue`, action `create`, attempt 2)"),
    ])
    .await;
}

#[tokio::test]
async fn parameters_of_the_path_and_by_reference_count() {
    let mut document = spec(
        "/a/{id}",
        "get",
        json!({"parameters": [{"$ref": "#/components/parameters/Page"}]}),
        json!({"components": {"parameters": {"Page": {"name": "page", "in": "query", "schema": {"$ref": "#/components/schemas/N"}}},
               "schemas": {"N": {"type": "integer"}}}}),
    );
    document["paths"]["/a/{id}"]["parameters"] =
        json!([{"name": "id", "in": "path", "required": true, "schema": text()}]);
    check(vec![(document, json!({"id": "x", "page": "2"}), "GET /a/x?page=2")]).await;
}

#[tokio::test]
async fn what_is_left_is_the_body() {
    let json_type = "application/json";
    let declared =
        json!({"type": "object", "properties": {"a": {"type": "string"}, "n": {"type": "integer"}}});
    let item = json!({"type": "object", "properties": {"n": {"type": "integer", "default": 3}, "m": {"type": "integer"}}});
    let defaults = json!({"type": "object", "properties": {
        "a": {"type": "string", "default": "A"}, "o": item, "l": {"type": "array", "items": item, "default": [{}]}, "free": {"type": "object"},
    }});
    let map = json!({"type": "object", "additionalProperties": {"type": "string"}});
    let animal =
        json!({"type": "object", "properties": {"kind": text()}, "discriminator": {"propertyName": "kind"}});
    let union = json!({"allOf": [{"type": "object", "properties": {"a": text()}}, {"properties": {"b": {"type": "integer"}}}]});
    check(vec![
        (body(json_type, declared.clone()), json!({"a": -4, "n": "5", "x": 1}), r#"POST /p application/json {"a":"-4","n":5}"#),
        (body(json_type, declared.clone()), json!({"a": "t", "n": null}), r#"POST /p application/json {"a":"t"}"#),
        (body(json_type, declared.clone()), json!({}), "POST /p application/json {}"),
        (body(json_type, defaults.clone()), json!({"a": null, "o": {}, "l": [{"n": null}, {"n": 4, "m": 2.0}]}),
            r#"POST /p application/json {"a":"A","o":{"n":3},"l":[{"n":3},{"n":4,"m":2}]}"#),
        (body(json_type, defaults), json!({"free": {"x": null, "y": [{"z": null}, null, 1]}}),
            r#"POST /p application/json {"free":{"y":[{},null,1]},"a":"A"}"#),
        (body(json_type, union), json!({"a": 1, "b": "2", "c": 3}), r#"POST /p application/json {"a":"1","b":2}"#),
        (body(json_type, json!({"type": "object"})), json!({"spec": {"running": true}}), r#"POST /p application/json {"running":true}"#),
        (body(json_type, json!({"type": "object"})), json!({"a": 1, "b": null}), r#"POST /p application/json {"a":1,"b":null}"#),
        (body(json_type, json!({"type": "object"})), json!({"ops": [{"op": "add"}]}), r#"POST /p application/json [{"op":"add"}]"#),
        (body(json_type, json!({"type": "object"})), json!({"text": " {\"a\":1}"}), r#"POST /p application/json {"a":1}"#),
        (body(json_type, map.clone()), json!({"a": "x"}), r#"POST /p application/json {"a":"x"}"#),
        (body(json_type, map), json!({"a": {"b": "x"}}), r#"POST /p application/json {"b":"x"}"#),
        (body(json_type, animal), json!({"kind": "dog", "bark": true}), r#"POST /p application/json {"kind":"dog","bark":true}"#),
        (body(json_type, json!({})), json!({"one": null}), "POST /p application/json null"),
        (body(json_type, json!({})), json!({"one": "{\"k\":1}"}), r#"POST /p application/json {"k":1}"#),
        (body(json_type, text()), json!({"one": "plain"}), "POST /p application/json plain"),
        (body(json_type, json!({"type": "array", "items": {"type": "number"}})), json!([1, "2"]), "POST /p application/json [1,2]"),
        (body(json_type, json!({"type": "array"})), json!({"x": 1, "list": [1]}), "POST /p application/json [1]"),
        (body("*/*", json!({"type": "object"})), json!({"s": {"a": 1}}), r#"POST /p application/json {"a":1}"#),
        (body("application/merge-patch+json", json!({"type": "object"})), json!({"s": {"a": null}}), r#"POST /p application/merge-patch+json {"a":null}"#),
        (body("text/plain", text()), json!("redrum"), "POST /p text/plain redrum"),
        (body("text/plain", text()), json!({"name": "redrum"}), "POST /p text/plain redrum"),
        (body("application/octet-stream", text()), json!({"data": "raw"}), "POST /p application/octet-stream raw"),
        (body("application/x-www-form-urlencoded", declared.clone()), json!({"a": "x y", "n": 1}), "POST /p application/x-www-form-urlencoded a=x+y&n=1"),
        (body("multipart/form-data", declared.clone()), json!({"a": "x"}),
            "POST /p multipart/form-data; boundary=rondo-part --rondo-part\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--rondo-part--"),
        (body(json_type, declared), json!({"a": [1]}),
            "function `f`: the body `a` must be a string, not an array (state `Create issue`, action `create`, attempt 2)"),
        (spec("/p", "post", json!({}), json!({})), json!({"a": 1}), "POST /p"),
    ])
    .await;
}

#[tokio::test]
async fn swagger_2_documents_work_alike() {
    let document = json!({
        "swagger": "2.0", "info": {"title": "T", "version": "1"}, "basePath": "/ignored",
        "paths": {"/things/{id}": {"put": {
            "operationId": "op",
            "parameters": [
                {"name": "id", "in": "path", "type": "string"},
                {"name": "tags", "in": "query", "type": "array", "items": {"type": "string"}},
                {"name": "each", "in": "query", "type": "array", "items": {"type": "string"}, "collectionFormat": "multi"},
                {"name": "thing", "in": "body", "schema": {"$ref": "#/definitions/Thing"}},
            ]}}},
        "definitions": {"Thing": {"properties": {"name": {"type": "string"}}}}
    });
    check(vec![(
        document,
        json!({"id": "a", "tags": ["x", "y"], "each": ["x", "y"], "name": 5, "other": 1}),
        r#"PUT /things/a?tags=x,y&each=x&each=y application/json {"name":"5"}"#,
    )])
    .await;
}

#[tokio::test]
async fn headers_of_the_instance_are_passed_on_but_those_of_the_operation_win() {
    let server = Server::start(vec![Reply::json(200, &json!({}))]).await;
    let properties = properties(&server.url, "");
    let document = spec(
        "/a",
        "get",
        json!({"parameters": [
            {"name": "X-Team", "in": "header", "schema": text()},
            {"name": "session", "in": "cookie", "schema": text()},
        ], "responses": {"200": {"content": {"application/yaml": {}, "application/json": {}}}}}),
        json!({}),
    );
    let caller = caller(&properties, Secrets::default());
    let incoming = [
        ("x-team", "old"),
        ("X-Other", "kept"),
        ("Host", "evil"),
        ("Content-Length", "9"),
        ("Accept", "text/html"),
        ("Content-Type", "application/json"),
        ("Idempotency-Key", "start"),
        ("kogitoprocid", "other"),
    ];
    let arguments = json!({"X-Team": "new", "session": "s1"});
    call_with(&caller, &openapi(&document), &properties, arguments, &incoming).await.unwrap();
    let seen = server.last();
    for (name, expected) in [
        ("x-team", "new"),
        ("x-other", "kept"),
        ("accept", "application/json"),
        ("content-type", ""),
        ("cookie", "session=s1"),
        ("idempotency-key", "i-1/7"),
        ("kogitoprocid", "flow"),
        ("kogitoprocinstanceid", "i-1"),
        ("kogitoprocversion", "1.0"),
        ("kogitoprocist", "Active"),
        ("kogitoproctype", "SW"),
    ] {
        assert_eq!(seen.header(name), expected, "{name}");
    }
    assert!(server.url.ends_with(seen.header("host")));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-e{}]{1,2}", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Whatever the arguments are, there is a request with an address that can be read, or a text.
    #[test]
    fn any_arguments_give_a_request_or_a_text(arguments in any_json(), style in "(form|deepObject|pipeDelimited|nonsense)") {
        let document = spec("/x/{a}/{b}", "post", json!({
            "parameters": [
                {"name": "a", "in": "path", "style": "matrix", "schema": {}},
                {"name": "c", "in": "query", "style": style, "schema": {}},
                {"name": "d", "in": "cookie", "schema": {"type": "integer"}},
            ],
            "requestBody": {"content": {"multipart/form-data": {"schema": {"type": "object"}}}},
        }), json!({}));
        let binding = openapi(&document);
        let Target::OpenApi(target) = &binding.target else { unreachable!() };
        if let Ok(builder) = crate::openapi::request::build(&target.operation, &arguments.into()) {
            let url = url::Url::parse(&builder.address("http://h.test/base/")).unwrap();
            prop_assert_eq!(url.host_str(), Some("h.test"));
            prop_assert!(url.path().starts_with("/base/x/"), "{}", url);
        }
    }
}
