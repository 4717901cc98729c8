//! Folders of several projects: which there are, and what each reads.

#![allow(clippy::unwrap_used)] // A helper of a test may fail the test.

mod support;

use std::{path::Path, sync::Arc};

use rondo_definition::{Document, Environment, Folder, Project, codes};
use support::folder;

fn load_with(root: &Path, variables: &[(&str, &str)]) -> Folder {
    let environment: Environment =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Folder::load(root, environment, |_| None)
}

fn lines(folder: &Folder) -> String {
    folder.diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// A workflow of one state, named like its file.
fn flow(path: &str, more: &str) -> String {
    let id = path.rsplit('/').next().unwrap().trim_end_matches(".sw.yaml");
    format!(
        "id: {id}\nspecVersion: '0.8'\n{more}states:\n- {{name: A, type: inject, data: {{}}, end: true}}\n"
    )
}

/// The project of each workflow file of a folder with these files.
fn projects(others: &[&str], workflows: &[&str]) -> Vec<(String, String)> {
    let texts: Vec<_> = workflows.iter().map(|path| (*path, flow(path, ""))).collect();
    let files = texts.iter().map(|(path, text)| (*path, text.as_str()));
    let files: Vec<_> = files.chain(others.iter().map(|path| (*path, ""))).collect();
    let found = load_with(folder(&files).path(), &[]);
    assert_eq!(lines(&found), "");
    assert!(found.root().is_root());
    let project = |document: &Document| document.project.folder.to_string();
    found.documents.iter().map(|document| (document.source.path().to_string(), project(document))).collect()
}

#[test]
fn a_workflow_belongs_to_the_nearest_project_above_it() {
    for (others, workflow, project) in [
        (&[][..], "a.sw.yaml", ""),
        (&[], "deep/er/a.sw.yaml", ""),
        (&["application.properties"], "deep/a.sw.yaml", ""),
        (&["order/application.properties"], "order/a.sw.yaml", "order"),
        (&["order/application.properties"], "order/sub/flows/a.sw.yaml", "order"),
        (&["order/application.properties"], "orders/a.sw.yaml", ""),
        (&["order/sub/application.properties"], "order/a.sw.yaml", ""),
        (&["x/application.properties", "x/y/application.properties"], "x/y/a.sw.yaml", "x/y"),
        (&["x/application.properties", "x/y/application.properties"], "x/a.sw.yaml", "x"),
        (&[], "order/src/main/resources/a.sw.yaml", "order"),
        (&[], "src/main/resources/a.sw.yaml", ""),
        (&["order/src/main/resources/specs/x.yaml"], "order/a.sw.yaml", "order"),
        // What is below the resources of a Maven project belongs to it, also beside another properties file.
        (
            &["order/src/main/resources/sub/application.properties"],
            "order/src/main/resources/sub/a.sw.yaml",
            "order",
        ),
        (&["order/application.properties"], "order/module/src/main/resources/a.sw.yaml", "order/module"),
        // Only names of files count that are read.
        (&["order/secret.properties", "order/application-dev.properties"], "order/a.sw.yaml", ""),
    ] {
        let found = projects(others, &[workflow]);
        assert_eq!(found, [(workflow.to_owned(), project.to_owned())], "{others:?}");
    }
}

#[test]
fn only_projects_with_workflows_are_there() {
    let root = folder(&[
        ("a/application.properties", "rondo.nonsense=x\n"),
        ("a/b/application.properties", ""),
        ("a/b/b.sw.yaml", &flow("b.sw.yaml", "")),
        ("c/src/main/resources/c.sw.yaml", &flow("c.sw.yaml", "")),
        ("lib/src/main/resources/application.properties", "rondo.nonsense=x\n"),
    ]);
    let found = load_with(root.path(), &[]);
    assert_eq!(lines(&found), "");
    let folders: Vec<_> = found.projects.iter().map(ToString::to_string).collect();
    assert_eq!(folders, ["the root project", "project `a/b`", "project `c`"]);
    for (path, project) in
        [("a/b/gone.sw.yaml", "a/b"), ("a/bc/gone.sw.yaml", ""), ("gone.sw.yaml", ""), ("c", "c")]
    {
        assert_eq!(&*Project::of_path(&found.projects, path).unwrap().folder, project, "{path}");
    }
}

#[test]
fn properties_of_a_project_are_layered() {
    let root = folder(&[
        ("application.properties", "all=root\nroot=root\n"),
        ("order/order.sw.yaml", &flow("order.sw.yaml", "")),
        ("order/config/application.properties", "all=config\n"),
        ("order/application.properties", "all=own\nown=own\n%dev.marked=own\nmarked=plain\n"),
        ("order/application-dev.properties", "own=of dev\n"),
        ("order/application-prod.properties", "own=of prod\n"),
        ("order/src/main/resources/application.properties", "own=resources\nresources=resources\n"),
        ("order/src/main/resources/application-dev.properties", "resources=resources of dev\n"),
        ("order/src/main/resources/META-INF/microprofile-config.properties", "resources=m\nlast=m\n"),
    ]);
    for (key, variables, expected) in [
        ("all", &[][..], Some("config")),
        ("all", &[("ALL", "env")], Some("env")),
        ("root", &[], Some("root")),
        ("own", &[], Some("of prod")),
        ("own", &[("QUARKUS_PROFILE", "dev")], Some("of dev")),
        ("own", &[("QUARKUS_PROFILE", "test")], Some("own")),
        ("own", &[("QUARKUS_PROFILE", "dev,prod")], Some("of prod")),
        ("own", &[("QUARKUS_PROFILE", "../order/application")], Some("own")),
        ("marked", &[("QUARKUS_PROFILE", "dev")], Some("own")),
        ("resources", &[], Some("resources")),
        ("resources", &[("QUARKUS_PROFILE", "dev")], Some("resources of dev")),
        ("last", &[("QUARKUS_PROFILE", "dev")], Some("m")),
    ] {
        let found = load_with(root.path(), variables);
        assert_eq!(lines(&found), "");
        let properties = &found.documents[0].project.properties;
        assert_eq!(properties.get(key).as_deref(), expected, "{key} with {variables:?}");
        assert_eq!(found.root().properties.get("own"), None);
    }
}

/// Two projects name a document alike and mean different files; what neither has is the root's.
#[test]
fn a_file_is_looked_for_in_the_project_first() {
    let functions = "functions: specs/functions.json\n";
    let declares = |name: &str| format!(r#"{{"functions": [{{"name": "{name}", "operation": "a#b"}}]}}"#);
    let (one, two, shared) = (declares("one"), declares("two"), declares("shared"));
    let root = folder(&[
        ("one/one.sw.yaml", &flow("one.sw.yaml", functions)),
        ("one/application.properties", ""),
        ("one/specs/functions.json", &one),
        ("two/src/main/resources/flows/two.sw.yaml", &flow("two.sw.yaml", functions)),
        ("two/src/main/resources/specs/functions.json", &two),
        ("three/three.sw.yaml", &flow("three.sw.yaml", functions)),
        ("three/application.properties", ""),
        ("four/four.sw.yaml", &flow("four.sw.yaml", "functions: classpath:/only/one.json\n")),
        ("four/application.properties", ""),
        ("one/only/one.json", &one),
        ("specs/functions.json", &shared),
    ]);
    let found = load_with(root.path(), &[]);
    insta::assert_snapshot!(lines(&found), @"four/four.sw.yaml:3:12: error[RON0401]: workflow: `functions` is in `classpath:/only/one.json`: the file does not exist; looked for `four/only/one.json`, `four/src/main/resources/only/one.json`, `only/one.json`, `src/main/resources/only/one.json`");
    for (id, function, file) in [
        ("one", "one", "one/specs/functions.json"),
        ("two", "two", "two/src/main/resources/specs/functions.json"),
        ("three", "shared", "specs/functions.json"),
    ] {
        let document = found.documents.iter().find(|document| document.workflow.id == id).unwrap();
        assert!(document.workflow.functions.contains_key(function), "{id}");
        let used = document.source.used_files();
        assert_eq!(used.keys().collect::<Vec<_>>(), [file], "{id}");

        // What was read is stored with the workflow, and is found there again, also when the folder has no projects any more.
        let bundle = document.project.resources.bundle(&document.source).unwrap();
        assert_eq!(bundle.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), [file]);
        for project in [&document.project, &found.root()] {
            let resources = project.resources.clone().with_bundle(bundle.clone());
            let stored = Arc::new(Project { resources, ..Project::clone(project) });
            let (again, problems) = stored.parse(document.source.path(), document.source.text());
            assert_eq!(problems, [], "{id}");
            assert!(again.unwrap().workflow.functions.contains_key(function), "{id}");
        }
    }
}

#[test]
fn mirrors_and_aliases_may_be_those_of_a_project() {
    let events = |name: &str| format!("events: [{{name: {name}, type: e, source: s}}]\n");
    let root = folder(&[
        ("application.properties", "rondo.resources.mirror=mirror\n"),
        ("mirror/host/x.yml", &events("of_root")),
        ("mirror/host/y.yml", &events("y")),
        ("one/one.sw.yaml", &flow("one.sw.yaml", "events: https://host/x.yml\n")),
        ("one/application.properties", "rondo.resources.mirror=copies\n"),
        ("one/copies/host/x.yml", &events("of_one")),
        ("two/two.sw.yaml", &flow("two.sw.yaml", "events: https://host/x.yml\n")),
        ("two/application.properties", "rondo.uri.alias=https://host/x=https://host/y\n"),
        ("three.sw.yaml", &flow("three.sw.yaml", "events: https://host/x.yml\n")),
    ]);
    let found = load_with(root.path(), &[]);
    assert_eq!(lines(&found), "");
    let events: Vec<_> = found
        .documents
        .iter()
        .map(|document| {
            (document.workflow.id.as_str(), document.workflow.events.keys().next().unwrap().as_str())
        })
        .collect();
    assert_eq!(events, [("one", "of_one"), ("three", "of_root"), ("two", "y")]);
}

#[test]
fn what_is_wrong_with_a_project_is_told_at_its_own_file_and_once() {
    let secret = "secrets: [token]\n";
    let root = folder(&[
        ("application.properties", "open=${a\nrondo.limits.steps=x\n"),
        ("one/one.sw.yaml", &flow("one.sw.yaml", secret)),
        ("one/application.properties", "token=x\nrondo.limits.steps=5\n"),
        ("two/two.sw.yaml", &flow("two.sw.yaml", secret)),
        ("two/application.properties", "\\u1\n"),
        ("two/application-prod.properties", "rondo.compat=both\n"),
        ("three/one.sw.yaml", &flow("one.sw.yaml", "")),
    ]);
    let found = load_with(root.path(), &[("RONDO_URI_ALIAS", "nothing")]);
    insta::assert_snapshot!(lines(&found), @r"
    application.properties:1:6: warning[RON0504]: the value of the property `open` has a `${` without closing brace
    application.properties:2:20: error[RON0503]: the value of the property `rondo.limits.steps` is not a whole number above 0
    environment variable RONDO_URI_ALIAS: error[RON0503]: the value of the property `rondo.uri.alias` is not a list PREFIX=TARGET,PREFIX=TARGET
    one/application.properties:2:1: warning[RON0514]: the property `rondo.limits.steps` has no effect here: it is about the whole engine
    three/one.sw.yaml:1:5: error[RON0121]: Duplicated item found with id one. Please review the .sw files: one/one.sw.yaml has it too, in the same version `1.0`
    two/application-prod.properties:1:14: error[RON0503]: the value of the property `rondo.compat` is not one of `sonataflow`, `spec`
    two/application.properties:1:1: error[RON0501]: the line is not `key = value` with valid escapes
    two/two.sw.yaml:3:11: warning[RON0135]: workflow: the secret `token` has no value
    ");
    let help = found
        .diagnostics
        .iter()
        .find_map(|found| found.help.as_deref().filter(|help| help.contains("set it in two")));
    assert_eq!(help, Some("set it in two/application.properties or as environment variable"));
    let shown = found.sources["one/application.properties"].text();
    assert_eq!(shown, "token=***\nrondo.limits.steps=5\n", "secrets of a project are not shown");
}

#[test]
fn a_folder_without_workflows_is_an_error() {
    for files in
        [&[][..], &[("flow.yaml", "id: a\n")], &[("target/a.sw.yaml", "id: a\n"), (".b.sw.yaml", "id: b\n")]]
    {
        let root = folder(files);
        let found = load_with(root.path(), &[]);
        let name = root.path().display();
        assert_eq!(
            lines(&found),
            format!("{name}: error[RON0515]: there is no workflow in this folder"),
            "{files:?}"
        );
    }
    let missing = load_with(Path::new("/nowhere/at/all"), &[]);
    let codes: Vec<_> = missing.diagnostics.iter().map(|found| found.code).collect();
    assert_eq!(codes, [codes::UNREADABLE]);
}

/// Each file is parsed once, however many projects inherit from it.
#[test]
fn projects_share_the_files_of_the_root() {
    let texts: Vec<_> = (0..20)
        .map(|number| (format!("p{number}/p{number}.sw.yaml"), format!("p{number}/application.properties")))
        .collect();
    let flows: Vec<_> = texts.iter().map(|(path, _)| flow(path, "")).collect();
    let files = texts.iter().zip(&flows).flat_map(|((path, properties), text)| {
        [(path.as_str(), text.as_str()), (properties.as_str(), "own=1\n")]
    });
    let files: Vec<_> = files.chain([("application.properties", "a=1\n")]).collect();
    let found = load_with(folder(&files).path(), &[]);
    assert_eq!(found.projects.len(), 21);
    let root = found.root();
    let of_root = root.properties.files().next().unwrap();
    for project in &found.projects[1..] {
        let files: Vec<_> = project.properties.files().collect();
        assert_eq!(files.len(), 2);
        assert!(Arc::ptr_eq(files[1], of_root));
    }
}
