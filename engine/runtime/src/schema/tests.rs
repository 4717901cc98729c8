//! Tests that a check names violations as SonataFlow does, and ends whatever schema and data are.

use super::*;
use serde_json::json;

#[test]
fn violations_are_told_in_the_words_of_the_validator_that_users_know() {
    let schema = Schema::new(
        json!({
            "$id": "classpath:/schemas/a.json", "$schema": "http://json-schema.org/draft-04/schema#",
            "type": "object", "required": ["name"], "additionalProperties": false,
            "properties": {
                "name": {"type": "string", "pattern": "^[a-z]+$"},
                "size": {"enum": ["small", "large"]},
                "list": {"type": "array", "minItems": 1, "items": {"type": "integer"}},
                "pair": {"items": [{"type": "integer"}, true], "additionalItems": false}
            }
        }),
        true,
    )
    .unwrap();
    for (data, message) in [
        (json!({"name": "a"}), ""),
        (json!({}), "$.name: is missing but it is required"),
        (json!({"name": "A"}), "$.name: does not match the regex pattern ^[a-z]+$"),
        (json!({"name": 1}), "$.name: integer found, string expected"),
        (
            json!({"name": "a", "size": "huge", "list": []}),
            "$.size: does not have a value in the enumeration [small, large]\n\
             $.list: there must be a minimum of 1 items in the array",
        ),
        (json!({"name": "a", "list": [1, "x"]}), "$.list[1]: string found, integer expected"),
        (
            json!({"name": "a", "pair": [1, 2, 3, 4]}),
            "$.pair[2]: is not defined in the schema and the schema does not allow additional items",
        ),
        (
            json!({"name": "a", "more": 1, "and": 2}),
            "$.more: is not defined in the schema and the schema does not allow additional properties\n\
             $.and: is not defined in the schema and the schema does not allow additional properties",
        ),
    ] {
        let expected = match message {
            "" => Ok(()),
            lines => Err(format!("There are JsonSchema validation errors:\n{lines}")),
        };
        assert_eq!(schema.check(&data.clone().into()), expected, "{data}");
    }
}

/// Without a budget these checks would run for years or take gigabytes.
#[test]
fn a_check_ends_whatever_the_schema_and_the_data_are() {
    let doubling = |applicator: &str| {
        let mut definitions: serde_json::Map<_, _> = (0..40)
            .map(|level| {
                let next = json!({"$ref": format!("#/definitions/a{}", level + 1)});
                (format!("a{level}"), json!({applicator: [{"properties": {"x": next}}, {"properties": {"x": next}}, next, next]}))
            })
            .collect();
        definitions.insert("a40".into(), json!({"type": "string"}));
        json!({"$ref": "#/definitions/a0", "definitions": definitions})
    };
    let nested = (0..80).fold(json!(1), |inner, _| json!({"x": inner}));
    let circle = json!({"definitions": {"a": {"allOf": [{"$ref": "#/definitions/b"}]}, "b": {"anyOf": [{"$ref": "#/definitions/a"}, {"$ref": "#/definitions/a"}]}}, "$ref": "#/definitions/a"});
    let tree = json!({"anyOf": [{"required": ["y"]}, {"properties": {"x": {"$ref": "#"}}}], "allOf": [{"properties": {"x": {"$ref": "#"}}}]});
    for (schema, data) in [
        (doubling("allOf"), nested.clone()),
        (doubling("anyOf"), nested.clone()),
        (doubling("oneOf"), nested.clone()),
        (circle, json!({"x": 1})),
        (tree, nested),
    ] {
        let schema = Schema::new(schema, true).unwrap();
        let data = Val::from(data);
        let before = rondo_expression::steps_taken();
        // The result does not matter here, only that the check ends.
        let quick = schema.check_quickly(&data);
        let whole = schema.check(&data);
        assert!(rondo_expression::steps_taken() - before <= QUICK_STEPS + MOST_STEPS);
        assert!(quick.is_none_or(|quick| quick == whole));
    }
}

/// The library spends no steps during a search, and each of these searches would run for minutes.
#[test]
fn patterns_that_backtrack_end_as_well() {
    let check = |pattern: &str, text: String| {
        let schema = Schema::new(json!({"properties": {"a": {"pattern": pattern}}}), true).unwrap();
        let data = Val::from(json!({"a": text, "list": [1]}));
        (schema.check_quickly(&data).is_none(), schema.check(&data))
    };
    let said = |(is_slow, result): (bool, Result<(), String>)| (is_slow, result.unwrap_err());
    let (is_slow, message) = said(check("(?=a*b)c", "a".repeat(1_000_000)));
    assert!(is_slow && message.ends_with("patterns with look-around for long texts?"), "{message}");
    let (_, message) = said(check(r"^(a|a)*\1b", "a".repeat(60)));
    assert!(message.contains("takes too long"), "{message}");
    let (is_slow, message) = said(check("(?=a*b)c", "a".repeat(500)));
    assert!(!is_slow && message.ends_with("$.a: does not match the regex pattern (?=a*b)c"), "{message}");
    assert_eq!(check("^(?=.*[0-9])[a-z0-9]{8,}$", "abcdefg1".into()), (false, Ok(())));
    assert_eq!(check("^[a-z]{1,64}", "a".repeat(1_000_000)), (false, Ok(())));
    let names = Schema::new(json!({"patternProperties": {"(?=a*b)c": {"type": "string"}}}), true).unwrap();
    let long_name = Val::from(json!({"a".repeat(1_000_000): 1}));
    assert!(names.check(&long_name).unwrap_err().contains("takes too long"));
}

#[test]
fn a_message_ends_after_a_hundred_violations() {
    let schema = Schema::new(
        json!({"items": {"type": "string"}, "properties": {"a": {}}, "additionalProperties": false}),
        true,
    )
    .unwrap();
    let message = schema.check(&json!(vec![1; 200_000]).into()).unwrap_err();
    assert_eq!(message.lines().count(), 1 + LINES + 1);
    assert!(
        message.ends_with("$[99]: integer found, string expected\nand more; these are the first 100"),
        "{message}"
    );
    let members: serde_json::Map<_, _> = (0..200).map(|number| (number.to_string(), json!(1))).collect();
    let message = schema.check(&Val::from(Value::Object(members))).unwrap_err();
    assert_eq!(message.lines().count(), 1 + LINES + 1, "one violation may be of many members");
    assert_eq!(schema.check(&json!(vec!["a"; 200_000]).into()), Ok(()));
}

/// The expected texts are answers of SonataFlow 10.1.0.
#[test]
fn keywords_have_the_words_and_the_order_of_the_real_validator() {
    let format = |name: &str| json!({"type": "string", "format": name});
    let schema = Schema::new(
        json!({
            "type": "object", "required": ["name"],
            "properties": {
                "name": {"type": "string", "minLength": 2, "pattern": "^[A-Z]"},
                "n": {"type": "integer", "maximum": 5}, "e": {"enum": ["x", "y"]},
                "l": {"uniqueItems": true}, "m": {"multipleOf": 0.5}, "ex": {"exclusiveMinimum": 3},
                "c": {"const": "C"}, "mp": {"minProperties": 1, "maxProperties": 2}, "con": {"contains": {"type": "integer"}},
                "y": {"oneOf": [{"type": "string"}, {"type": "integer"}]}, "z": {"anyOf": [{"minimum": 5}, {"type": "string"}]},
                "nt": {"not": {"type": "string"}}, "pn": {"propertyNames": {"pattern": "^[a-z]+$"}},
                "em": format("email"), "dt": format("date-time"), "da": format("date"), "ur": format("uri"),
                "ip": format("ipv4"), "uu": format("uuid"), "du": format("duration"), "odd": format("team-name"),
            },
            "if": {"properties": {"name": {"const": "If"}}}, "then": {"required": ["n"]},
        }),
        true,
    )
    .unwrap();
    for (member, lines) in [
        (json!({"l": ["a", "a"]}), "$.l: the items in the array must be unique"),
        (json!({"m": 0.7}), "$.m: must be multiple of 0.5"),
        (json!({"ex": 3}), "$.ex: must have an exclusive minimum value of 3"),
        (json!({"c": 8}), "$.c: must be a constant value C"),
        (json!({"mp": {}}), "$.mp: should have a minimum of 1 properties"),
        (json!({"mp": {"a": 1, "b": 2, "c": 3}}), "$.mp: may only have a maximum of 2 properties"),
        (
            json!({"con": ["x"]}),
            "$.con: does not contain an element that passes these validations: {\"type\":\"integer\"}",
        ),
        (
            json!({"y": true}),
            "$.y: should be valid to one and only one schema, but 0 are valid\n$.y: boolean found, string expected\n$.y: boolean found, integer expected",
        ),
        (json!({"z": 3}), "$.z: must have a minimum value of 5\n$.z: integer found, string expected"),
        (
            json!({"nt": "s"}),
            "$.nt: should not be valid to the schema \"#/properties/nt/not\" : {\"type\":\"string\"}",
        ),
        (
            json!({"pn": {"A": 1}}),
            "Property name $.pn.A is not valid for validation: does not match the regex pattern ^[a-z]+$",
        ),
        (json!({"em": "x"}), "$.em: does not match the email pattern must be a valid RFC 5321 Mailbox"),
        (json!({"dt": "2024-01-01T00:00:00"}), "$.dt: 2024-01-01T00:00:00 is an invalid date-time"),
        (
            json!({"da": "2024-13-01"}),
            "$.da: does not match the date pattern must be a valid RFC 3339 full-date",
        ),
        (json!({"ur": "/rel"}), "$.ur: does not match the uri pattern must be a valid RFC 3986 URI"),
        (
            json!({"ip": "999.1.1.1"}),
            "$.ip: does not match the ipv4 pattern must be a valid RFC 2673 IP address",
        ),
        (json!({"uu": "zz"}), "$.uu: does not match the uuid pattern must be a valid RFC 4122 UUID"),
        (json!({"du": "zz"}), "$.du: does not match the duration pattern must be a valid ISO 8601 duration"),
        (
            json!({"odd": "anything", "uu": "8c1b6f6e-4c3c-4f6f-9a43-0c8f3f1f0d3a", "du": "PT1H", "em": "a@b.org"}),
            "",
        ),
        (
            json!({"e": "q", "n": 77, "name": "x"}),
            "$.name: must be at least 2 characters long\n$.name: does not match the regex pattern ^[A-Z]\n\
             $.n: must have a maximum value of 5\n$.e: does not have a value in the enumeration [x, y]",
        ),
        (json!({"name": null}), "$.name: null found, string expected"),
    ] {
        let mut data = json!({"name": "Abc"});
        data.as_object_mut().unwrap().extend(member.as_object().unwrap().clone());
        let told = schema.check(&data.clone().into()).err().unwrap_or_default();
        assert_eq!(told.trim_start_matches("There are JsonSchema validation errors:\n"), lines, "{data}");
    }
    let nothing = schema.check(&json!({}).into()).unwrap_err();
    assert!(
        nothing.ends_with("$.name: is missing but it is required\n$.n: is missing but it is required"),
        "{nothing}"
    );
}

/// The expected order is that of answers of SonataFlow 10.1.0.
#[test]
fn lines_come_in_the_order_of_the_real_validator() {
    let at_least_5 = json!({"minimum": 5});
    for (schema, data, lines) in [
        (
            json!({"type": "integer", "maximum": 1}),
            json!(2.5),
            vec!["$: must have a maximum value of 1", "$: number found, integer expected"],
        ),
        (
            json!({"type": "string", "enum": ["a", "b"]}),
            json!(1),
            vec!["$: does not have a value in the enumeration [a, b]", "$: integer found, string expected"],
        ),
        (
            json!({"type": "object", "required": ["z", "a"], "properties": {"b": at_least_5, "m": at_least_5, "c": at_least_5}}),
            json!({"b": 1, "c": 1}),
            vec![
                "$.b: must have a minimum value of 5",
                "$.z: is missing but it is required",
                "$.a: is missing but it is required",
                "$.c: must have a minimum value of 5",
            ],
        ),
        (
            json!({"anyOf": [{"required": ["q"]}], "properties": {"a": at_least_5}}),
            json!({"a": 1}),
            vec!["$.a: must have a minimum value of 5", "$.q: is missing but it is required"],
        ),
        (json!({"multipleOf": 1}), json!(0.5), vec!["$: must be multiple of 1.0"]),
    ] {
        let told = Schema::new(schema.clone(), true).unwrap().check(&data.into()).unwrap_err();
        assert_eq!(told.lines().skip(1).collect::<Vec<_>>(), lines, "{schema}");
    }
}
