//! How arguments become requests.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::support::{Reply, Server, call, call_with, caller, openapi, properties, spec};
use crate::binding::Target;

use crate::mask::Secrets;

/// Checks requests written as `METHOD target`, then the content type and the body if there is one.
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
async fn arguments_keep_their_order() {
    let parameters = json!([
        {"name": "a", "in": "query", "schema": {}}, {"name": "b", "in": "query", "schema": {}},
        {"name": "c", "in": "cookie", "schema": {}}, {"name": "d", "in": "cookie", "schema": {}}, {"name": "id", "in": "path"},
    ]);
    let schema = json!({"properties": {"x": {}, "y": {}, "z": {"default": 1}}});
    let sends = |media_type: &str| {
        spec(
            "/p/{id}",
            "post",
            json!({"parameters": parameters, "requestBody": {"content": {media_type: {"schema": schema}}}}),
            json!({}),
        )
    };
    let arguments = json!({"y": 1, "b": 2, "id": "i", "a": 3, "x": 4});
    check(vec![
        (sends("application/json"), arguments.clone(), r#"POST /p/i?b=2&a=3 application/json {"y":1,"x":4,"z":1}"#),
        (sends("application/x-www-form-urlencoded"), arguments.clone(), "POST /p/i?b=2&a=3 application/x-www-form-urlencoded y=1&x=4&z=1"),
        (sends("multipart/form-data"), arguments,
            "POST /p/i?b=2&a=3 multipart/form-data; boundary=rondo-part --rondo-part\r\nContent-Disposition: form-data; name=\"y\"\r\n\r\n1\r\n\
             --rondo-part\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n4\r\n--rondo-part\r\nContent-Disposition: form-data; name=\"z\"\r\n\r\n1\r\n--rondo-part--"),
    ])
    .await;
}

#[tokio::test]
async fn slashes_in_a_path_are_segments_or_not() {
    let server = Server::start(vec![Reply::json(200, &json!({}))]).await;
    let document = |extension: Value| {
        let mut parameter = json!({"name": "id", "in": "path", "schema": text()});
        if !extension.is_null() {
            parameter["x-multi-segment"] = extension;
        }
        parameters("/a/{id}", json!([parameter]))
    };
    for (extension, property, id, expected) in [
        (json!(null), "", "x/y", "/a/x/y"),
        (json!(false), "", "x/y", "/a/x%2Fy"),
        (json!(null), "rondo.http.multi-segment-paths=false", "x/y", "/a/x%2Fy"),
        (json!(true), "rondo.http.multi-segment-paths=false", "x/y", "/a/x/y"),
        (json!(null), "", "x%2Fy z%20z", "/a/x%2Fy%20z%20z"),
        (json!(false), "", "x%2fy/z", "/a/x%2fy%2Fz"),
        (json!(null), "", "100%25", "/a/100%2525"),
    ] {
        let properties = properties(&server.url, property);
        call(&openapi(&document(extension)), &properties, json!({"id": id})).await.unwrap();
        assert_eq!(server.last().target, expected, "{property} {id}");
    }
    let error =
        call(&openapi(&document(json!(null))), &properties(&server.url, ""), json!({"id": "..%2f.."})).await;
    assert!(error.unwrap_err().to_string().contains("would be another path"));
}

#[tokio::test]
async fn a_cookie_is_one_whatever_the_argument_is() {
    let server = Server::start(vec![Reply::json(200, &json!({}))]).await;
    let in_cookie = |name: &str| json!({"name": name, "in": "cookie", "schema": {}});
    let binding = openapi(&parameters("/a", json!([in_cookie("session"), in_cookie("lang")])));
    let arguments = json!({"lang": ["de", "e,n"], "session": "s1; admin=\"true\"\r\nX: é"});
    call(&binding, &properties(&server.url, ""), arguments).await.unwrap();
    assert_eq!(
        server.last().header("cookie"),
        "lang=de,e%2Cn; session=s1%3B%20admin=%22true%22%0D%0AX:%20%C3%A9"
    );
}

#[tokio::test]
async fn defaults_that_the_schema_does_not_allow_are_not_filled_in() {
    let schema = json!({"type": "object", "properties": {
        "metadata": {"default": {}, "allOf": [{"$ref": "#/components/schemas/Meta"}]},
        "spec": {"$ref": "#/components/schemas/Spec", "default": {}},
        "status": {"default": {}, "allOf": [{"$ref": "#/components/schemas/Spec"}]},
        "level": {"type": "string", "enum": ["low", "high"], "default": "none"},
        "count": {"type": "integer", "minimum": 1, "default": 0},
        "name": {"type": "string", "maxLength": 3, "default": "long"},
        "kind": {"type": "string", "default": "Pod"},
    }});
    let mut document = body("application/json", schema);
    document["components"]["schemas"] = json!({
        "Time": {"type": "string", "format": "date-time"},
        "Meta": {"type": "object", "properties": {
            "creationTimestamp": {"default": {}, "allOf": [{"$ref": "#/components/schemas/Time"}]}, "labels": {"type": "object", "default": {"a": "b"}},
        }},
        "Spec": {"type": "object", "required": ["limits"], "properties": {"limits": {"type": "array", "items": {"type": "integer"}}}},
    });
    check(vec![(
        document,
        json!({"spec": {"limits": [1]}}),
        r#"POST /p application/json {"spec":{"limits":[1]},"metadata":{"labels":{"a":"b"}},"kind":"Pod"}"#,
    )])
    .await;
}

#[tokio::test]
async fn files_are_sent_with_a_name_and_binary_bodies_as_they_are() {
    let file = json!({"type": "string", "format": "binary"});
    let form = json!({"properties": {"visible": {"type": "boolean"}, "pages": {"type": "array", "items": file}, "log": file}});
    let mut typed = body("multipart/form-data", form.clone());
    typed["paths"]["/p"]["post"]["requestBody"]["content"]["multipart/form-data"]["encoding"] =
        json!({"log": {"contentType": "text/csv, text/plain"}});
    let head = "POST /p multipart/form-data; boundary=rondo-part --rondo-part\r\nContent-Disposition: form-data; name=";
    let part = |name: &str, media_type: &str, text: &str| {
        format!("\"{name}\"; filename=\"{name}\"\r\nContent-Type: {media_type}\r\n\r\n{text}\r\n--rondo-part")
    };
    let next = "\r\nContent-Disposition: form-data; name=";
    let bytes = "application/octet-stream";
    let expected = format!(
        "{head}{}{next}\"visible\"\r\n\r\ntrue\r\n--rondo-part{next}{}{next}{}--",
        part("log", bytes, "a\r\nb"),
        part("pages", bytes, "1"),
        part("pages", bytes, "2")
    );
    let swagger = json!({"swagger": "2.0", "info": {"title": "T", "version": "1"}, "paths": {"/p": {"post": {
        "operationId": "op", "consumes": ["multipart/form-data"], "parameters": [{"name": "log", "in": "formData", "type": "file"}]}}}});
    let mut choice = body("image/png", file.clone());
    choice["paths"]["/p"]["post"]["requestBody"]["content"]["application/vnd.api+json"] =
        json!({"schema": {}});
    let of_31 = json!({"contentMediaType": "application/pdf"});
    check(vec![
        (
            body("multipart/form-data", form),
            json!({"log": "a\r\nb", "visible": true, "pages": ["1", "2"]}),
            &expected,
        ),
        (typed, json!({"log": "x"}), &format!("{head}{}--", part("log", "text/csv", "x"))),
        (swagger, json!({"log": "x"}), &format!("{head}{}--", part("log", bytes, "x"))),
        (body("image/png", file.clone()), json!({"picture": "\u{89}PNG"}), "POST /p image/png \u{89}PNG"),
        (body("image/*", file), json!({"picture": "PNG"}), "POST /p application/octet-stream PNG"),
        (body("application/pdf", of_31), json!({"file": "%PDF"}), "POST /p application/pdf %PDF"),
        (body("application/zip", json!({})), json!({}), "POST /p"),
        (choice, json!({"a": 1, "b": 2}), r#"POST /p application/vnd.api+json {"a":1,"b":2}"#),
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
    /// Any arguments give a request with a valid address, or an error text.
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
        if let Ok(builder) = crate::openapi::request::build(&target.operation, &arguments.into(), true) {
            let url = url::Url::parse(&builder.address("http://h.test/base/")).unwrap();
            prop_assert_eq!(url.host_str(), Some("h.test"));
            prop_assert!(url.path().starts_with("/base/x/"), "{}", url);
        }
    }
}
