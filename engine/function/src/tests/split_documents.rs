//! Documents that are split over files: every part that an operation needs may be in another file.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::openapi;
use crate::openapi::document::SpecDocument;
use crate::openapi::operation::{Operation, Place};
use crate::specs;

/// Files by name. A reference is relative to the folder of its file.
struct Files(HashMap<String, Arc<SpecDocument>>);

impl Files {
    fn new(files: &[(&str, &str)]) -> Self {
        let parse = |(name, text): &(&str, &str)| {
            ((*name).to_owned(), Arc::new(specs::parse(name, (*text).into()).unwrap()))
        };
        Self(files.iter().map(parse).collect())
    }

    fn open(&self, from: &SpecDocument, file: &str) -> Result<Arc<SpecDocument>, String> {
        let folder = from.uri.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
        for part in file.split('/') {
            match part {
                "." => {}
                ".." => _ = parts.pop(),
                part => parts.push(part),
            }
        }
        let name = parts.join("/");
        self.0.get(&name).cloned().ok_or(format!("the file does not exist; looked for `{name}`"))
    }

    /// An operation of the file `api/api.yaml`.
    fn operation(&self, id: &str) -> Result<(Operation, Vec<String>), String> {
        let document = &self.0["api/api.yaml"];
        let open = |from: &SpecDocument, file: &str| self.open(from, file);
        let place = match document.operation(id) {
            Some(place) => place.clone(),
            None => openapi::find_referred(document, id, &open)
                .map_err(|(ids, problems)| format!("{ids:?} {problems:?}"))?,
        };
        openapi::extract(document, &place, None, &open)
    }
}

const API: &str = "
openapi: 3.1.0
info: {title: Pets}
servers: [{url: 'https://pets.test'}]
paths:
  /pets/{id}:
    $ref: paths/pet.yaml
    parameters: [{name: verbose, in: query, schema: {type: boolean}}]
  /owners:
    $ref: paths/all.json#/own~1ers
  /plain:
    get: {$ref: 'paths/plain.yaml'}
    put:
      operationId: put
      parameters: [{$ref: 'parts/parameters.yaml#/trace'}, {$ref: 'parts/limit.json'}]
      requestBody: {$ref: 'parts/bodies.yaml#/pet'}
      responses: {'200': {$ref: '../shared/answers.yaml#/answers/a%20pet'}}
  /gone: {$ref: paths/gone.yaml}
  /circle: {$ref: paths/circle.yaml}
components: {securitySchemes: {key: {type: apiKey, in: header, name: X-Key}}}
security: [{key: []}]
";

fn files() -> Files {
    Files::new(&[
        ("api/api.yaml", API),
        (
            "api/paths/pet.yaml",
            "parameters: [{$ref: ../parts/parameters.yaml#/id}]\nget: {operationId: getPet, responses: {'200': {$ref: '#/answer'}}}\n\
             answer: {content: {application/json: {schema: {$ref: ../parts/pet.yaml}}}}\n",
        ),
        ("api/paths/all.json", r#"{"own/ers": {"get": {"responses": {}}}}"#),
        (
            "api/paths/plain.yaml",
            "operationId: getPlain\nparameters: [{$ref: '#/skip'}]\nskip: {name: skip, in: query, schema: {type: integer}}\n",
        ),
        ("api/paths/circle.yaml", "$ref: circle.yaml\n"),
        (
            "api/parts/parameters.yaml",
            "id: {name: id, in: path, required: true, schema: {type: integer}}\ntrace: {name: X-Trace, in: header, schema: {type: string}}\n",
        ),
        (
            "api/parts/limit.json",
            r#"{"name": "limit", "in": "query", "schema": {"type": "integer", "default": 5}}"#,
        ),
        (
            "api/parts/bodies.yaml",
            "pet: {required: true, content: {application/json: {schema: {$ref: 'pet.yaml#pet'}}}}\n",
        ),
        (
            "api/parts/pet.yaml",
            "$anchor: pet\ntype: object\nproperties: {age: {type: integer}, mother: {$ref: 'pet.yaml'}, friend: {$ref: '../../shared/answers.yaml#/friend'}}\n",
        ),
        (
            "shared/answers.yaml",
            "answers: {a pet: {content: {application/json: {schema: {$ref: ../api/parts/pet.yaml}}}}}\nfriend: {$ref: ../api/parts/pet.yaml}\n",
        ),
    ])
}

fn places(operation: &Operation) -> Vec<String> {
    let place = |place: &Place| match place {
        Place::Path(_) => "path",
        Place::Query(_) => "query",
        Place::Header => "header",
        Place::Cookie => "cookie",
    };
    operation
        .parameters
        .iter()
        .map(|parameter| format!("{} in {}", parameter.name, place(&parameter.place)))
        .collect()
}

#[test]
fn path_items_parameters_bodies_and_answers_are_found_in_other_files() {
    let files = files();
    for (id, path, expected) in [
        ("getPet", "/pets/{id}", vec!["id in path", "verbose in query"]),
        ("/owners_get", "/owners", vec![]),
        ("getPlain", "/plain", vec!["skip in query"]),
        ("put", "/plain", vec!["X-Trace in header", "limit in query"]),
    ] {
        let (operation, problems) = files.operation(id).unwrap();
        assert_eq!(
            (places(&operation), problems),
            (expected.into_iter().map(str::to_owned).collect(), Vec::<String>::new()),
            "{id}"
        );
        assert_eq!((operation.path.as_str(), operation.server.as_deref()), (path, Some("https://pets.test")));
        assert_eq!(operation.security.len(), 1, "{id}");
    }
    assert!(files.operation("put").unwrap().0.body.unwrap().required);
}

#[test]
fn schemas_of_other_files_say_the_types_of_an_answer() {
    let files = files();
    let body = br#"{"age": "3", "mother": {"age": "9", "friend": {"mother": {"age": "1"}}}}"#;
    for id in ["getPet", "put"] {
        let (operation, _) = files.operation(id).unwrap();
        let limits = rondo_expression::ReadLimits::default();
        let read = openapi::answer::read(&operation, 200, "application/json", body, limits, &mut |_| true)
            .ok()
            .unwrap();
        let read: Value = serde_json::to_value(&read).unwrap();
        assert_eq!(read, json!({"age": 3, "mother": {"age": 9, "friend": {"mother": {"age": 1}}}}), "{id}");
    }
}

#[test]
fn what_cannot_be_read_is_named_with_the_reference_to_it() {
    let unknown = files().operation("none").unwrap_err();
    for part in [
        "`$ref: paths/gone.yaml` in `api/api.yaml`: the file does not exist; looked for `api/paths/gone.yaml`",
        "a chain of `$ref` in `api/api.yaml` goes in a circle",
        "getPet",
        "/owners_get",
    ] {
        assert!(unknown.contains(part), "{unknown}");
    }
    let api = API.replace("paths/gone.yaml}", "paths/pet.yaml#/none}").replace("/limit.json'", "/none.json'");
    let files = Files(files().0.into_iter().chain(Files::new(&[("api/api.yaml", &api)]).0).collect());
    let (operation, problems) = files.operation("put").unwrap();
    assert_eq!(places(&operation), ["X-Trace in header"]);
    assert_eq!(
        problems,
        [
            "`$ref: parts/none.json` in `api/api.yaml`: the file does not exist; looked for `api/parts/none.json`"
        ]
    );
    assert!(
        files
            .operation("none")
            .unwrap_err()
            .contains("`$ref: paths/pet.yaml#/none` in `api/api.yaml` names nothing")
    );
}

#[test]
fn a_file_that_describes_no_operations_is_no_document_of_a_function() {
    for text in ["{}", "id: {name: id}"] {
        let document = specs::parse("parts.yaml", text.into()).unwrap();
        assert_eq!(
            document.check_version().unwrap_err(),
            "is no OpenAPI document: it has neither `openapi` nor `swagger`"
        );
    }
}
