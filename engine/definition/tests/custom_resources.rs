//! Folders with custom resources, `ConfigMap`s and other Kubernetes resources.

#![allow(clippy::unwrap_used)] // A helper of a test may fail the test.

mod support;

use std::sync::Arc;

use rondo_definition::{Environment, Folder, Project, custom_resource_projects};
use support::folder;

/// A loaded folder, which stays on the disk as long as this value.
struct Loaded {
    folder: Folder,
    _root: tempfile::TempDir,
}

impl std::ops::Deref for Loaded {
    type Target = Folder;

    fn deref(&self) -> &Folder {
        &self.folder
    }
}

fn load(files: &[(&str, &str)]) -> Loaded {
    let root = folder(files);
    Loaded { folder: Folder::load(root.path(), Environment::new(), |_| None), _root: root }
}

fn lines(folder: &Folder) -> String {
    folder.diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// A workflow file of one state.
fn flow(id: &str) -> String {
    format!("id: {id}\nspecVersion: '0.8'\nstates:\n- {{name: A, type: inject, data: {{}}, end: true}}\n")
}

/// A custom resource with more lines of `spec.flow` and of `spec`.
fn manifest(id: &str, flow: &str, spec: &str) -> String {
    format!(
        "apiVersion: sonataflow.org/v1alpha08\nkind: SonataFlow\nmetadata:\n  name: {id}\nspec:\n  flow:\n    states:\n    - {{name: A, type: inject, data: {{}}, end: true}}\n{flow}{spec}"
    )
}

/// A `ConfigMap` with one key, whose text is one line of a block.
fn config_map(name: &str, key: &str, line: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  {key}: |\n    {line}\n")
}

/// The ids of the workflows with the names of their sources.
fn served(folder: &Folder) -> Vec<(String, String)> {
    folder
        .documents
        .iter()
        .map(|document| (document.workflow.id.clone(), document.source.name().to_string()))
        .collect()
}

/// `spec.resources` with one `ConfigMap`.
fn resources(name: &str, path: &str) -> String {
    format!("  resources:\n    configMaps:\n    - configMap: {{name: {name}}}\n      workflowPath: {path}\n")
}

#[test]
fn custom_resources_are_workflows_whatever_their_files_are_called() {
    let found = load(&[
        ("m/a.yaml", &manifest("a", "", "")),
        ("m/b.sw.yaml", &manifest("b", "", "")),
        ("m/several.yml", &format!("{}---\n{}", manifest("c", "", ""), manifest("d", "", ""))),
        ("file.sw.yaml", &flow("file")),
        ("m/deployment.yaml", "apiVersion: apps/v1\nkind: Deployment\n"),
        ("chart/broken.yaml", "{{ if }}\nkind: Deployment\n"),
        ("specs/api.yaml", "openapi: 3.0.0\n"),
        ("target/x.yaml", &manifest("x", "", "")),
        (".hidden/x.yaml", &manifest("x", "", "")),
    ]);
    assert_eq!(lines(&found), "");
    assert_eq!(found.files, 4);
    let expected = [
        ("file", "file.sw.yaml"),
        ("a", "m/a.yaml#a"),
        ("b", "m/b.sw.yaml#b"),
        ("c", "m/several.yml#c"),
        ("d", "m/several.yml#d"),
    ];
    let expected: Vec<_> = expected.map(|(id, name)| (id.to_owned(), name.to_owned())).into();
    assert_eq!(served(&found), expected);
}

#[test]
fn other_resources_and_templates_are_told_once_and_are_no_errors() {
    let found = load(&[
        ("a.sw.yaml", &manifest("a", "", "")),
        ("a-props.sw.yaml", &config_map("a-props", "application.properties", "own=of the map")),
        ("t.yaml", &manifest("t", "", "  image: {{ .Values.image }}\n")),
        ("wrong.sw.yaml", "apiVersion: sonataflow.org/v1alpha08\nkind: Sonataflow\nmetadata: {name: w}\n"),
        ("nameless.yaml", "kind: SonataFlow\nspec: {flow: {}}\n"),
    ]);
    insta::assert_snapshot!(lines(&found), @"
    a-props.sw.yaml: warning[RON0009]: this is the Kubernetes resource `ConfigMap`, not a workflow, so it is not served
    nameless.yaml:1:1: error[RON0012]: custom resource: `metadata.name` is missing; it is the id of the workflow
    t.yaml:9:10: warning[RON0008]: this custom resource is a template, so its workflow is not served
    wrong.sw.yaml:2:7: error[RON0012]: this is the Kubernetes resource `Sonataflow`, not a workflow
    ");
    assert_eq!(found.documents[0].project.properties.get("own").as_deref(), Some("of the map"));
}

#[test]
fn a_folder_of_manifests_without_a_workflow_has_none() {
    let found = load(&[("a.yaml", &config_map("a-props", "application.properties", "a=b"))]);
    assert!(lines(&found).contains("there is no workflow"), "{}", lines(&found));
}

#[test]
fn properties_of_the_config_map_go_over_those_of_the_folder() {
    let root_properties = "shared=root\nfolder=root\nown=root\n";
    let found = load(&[
        ("application.properties", root_properties),
        ("app/application.properties", "folder=app\nown=app\n"),
        (
            "app/m/a.yaml",
            &manifest(
                "a",
                "",
                "  podTemplate: {container: {env: [{name: OWN_B, value: env}, {name: C, value: '${C}'}, {name: D}]}}\n",
            ),
        ),
        (
            "app/m/props.yaml",
            &config_map(
                "a-props",
                "application.properties",
                "own=map\n    rondo.http.timeout=PT1S\n    own.b=map",
            ),
        ),
        ("app/b.sw.yaml", &flow("b")),
    ]);
    let [b, a] = &found.documents[..] else { panic!("{}", lines(&found)) };
    for (document, expected) in [(a, ["root", "app", "map", "env"]), (b, ["root", "app", "app", "-"])] {
        let get = |key: &str| document.project.properties.get(key).unwrap_or("-".to_owned());
        assert_eq!(["shared", "folder", "own", "own.b"].map(get), expected, "{}", document.workflow.id);
    }
    // The place is the one in the file of the map.
    assert!(lines(&found).starts_with("app/m/props.yaml:8:5: warning["), "{}", lines(&found));
    let stored = Project::of_path(&found.projects, "app/m/a.yaml#a").unwrap();
    assert!(Arc::ptr_eq(stored, &a.project));
    assert_eq!(&*Project::of_path(&found.projects, "app/m/gone.yaml#gone").unwrap().folder, "app");
}

#[test]
fn what_is_shown_of_a_config_map_has_no_secrets() {
    let lines_of_map = "quarkus.openapi-generator.x.auth.y.bearer-token=s3cret\n    rondo.nothing=s3cret";
    let text = format!(
        "{}---\n{}",
        config_map("a-props", "application.properties", lines_of_map),
        manifest("a", "    nothing: 1\n", "")
    );
    let found = load(&[("a.yaml", &text)]);
    assert!(lines(&found).starts_with("a.yaml:8:") && lines(&found).contains("RON0505"), "{}", lines(&found));
    let source = &found.sources["a.yaml"];
    let shown: Vec<_> = (1..20).filter_map(|line| source.line_text(line)).collect();
    assert!(!shown.concat().contains("s3cret"), "{shown:?}");
    assert!(shown.contains(&"kind: SonataFlow"), "{shown:?}");
    for diagnostic in &found.diagnostics {
        assert!(!diagnostic.render(Some(source)).contains("s3cret"));
    }
}

/// Reads a file as a workflow's document does; the name of what was read, or the problem.
fn read(found: &Folder, base: &str, uri: &str) -> String {
    let document = &found.documents[0];
    let base = if base.is_empty() { document.source.path() } else { base };
    match document.project.resources.read_from(&document.source, base, uri) {
        Ok(resource) => format!("{}: {}", resource.name, String::from_utf8(resource.bytes).unwrap().trim()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn files_of_config_maps_are_found_at_their_paths() {
    const NOWHERE: &str = "the file does not exist; looked for `m/none.json`, `m/src/main/resources/none.json`, `none.json`, `src/main/resources/none.json`";
    let maps = format!(
        "{}---\n{}---\nkind: ConfigMap\nmetadata: {{name: packed}}\nbinaryData: {{x.bin: aGVs\n  bG8=}}\n",
        config_map("schemas", "a.json", "of the map"),
        config_map("other", "b.json", "of nobody")
    );
    let spec = "  resources:\n    configMaps:\n    - {configMap: {name: schemas}, workflowPath: /schemas/}\n    - {configMap: {name: packed}}\n    - {configMap: {name: none}, workflowPath: specs}\n";
    let found = load(&[
        ("m/a.yaml", &manifest("a", "", spec)),
        ("m/maps.yaml", &maps),
        ("m/schemas/a.json", "of the folder"),
        ("m/schemas/c.json", "of the folder"),
        ("specs/d.yaml", "of the root"),
    ]);
    insta::assert_snapshot!(lines(&found), @"m/a.yaml:13:26: warning[RON0404]: custom resource: the ConfigMap `none` is in no file of the folder; its files at `specs/` are looked for among the files of the folder");
    for (base, uri, expected) in [
        ("", "schemas/a.json", "m/maps.yaml#schemas/a.json: of the map"),
        ("", "classpath:m/schemas/a.json", "m/maps.yaml#schemas/a.json: of the map"),
        ("", "x.bin", "m/maps.yaml#x.bin: hello"),
        ("", "schemas/c.json", "m/schemas/c.json: of the folder"),
        ("", "specs/d.yaml", "specs/d.yaml: of the root"),
        ("m/maps.yaml#schemas/a.json", "c.json", "m/schemas/c.json: of the folder"),
        ("m/maps.yaml#schemas/a.json", "../x.bin", "m/maps.yaml#x.bin: hello"),
        ("m/schemas/c.json", "a.json", "m/maps.yaml#schemas/a.json: of the map"),
        ("specs/d.yaml", "../m/schemas/a.json", "m/maps.yaml#schemas/a.json: of the map"),
        ("", "b.json", "m/maps.yaml#b.json: of nobody"),
        ("", "specs/b.json", "m/maps.yaml#specs/b.json: of nobody"),
        ("", "none.json", NOWHERE),
        ("", "../../x.json", "the file is outside of the folder of workflows, at `../x.json`"),
    ] {
        assert_eq!(read(&found, base, uri), expected, "{uri} in {base}");
    }
    // What is stored with the workflow is found again.
    let document = &found.documents[0];
    let bundle = document.project.resources.bundle(&document.source).unwrap();
    let names: Vec<_> = bundle.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.contains(&"m/maps.yaml#specs/b.json") && names.contains(&"m/schemas/c.json"), "{names:?}");
    let stored = document.project.resources.clone().with_bundle(bundle);
    for (base, uri) in [
        ("", "schemas/a.json"),
        ("m/maps.yaml#schemas/a.json", "../x.bin"),
        ("", "specs/b.json"),
        ("", "schemas/c.json"),
        ("", "specs/d.yaml"),
    ] {
        let base = if base.is_empty() { "m/a.yaml" } else { base };
        let (one, other) = (
            document.project.resources.read_from(&document.source, base, uri),
            stored.read_from(&document.source, base, uri),
        );
        assert_eq!(one.unwrap(), other.unwrap(), "{uri}");
    }
}

#[test]
fn the_nearest_config_map_of_a_name_is_meant() {
    let map = |line: &str| config_map("files", "f", line);
    let with_namespace = |line: &str, namespace: &str| {
        map(line).replace("name: files", &format!("name: files\n  namespace: {namespace}"))
    };
    let spec = resources("files", "x");
    let a = manifest("a", "", &spec);
    let in_namespace = a.replace("name: a\n", "name: a\n  namespace: one\n");
    for (files, expected, told) in [
        (vec![("m/a.yaml", a.clone()), ("m/f.yaml", map("beside")), ("f.yaml", map("above"))], "beside", ""),
        (vec![("m/a.yaml", a.clone()), ("m/x/f.yaml", map("below")), ("n/f.yaml", map("elsewhere"))], "below", ""),
        (vec![("m/a.yaml", format!("{a}---\n{}", map("same file"))), ("m/f.yaml", map("beside"))], "same file", ""),
        (vec![("a.yaml", in_namespace), ("b.yaml", with_namespace("two", "two")), ("c.yaml", with_namespace("one", "one"))], "one", ""),
        (
            vec![("a.yaml", a.clone()), ("b.yaml", map("first")), ("c.yaml", map("second"))],
            "first",
            "a.yaml:11:25: warning[RON0406]: custom resource: there are several ConfigMaps `files`; the one in b.yaml is read, not the one in c.yaml",
        ),
        (vec![("a.yaml", a.clone()), ("b.yaml", map("same")), ("c.yaml", map("same"))], "same", ""),
        (
            vec![("a.yaml", a.clone()), ("kustomization.yaml", "configMapGenerator:\n- {name: files, files: [f=deep/f.txt]}\n".into()), ("deep/f.txt", "made".into())],
            "made",
            "",
        ),
        (
            vec![("a.yaml", a), ("kustomization.yaml", "configMapGenerator:\n- {name: files, literals: [f=literal], files: [../../etc/passwd]}\n".into())],
            "literal",
            "",
        ),
    ] {
        let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let found = load(&files);
        assert_eq!(lines(&found), told);
        let read = read(&found, "", "x/f");
        assert_eq!(read.split_once(": ").map(|(_, text)| text), Some(expected), "{read}");
    }
}

#[test]
fn a_file_that_is_mounted_elsewhere_is_told_where_the_flow_names_it() {
    let functions = "    dataInputSchema: {schema: in.json, failOnValidationErrors: true}\n    functions:\n    - {name: f, operation: 'api.yaml#a'}\n    - {name: g, operation: 'api.yaml#b'}\n    - {name: h, operation: 'gone.yaml#b'}\n    - {name: i, operation: 'specs/here.yaml#b'}\n";
    let found = load(&[
        ("m/a.yaml", &manifest("a", functions, &resources("own", "specs"))),
        ("m/own.yaml", &format!("{}  here.yaml: x\n", config_map("own", "in.json", "{}"))),
        ("m/other.yaml", &config_map("other", "api.yaml", "{}")),
    ]);
    insta::assert_snapshot!(lines(&found), @"
    m/a.yaml:9:31: warning[RON0405]: custom resource: no ConfigMap is mounted so that `in.json` is there; it is read from a ConfigMap in m/own.yaml, which has this name at another path or for another workflow
    m/a.yaml:11:28: warning[RON0405]: custom resource: no ConfigMap is mounted so that `api.yaml` is there; it is read from a ConfigMap in m/other.yaml, which has this name at another path or for another workflow
    ");
}

#[test]
fn a_workflow_that_a_file_has_too_is_served_from_the_file() {
    let version =
        |text: &str| text.replace("metadata:\n", "metadata:\n  annotations: {sonataflow.org/version: '2'}\n");
    let found = load(&[
        ("a.sw.yaml", &flow("a")),
        ("m/a.yaml", &manifest("a", "", "")),
        ("m/next.yaml", &version(&manifest("a", "", ""))),
    ]);
    insta::assert_snapshot!(lines(&found), @"m/a.yaml:4:9: warning[RON0011]: the workflow `a` is served from a.sw.yaml, so this custom resource of the same version is not");
    let names: Vec<_> = served(&found).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["a.sw.yaml", "m/next.yaml#a"]);
    // Its problems are told as long as they would not keep it from being served.
    let gone = manifest("a", "    functions: gone.yaml\n    nmae: x\n", "");
    let found = load(&[("a.sw.yaml", &flow("a")), ("m/a.yaml", &gone)]);
    assert!(found.diagnostics.iter().all(|problem| !problem.is_error()), "{}", lines(&found));
    assert!(lines(&found).contains("m/a.yaml:10:5: warning[RON0141]"), "{}", lines(&found));
    assert_eq!(found.shadowed.len(), 1);
    let found = load(&[("m/a.yaml", &manifest("a", "", "")), ("n/a.yaml", &manifest("a", "", ""))]);
    assert!(lines(&found).contains("n/a.yaml:4:9: error[RON0121]"), "{}", lines(&found));
}

#[test]
fn a_problem_in_a_mounted_file_is_told_with_its_name_and_its_line() {
    let found = load(&[
        ("a.yaml", &manifest("a", "    errors: lists/errors.yaml\n", &resources("lists", "lists"))),
        ("l.yaml", &config_map("lists", "errors.yaml", "errors: [{name: e, oops: 1}]")),
    ]);
    insta::assert_snapshot!(lines(&found), @"l.yaml#lists/errors.yaml:1:20: error[RON0104]: error `e`: there is no property `oops` here");
    assert_eq!(found.sources["l.yaml#lists/errors.yaml"].line_text(1), Some("errors: [{name: e, oops: 1}]"));
}

#[test]
fn custom_resources_are_taken_apart_into_projects() {
    let text = format!(
        "{}---\n{}---\n{}",
        manifest("a", "    version: '3'\n", &resources("files", "x/y")),
        config_map("files", "f.txt", "content"),
        config_map("a-props", "application.properties", "a=b")
    );
    let root = folder(&[("m/a.yaml", &text), ("t.yaml", &manifest("'{{ x }}'", "", ""))]);
    let (projects, diagnostics) = custom_resource_projects(root.path());
    assert_eq!(diagnostics.len(), 1);
    let [project] = &projects[..] else { panic!("one project") };
    assert_eq!(
        (project.id.as_str(), project.path.as_str(), project.name.as_str()),
        ("a", "m/a.yaml", "m/a.yaml#a")
    );
    assert_eq!(project.document["version"], "3");
    assert_eq!(project.properties.as_deref(), Some("a=b\n"));
    assert_eq!(project.files, [("x/y/f.txt".to_owned(), b"content\n".to_vec())]);
}
