use super::super::Schema;
use super::*;
use serde_json::json;

#[test]
fn files_that_a_schema_refers_to_become_definitions_of_it() {
    let read = |_: &str, uri: &str| match uri {
        "item.json" => Ok((
            "s/item.json".to_owned(),
            json!({
                "title": "An Item", "$id": "classpath:/x", "type": "object",
                "properties": {"self": {"$ref": "#/definitions/n"}, "next": {"$ref": "item.json"}},
                "definitions": {"n": {"type": "integer"}}
            }),
        )),
        other => Err(format!("no file {other}")),
    };
    let bundled = Bundler::bundle(
        "s/main.json",
        json!({"properties": {"b": {"$ref": "item.json"}, "a": {"$ref": "#/definitions/t"}}, "definitions": {"t": {"type": "string"}}}),
        &read,
    )
    .unwrap();
    assert_eq!(
        bundled,
        json!({
            "properties": {"b": {"$ref": "#/$defs/An_Item_1"}, "a": {"$ref": "#/definitions/t"}},
            "definitions": {"t": {"type": "string"}},
            "$defs": {"An_Item_1": {
                "title": "An Item", "type": "object",
                "properties": {
                    "self": {"$ref": "#/$defs/An_Item_1/definitions/n"}, "next": {"$ref": "#/$defs/An_Item_1"}
                },
                "definitions": {"n": {"type": "integer"}}
            }}
        })
    );
    let schema = Schema::new(bundled, true).unwrap();
    assert!(schema.check(&json!({"b": {"next": {"self": 1}}}).into()).is_ok());
    assert!(schema.check(&json!({"b": {"next": {"self": "x"}}}).into()).is_err());
    assert_eq!(
        Bundler::bundle("m", json!({"$ref": "gone.json"}), &read),
        Err("`$ref: gone.json` in `m`: no file gone.json".into())
    );
}

#[test]
fn a_reference_to_a_part_takes_in_that_part_and_what_it_refers_to() {
    let read = |_: &str, uri: &str| match uri {
        "api.yaml" => Ok((
            "api.yaml".to_owned(),
            json!({
                "paths": {"/gone": {"$ref": "gone.yaml"}},
                "components": {"schemas": {
                    "Pet": {"properties": {"owner": {"$ref": "#/components/schemas/an owner"}, "mate": {"$ref": "#/components/schemas/Pet"}}},
                    "an owner": {"type": "string", "default": {"$ref": "data"}, "$anchor": "keeper"}
                }}
            }),
        )),
        other => Err(format!("no file {other}")),
    };
    let bundle = |schema: Value| Bundler::bundle("m.json", schema, &read);
    assert_eq!(
        bundle(json!({"properties": {
            "a": {"$ref": "api.yaml#/components/schemas/Pet"}, "b": {"$ref": "api.yaml#/components/schemas/an%20owner"},
            "c": {"$ref": "api.yaml#keeper"}
        }}))
        .unwrap(),
        json!({
            "properties": {"a": {"$ref": "#/$defs/Pet_1"}, "b": {"$ref": "#/$defs/an_owner_2"}, "c": {"$ref": "#/$defs/an_owner_2"}},
            "$defs": {
                "an_owner_2": {"type": "string", "default": {"$ref": "data"}, "$anchor": "keeper"},
                "Pet_1": {"properties": {"owner": {"$ref": "#/$defs/an_owner_2"}, "mate": {"$ref": "#/$defs/Pet_1"}}}
            }
        })
    );
    for (reference, problem) in [
        ("api.yaml#/components/none", "`api.yaml` has nothing at `/components/none`"),
        ("api.yaml#none", "`api.yaml` has no anchor `none`"),
        ("api.yaml", "no file gone.yaml"),
        ("other.json#/a", "no file other.json"),
    ] {
        let error = bundle(json!({"items": {"$ref": reference}})).unwrap_err();
        assert!(error.starts_with("`$ref: ") && error.ends_with(problem), "{error}");
    }
}

#[test]
fn files_that_refer_to_each_other_end() {
    let read = |_: &str, uri: &str| match uri {
        "a" => Ok(("a".to_owned(), json!({"$ref": "b"}))),
        "b" => Ok(("b".to_owned(), json!({"items": {"$ref": "a"}}))),
        other => Err(format!("no file {other}")),
    };
    let circle = Bundler::bundle("m", json!({"$ref": "a"}), &read).unwrap();
    assert_eq!(circle["$defs"]["schema_2"], json!({"items": {"$ref": "#/$defs/schema_1"}}));

    // Each part refers to the next one, for longer than a stack would hold calls.
    let last = ("p20000".to_owned(), json!({"type": "string"}));
    let parts = (0..20_000).map(|i| (format!("p{i}"), json!({"$ref": format!("#/p{}", i + 1)})));
    let parts = Value::Object(parts.chain([last]).collect());
    let read = |_: &str, _: &str| Ok(("o".to_owned(), parts.clone()));
    let bundle = Bundler::bundle("m", json!({"$ref": "o#/p0"}), &read).unwrap();
    assert_eq!(bundle["$defs"]["p20000_20001"], json!({"type": "string"}));
}
