use rondo_definition::Environment;
use rondo_runtime::load_folder;

use super::*;

#[test]
fn a_file_is_written_where_its_uri_finds_it() {
    for (name, expected) in [
        ("m/cm.yaml#schemas/a.json", "schemas/a.json"),
        ("m/specs/a.yaml", "specs/a.yaml"),
        ("specs/a.yaml", "../specs/a.yaml"),
        ("mm/a.yaml", "../mm/a.yaml"),
    ] {
        assert_eq!(path_in_project(name, "m/flow.yaml"), expected);
    }
    assert_eq!(path_in_project("src/main/resources/a.yaml", "flow.yaml"), "src/main/resources/a.yaml");
}

/// Files of all kinds of origins: mounted, mounted at another path, beside the manifest, of the folder, referred to by another file.
const MANIFESTS: [(&str, &str); 5] = [
    (
        "m/flow.yaml",
        "apiVersion: sonataflow.org/v1alpha08
kind: SonataFlow
metadata: {name: all, annotations: {sonataflow.org/version: 1.2.3, sonataflow.org/expressionLang: jsonpath, sonataflow.org/description: 'all: of it'}}
spec:
  flow:
    dataInputSchema: schemas/in.json
    constants: {text: \"a\\n b\\n\", number: 1.50, empty: [], yes: 'yes'}
    functions:
      - {name: beside, operation: 'specs/beside.yaml#op', type: rest}
      - {name: mounted, operation: 'specs/mounted.yaml#op'}
      - {name: elsewhere, operation: 'api/elsewhere.yaml#op'}
    retries: [{name: r, maxAttempts: 2, delay: PT1S, multiplier: {type: 0, floatVal: 2}}]
    states:
      - name: Choose
        type: switch
        dataConditions: [{condition: '$.[?(@.a == 1)]', transition: Call}]
        defaultCondition: Call
      - name: Call
        type: operation
        actions:
          - {functionRef: {refName: beside}, retryRef: r}
          - functionRef: mounted
          - functionRef: elsewhere
        end: {terminate: true}
  resources:
    configMaps: [{configMap: {name: files}, workflowPath: specs}, {configMap: {name: schemas}, workflowPath: schemas}]
",
    ),
    (
        "m/maps.yaml",
        "kind: ConfigMap
metadata: {name: files}
data:
  mounted.yaml: |
    openapi: 3.0.0
    info: {title: A, version: '1'}
    paths: {/m: {$ref: path.yaml}}
  path.yaml: |
    get: {operationId: op, responses: {}}
  elsewhere.yaml: |
    {openapi: 3.0.0, info: {title: E, version: '1'}, paths: {/e: {get: {operationId: op, responses: {}}}}}
---
kind: ConfigMap
metadata: {name: schemas}
data:
  in.json: |
    {\"properties\": {\"a\": {\"$ref\": \"../../shared/a.json#/definitions/a\"}}}
---
kind: ConfigMap
metadata: {name: all-props}
data:
  application.properties: |
    quarkus.rest-client.beside_yaml.url=http://localhost:1
    quarkus.rest-client.mounted_yaml.url=http://localhost:2
    quarkus.rest-client.elsewhere_yaml.url=http://localhost:3
",
    ),
    ("m/specs/beside.yaml", "{openapi: 3.0.0, info: {title: B, version: '1'}, paths: {/b: {get: {operationId: op, responses: {}}}}}"),
    ("shared/a.json", "{\"definitions\": {\"a\": {\"type\": \"integer\"}}}"),
    ("application.properties", "other=1\n"),
];

#[test]
fn what_is_written_is_the_same_workflow() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (name, text) in MANIFESTS {
        let path = from.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let import = Import { path: from.path().to_owned(), to: to.path().to_owned() };
    assert_eq!(import.run().map(|_| ()), Ok(()));
    let (one, other) =
        (load_folder(from.path(), Environment::new()), load_folder(to.path(), Environment::new()));
    let messages = |loaded: &Loaded| loaded.diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert!(messages(&one).iter().all(|message| message.contains("RON0405")), "{:?}", messages(&one));
    assert_eq!(messages(&other), Vec::<String>::new());
    let ([one], [other]) = (&one.workflows[..], &other.workflows[..]) else { panic!("one workflow") };
    assert_eq!(one.program.fingerprint(), other.program.fingerprint());
    let schema =
        |deployed: &rondo_runtime::Deployed| deployed.input_schema.as_ref().unwrap().document.clone();
    assert_eq!(schema(one), schema(other));
    assert_eq!(
        (&one.outline.description, &*one.program.version),
        (&other.outline.description, &*other.program.version)
    );
    assert_eq!(&*other.outline.path, "all/all.sw.yaml");
}
