//! Documents that nobody would write on purpose: reading them ends within bounds and without a panic, and so does every call of their operations.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;
use rondo_definition::{Limits, load};
use rondo_expression::{ReadLimits, Val};
use serde_json::{Value, json};

use super::support::spec;
use crate::openapi;
use crate::openapi::document::SpecDocument;
use crate::openapi::operation::Operation;

/// The documents of the workflows of this repository.
fn documents() -> Vec<Value> {
    let texts = [
        include_str!("../../../../workflows/create-ocp-namespace/specs/gitlab.yaml"),
        include_str!("../../../../workflows/create-ocp-namespace/specs/backstage-scaffolder.yaml"),
        include_str!("../../../../workflows/request-vm/specs/kubevirt.yaml"),
        include_str!("../../../../tests/bench/workflows/call/specs/service.yaml"),
    ];
    let read =
        |text| serde_json::from_str(&load("spec.yaml", text, Limits::RESOURCE).unwrap().value.to_string());
    texts.into_iter().map(|text| read(text).unwrap()).collect()
}

/// The pointers of all values in a value.
fn pointers(value: &Value, here: &str, all: &mut Vec<String>) {
    all.push(here.to_owned());
    match value {
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                pointers(item, &format!("{here}/{i}"), all);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                pointers(member, &openapi::document::child(here, name), all);
            }
        }
        _ => {}
    }
}

/// Replaces the value at a place by another part of the document, a reference to one, or nonsense.
fn mutate(document: &mut Value, kind: u8, at: Index, from: Index) {
    let mut all = Vec::new();
    pointers(document, "", &mut all);
    let (at, from) = (at.get(&all), from.get(&all));
    let new = match kind {
        0 => document.pointer(from).cloned().unwrap_or_default(),
        1 | 2 => json!({"$ref": format!("#{from}")}),
        3 => json!({"allOf": [{"$ref": format!("#{from}")}, {"$ref": format!("#{from}")}]}),
        4 => json!({"$ref": format!("other.yaml#{from}")}),
        5 => json!({"type": "array", "items": {"$ref": format!("#{at}")}}),
        6 => Value::Null,
        7 => json!("{a}{b}"),
        8 => json!(-1),
        _ => (0..60).fold(json!({}), |inner, _| json!({"properties": {"p": inner}})),
    };
    if let Some(place) = document.pointer_mut(at) {
        *place = new;
    }
}

/// Reads all operations of a document.
fn operations(document: &Value) -> Vec<(Operation, Vec<String>)> {
    let Ok(document) = SpecDocument::parse("spec.json", document.to_string().into()) else {
        return Vec::new();
    };
    let document = Arc::new(document);
    let ids: Vec<_> = document.operation_ids().map(str::to_owned).collect();
    let places = ids.iter().filter_map(|id| document.operation(id));
    let same = Arc::clone(&document);
    let open = move |_: &SpecDocument, file: &str| match file {
        "other.yaml" => Ok(Arc::clone(&same)),
        _ => Err("it is not there".to_owned()),
    };
    places.filter_map(|place| openapi::extract(&document, place, None, &open).ok()).collect()
}

/// An operation of a document that has one.
fn operation(document: &Value) -> (Operation, Vec<String>) {
    operations(document).pop().expect("an operation")
}

/// An operation whose answer has this schema, with these named ones.
fn with_schema(schema: Value, schemas: Value) -> Value {
    let content = json!({"application/json": {"schema": schema}});
    spec(
        "/a",
        "get",
        json!({"responses": {"200": {"content": content}}}),
        json!({"components": {"schemas": schemas}}),
    )
}

/// Reads an answer with memory for this many bytes; returns the bytes that were granted and the result.
fn read(operation: &Operation, content_type: &str, body: &[u8], room: usize) -> (usize, Option<Val>) {
    let mut granted = 0;
    let mut grant = |more: usize| {
        let fits = granted + more <= room;
        granted += if fits { more } else { 0 };
        fits
    };
    let limits = ReadLimits { skips_null_elements: true, ..ReadLimits::default() };
    let read = openapi::answer::read(operation, 200, content_type, body, limits, &mut grant);
    (granted, read.ok())
}

/// JSON, JSON with changed bytes, or arbitrary bytes.
fn any_body() -> impl Strategy<Value = Vec<u8>> {
    let json =
        r#"\{"(id|name|items|a)": ?("[a-z{}\\"]{0,9}"|-?[0-9]{1,25}|\[[0-9,]{0,9}\]|null|true|\{\})\}"#;
    prop_oneof![
        json.prop_map(String::into_bytes),
        (json, any::<Index>(), any::<u8>()).prop_map(|(text, at, byte)| {
            let mut bytes = text.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes
        }),
        prop::collection::vec(any::<u8>(), 0..200),
        (0_usize..300).prop_map(|depth| [b"[".repeat(depth), b"]".repeat(depth)].concat()),
        (r#"\{("a":"\{}",?){0,3}\}"#, 0_usize..100).prop_map(|(text, count)| format!(
            "[{}]",
            vec![text; count].join(",")
        )
        .into_bytes()),
    ]
}

proptest! {
    // A case reads a whole document, so there are fewer. `PROPTEST_CASES` raises their number.
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 4, ..ProptestConfig::default() })]

    #[test]
    fn mutated_documents_are_read_within_bounds(
        which in any::<Index>(),
        mutations in prop::collection::vec((0_u8..10, any::<Index>(), any::<Index>()), 1..12),
        body in any_body(),
        content_type in "(application/json|text/plain|application/octet-stream|text/html; charset=x|)",
    ) {
        let mut document = which.get(&documents()).clone();
        for (kind, at, from) in mutations {
            mutate(&mut document, kind, at, from);
        }
        for (operation, problems) in operations(&document) {
            prop_assert!(problems.len() <= 60, "{}", problems.len());
            let arguments = Val::from(json!({"id": 1, "project_id": "a/b", "namespace": "x", "name": "y", "title": {"a": []}}));
            let _ = openapi::request::build(&operation, &arguments, true);
            let (granted, result) = read(&operation, &content_type, &body, usize::MAX);
            let memory = result.as_ref().map_or(0, Val::memory);
            // Defaults of the document are in memory once, but counted at each place that has them.
            prop_assert!(memory <= granted + 64 * 1024, "{memory} of {granted}");
        }
    }

    #[test]
    fn an_answer_takes_no_more_than_it_is_granted(body in any_body(), room in 0_usize..20_000, shape in 0_usize..5) {
        let schema = [
            json!({}),
            json!({"type": "string"}),
            json!({"type": "array", "items": {"type": "string"}}),
            json!({"type": "object", "properties": {"id": {"type": "string"}, "name": {"default": "d"}, "items": {"type": "array", "items": {"type": "number"}}}}),
            json!({"type": "integer"}),
        ];
        let (operation, _) = operation(&with_schema(schema[shape].clone(), json!({})));
        let (granted, result) = read(&operation, "application/json", &body, room);
        prop_assert!(granted <= room);
        if let Some(result) = result {
            prop_assert!(result.memory() <= granted + 256, "{} of {granted}", result.memory());
            prop_assert!(result.size().depth <= Val::DEEPEST);
        }
    }
}

#[test]
fn schemas_that_refer_to_each_other_without_end_are_read() {
    let reference = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    // Each schema contains the next one twice.
    let doubling = |count: usize| -> Value {
        let both = |i: usize| vec![reference(&format!("a{}", i + 1)); 2];
        let last = json!({"type": "object", "properties": {"n": {"type": "integer"}}});
        let schemas = (0..count).map(|i| (format!("a{i}"), json!({"allOf": both(i)})));
        Value::Object(schemas.chain([(format!("a{count}"), last)]).collect())
    };
    let circle = json!({"A": {"allOf": [reference("B")]}, "B": {"allOf": [reference("A")], "properties": {"n": {"type": "integer"}}}});
    for (schema, schemas, expected) in [
        (reference("a0"), doubling(20), json!({"n": 1})),
        // Too deep to be read.
        (reference("a0"), doubling(60), json!({"n": "1"})),
        (reference("A"), circle, json!({"n": 1})),
        (reference("Self"), json!({"Self": reference("Self")}), json!({"n": "1"})),
        (json!({"$ref": "#"}), json!({}), json!({"n": "1"})),
        (json!({"$ref": format!("#{}", "/a".repeat(1_000_000))}), json!({}), json!({"n": "1"})),
        ((0..90).fold(json!({}), |inner, _| json!({"allOf": [inner]})), json!({}), json!({"n": "1"})),
    ] {
        let document = with_schema(schema, schemas);
        for (operation, _) in operations(&document) {
            let result = read(&operation, "application/json", br#"{"n": "1"}"#, usize::MAX).1.unwrap();
            assert_eq!(serde_json::to_value(&result).unwrap(), expected);
        }
    }
}

#[test]
fn a_document_that_is_nested_without_end_is_no_problem_of_the_stack() {
    let deep = format!("{}{{}}{}", r#"{"allOf": ["#.repeat(200_000), "]}".repeat(200_000));
    let document = with_schema(json!({"$ref": "#/components/schemas/deep"}), json!({"deep": "DEEP"}));
    let text = document.to_string().replace("\"DEEP\"", &deep);
    let document = Arc::new(SpecDocument::parse("spec.json", text.into()).unwrap());
    let place = document.operation("op").unwrap();
    let (operation, _) = openapi::extract(&document, place, None, &|_, _| Err(String::new())).unwrap();
    let result = read(&operation, "application/json", br#"{"n": 1}"#, usize::MAX).1.unwrap();
    assert_eq!(serde_json::to_value(&result).unwrap(), json!({"n": 1}));
}

/// Each operation copies a large schema again and again.
#[test]
fn what_an_operation_reads_and_declares_is_bounded() {
    let members: serde_json::Map<_, _> =
        (0..1000).map(|i| (format!("m{i}"), json!({"type": "string"}))).collect();
    let base = json!({"properties": members});
    let wide: serde_json::Map<_, _> = (0..2000)
        .map(|i| {
            (
                format!("w{i}"),
                json!({"allOf": [{"$ref": "#/components/schemas/base"}, {"properties": {"own": {}}}]}),
            )
        })
        .chain([("base".to_owned(), base)])
        .collect();
    let one_of: Vec<_> = (0..2000).map(|i| json!({"$ref": format!("#/components/schemas/w{i}")})).collect();
    let (_, problems) = operation(&with_schema(json!({"oneOf": one_of}), Value::Object(wide)));
    assert_eq!(problems, ["its schemas have more than 100000 members together; the others may be anything"]);

    let large = json!({"description": "x".repeat(1 << 20)});
    let parameters: Vec<_> = (0..100).map(|_| json!({"$ref": "#/components/schemas/large"})).collect();
    let document = spec(
        "/a",
        "get",
        json!({"parameters": parameters}),
        json!({"components": {"schemas": {"large": large}}}),
    );
    let (_, problems) = operation(&document);
    assert_eq!(
        problems,
        ["it refers to more than 8388608 bytes of its documents; what is beyond is not read"]
    );

    let parameters: Vec<_> = (0..50_000).map(|i| json!({"name": i.to_string(), "in": "query"})).collect();
    let (operation, problems) = operation(&spec("/a", "get", json!({"parameters": parameters}), json!({})));
    assert_eq!(
        (operation.parameters.len(), problems),
        (1000, vec!["it has more than 1000 parameters".to_owned()])
    );
}

#[test]
fn the_address_of_a_server_does_not_grow_without_end() {
    let mut variables: serde_json::Map<_, _> =
        (0..60).map(|i| (format!("v{i}"), json!({"default": format!("{{v{}}}", i + 1).repeat(2)}))).collect();
    variables.insert("host".to_owned(), json!({"default": "api.test"}));
    let with_url = |url: &str| {
        let servers = json!({"servers": [{"url": url, "variables": variables}]});
        operation(&spec("/a", "get", json!({}), servers))
    };
    assert_eq!(
        with_url("https://{host}/{v0}/{none}").0.server.as_deref(),
        Some("https://api.test/{v1}{v1}/{none}")
    );
    let (operation, problems) = with_url(&"{host}".repeat(10_000));
    assert_eq!((operation.server, problems.len()), (None, 1));
    assert!(operations(&spec(&format!("/{}", "{a}".repeat(10_000)), "get", json!({}), json!({}))).is_empty());
}

#[test]
fn an_address_with_a_line_break_is_refused_and_not_called_without_it() {
    let refused = "has a server whose address has a line break or another control character";
    for url in ["https://api.te\nst/", "https://api.test/\ta", "{host}"] {
        let servers = json!([{"url": url, "variables": {"host": {"default": "https://api\r.test"}}}]);
        let (operation, problems) = operation(&spec("/a", "get", json!({}), json!({"servers": servers})));
        assert_eq!((operation.server, problems), (None, vec![refused.to_owned()]), "{url:?}");
    }
    let block = json!({"servers": [{"url": "https://api.test/v1\n"}]});
    let (operation, problems) = operation(&spec("/a", "get", json!({}), block));
    assert_eq!((operation.server.as_deref(), problems), (Some("https://api.test/v1"), vec![]));
    for (host, base_path) in [("api.te\nst", "/v1"), ("api.test", "/v\n1")] {
        let document = json!({
            "swagger": "2.0", "info": {"title": "A", "version": "1"}, "host": host, "basePath": base_path,
            "paths": {"/a": {"get": {"operationId": "op", "responses": {}}}},
        });
        let [(operation, problems)] = &operations(&document)[..] else { panic!("one operation") };
        assert_eq!(
            (&operation.server, problems),
            (&None, &vec![refused.to_owned()]),
            "{host:?} {base_path:?}"
        );
    }
    assert!(operations(&spec("/a\nb", "get", json!({}), json!({}))).is_empty());
}

/// Each operation costs what it uses, not what the rest of the document contains.
#[test]
fn a_document_of_ten_megabytes_is_read() {
    let mut document = with_schema(json!({"type": "integer"}), json!({}));
    for i in 0..20_000 {
        let item = json!({"get": {"operationId": format!("op{i}"), "description": "x".repeat(400), "responses": {}}});
        document["paths"][format!("/p{i}")] = item;
    }
    let text = document.to_string();
    assert!(text.len() > 9_000_000);
    let read = Arc::new(SpecDocument::parse("spec.json", text.into()).unwrap());
    assert_eq!(read.operation_ids().count(), 20_001);
    let place = read.operation("op7").unwrap();
    let (operation, problems) = openapi::extract(&read, place, None, &|_, _| Err(String::new())).unwrap();
    assert_eq!((operation.path.as_str(), problems), ("/p7", vec![]));
}
