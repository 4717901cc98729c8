//! Loading folders of workflows, their properties and the files that they name.

#![allow(clippy::unwrap_used)] // A helper of a test may fail the test.

mod support;

use std::{fs, path::Path, sync::Arc};

use rondo_definition::{Diagnostic, Environment, Fetch, Folder};
use support::folder;

fn load(root: &Path) -> Folder {
    Folder::load(root, Environment::new(), |_| None)
}

fn lines(folder: &Folder) -> String {
    folder.diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// A workflow of one state.
fn flow(id: &str, more: &str) -> String {
    format!(
        "id: {id}\nspecVersion: '0.8'\n{more}states:\n- {{name: A, type: inject, data: {{}}, end: true}}\n"
    )
}

#[test]
fn workflow_files_are_found_by_their_names() {
    let root = folder(&[
        ("a.sw.yaml", &flow("a", "")),
        ("deep/er/b.sw.yml", &flow("b", "")),
        (
            "src/main/resources/c.sw.json",
            r#"{"id":"c","specVersion":"0.8","states":[{"name":"A","type":"inject","data":{},"end":true}]}"#,
        ),
        ("target/classes/a.sw.yaml", &flow("a", "")),
        (".hidden.sw.yaml", &flow("hidden", "")),
        (".folder/x.sw.yaml", &flow("x", "")),
        ("readme.yaml", "not: [a workflow"),
    ]);
    let found = load(root.path());
    let ids: Vec<_> = found.documents.iter().map(|d| (d.workflow.id.as_str(), &**d.source.path())).collect();
    assert_eq!(ids, [("a", "a.sw.yaml"), ("b", "deep/er/b.sw.yml"), ("c", "src/main/resources/c.sw.json")]);
    assert!(!found.diagnostics.iter().any(Diagnostic::is_error), "{}", lines(&found));

    fs::write(root.path().join("application.properties"), "kogito.codegen.ignoreHiddenFiles=false\n")
        .unwrap();
    assert_eq!(load(root.path()).documents.len(), 5);
}

#[test]
fn two_files_with_one_id_and_one_version_are_refused() {
    let root = folder(&[("a.sw.yaml", &flow("same", "")), ("b.sw.yaml", &flow("same", ""))]);
    insta::assert_snapshot!(lines(&load(root.path())), @"b.sw.yaml:1:5: error[RON0121]: Duplicated item found with id same. Please review the .sw files: a.sw.yaml has it too, in the same version `1.0`");
    let next = format!("version: '2.0'\n{}", flow("same", ""));
    let root = folder(&[("a.sw.yaml", &flow("same", "")), ("b.sw.yaml", &next)]);
    assert_eq!(lines(&load(root.path())), "");
}

#[test]
fn workflows_that_cannot_be_reached_are_reported() {
    let root = folder(&[
        ("a.sw.yaml", &flow("graphql", "")),
        ("b.sw.yaml", &flow("org.acme.management", "")),
        ("c.sw.yaml", &flow("request", "")),
        ("d.sw.yaml", &flow("org.acme.request", "")),
        ("e.sw.yaml", &flow("org.acme.", "")),
        ("f.sw.yaml", &flow("q.request.vm", "")),
        ("g.sw.yaml", &flow("q", "").replace("id:", "key:")),
    ]);
    insta::assert_snapshot!(lines(&load(root.path())), @r"
    a.sw.yaml:1:5: error[RON0153]: workflow: it would be reached at `/graphql`, which is a path of the engine itself
    b.sw.yaml:1:5: error[RON0153]: workflow: it would be reached at `/management`, which is a path of the engine itself
    d.sw.yaml:1:5: warning[RON0154]: workflow: `request` of c.sw.yaml is reached at `/request` too, so only one of them can be
    e.sw.yaml:1:5: error[RON0136]: workflow: it is reached by what stands after the last dot of its id, and in `org.acme.` nothing does
    g.sw.yaml:1:6: error[RON0153]: workflow: it would be reached at `/q`, which is a path of the engine itself
    ");
}

#[test]
fn every_problem_of_every_file_is_reported() {
    let call = "id: caller\nspecVersion: '0.8'\nsecrets: [token]\nstates:\n- name: Call\n  type: operation\n  actions:\n\
                \x20 - subFlowRef: a\n  - subFlowRef: gone\n  - subFlowRef: {workflowId: a, version: '9'}\n\
                \x20 end: {continueAs: gone}\n";
    let root = folder(&[
        ("a.sw.yaml", &flow("a", "version: '2'\n")),
        ("broken.sw.json", "{\n  \"id\": \"broken\"\n  \"states\": []\n}\n"),
        ("caller.sw.yaml", call),
        ("application.properties", "rondo.uri.alias=x\na=${a}\n"),
    ]);
    insta::assert_snapshot!(lines(&load(root.path())), @r"
    application.properties:1:17: error[RON0503]: the value of the property `rondo.uri.alias` is not a list PREFIX=TARGET,PREFIX=TARGET
    application.properties:2:3: warning[RON0513]: the property `a` refers to itself by `${a}`, so it has no value, and what reads it fails
    broken.sw.json:3:3: error[RON0002]: not valid JSON, line 3 column 3: while parsing a flow mapping, did not find expected ',' or '}'
    caller.sw.yaml:3:11: warning[RON0135]: workflow: the secret `token` has no value
    caller.sw.yaml:9:17: error[RON0115]: state `Call`: the subflow `gone` is no workflow of this folder
    caller.sw.yaml:10:30: error[RON0115]: state `Call`: the subflow `a` has no version `9`, only 2
    caller.sw.yaml:11:21: warning[RON0152]: state `Call`: `continueAs`: `gone` is no workflow of this folder
    ");
}

#[test]
fn definitions_may_be_in_files() {
    let root = folder(&[
        (
            "flows/a.sw.yaml",
            &flow(
                "a",
                "functions: file://shared/functions.json\nevents: events.yml\nerrors: classpath:/errors.yml\n\
                 retries: ../retries.yml\nconstants: constants.json\nsecrets: secrets.yml\ntimeouts: timeouts.yml\n\
                 auth: auth.yml\n",
            ),
        ),
        ("flows/shared/functions.json", r#"{"functions": [{"name": "f", "operation": "a#b"}]}"#),
        ("flows/events.yml", "events: [{name: e, type: e, source: s}]\n"),
        ("errors.yml", "errors: [{name: gone, code: '404'}]\n"),
        ("retries.yml", "retries: [{name: r, maxAttempts: 1}]\n"),
        ("flows/constants.json", r#"{"constants": {"max": 5}}"#),
        ("secrets.yml", "secrets: [token]\n"),
        ("flows/timeouts.yml", "timeouts: {stateExecTimeout: PT1S}\n"),
        ("src/main/resources/auth.yml", "auth: [{name: b, properties: secret}]\n"),
        ("application.properties", "token=x\n"),
    ]);
    let found = load(root.path());
    assert_eq!(lines(&found), "");
    let workflow = &found.documents[0].workflow;
    assert!(workflow.functions.contains_key("f") && workflow.events.contains_key("e"));
    assert!(workflow.errors.contains_key("gone") && workflow.retries.contains_key("r"));
    assert_eq!(
        (workflow.constants.to_string().as_str(), workflow.secrets.as_slice()),
        (r#"{"max":5}"#, &["token".to_owned()][..])
    );
    assert!(workflow.timeouts.state_exec.is_some());
    assert_eq!(workflow.auth.len(), 1);
    let used: Vec<_> = found.documents[0].source.used_files().into_keys().collect();
    assert!(used.contains(&"flows/shared/functions.json".to_owned()), "{used:?}");

    let revision = found.documents[0].revision();
    fs::write(root.path().join("errors.yml"), "errors: [{name: gone, code: '410'}]\n").unwrap();
    assert_ne!(load(root.path()).documents[0].revision(), revision);
}

#[test]
fn invalid_files_of_definitions_are_reported() {
    let root = folder(&[
        (
            "a.sw.yaml",
            &flow(
                "a",
                "functions: gone.json\nevents: wrong.json\nerrors: ../../etc/passwd\nretries: broken.yml\nauth: https://host/auth.yml\nconstants: list.yml\n",
            ),
        ),
        ("wrong.json", r#"{"functions": []}"#),
        ("broken.yml", "retries:\n- {name: r, delay: soon, oops: 1}\n"),
        ("list.yml", "- 1\n"),
    ]);
    insta::assert_snapshot!(lines(&load(root.path())), @r"
    a.sw.yaml:3:12: error[RON0401]: workflow: `functions` is in `gone.json`: the file does not exist; looked for `gone.json`, `src/main/resources/gone.json`
    a.sw.yaml:4:9: error[RON0402]: workflow: the file `wrong.json` of `events` has no `events` at its top level
    a.sw.yaml:5:9: error[RON0401]: workflow: `errors` is in `../../etc/passwd`: the file is outside of the folder of workflows, at `../../etc/passwd`
    a.sw.yaml:7:7: error[RON0401]: workflow: `auth` is in `https://host/auth.yml`: `https://host/auth.yml` is on another host and is not in the folder `rondo.resources.mirror`
    a.sw.yaml:8:12: error[RON0101]: workflow: the file `list.yml` of `constants` must be an object, not a list
    broken.yml:2:20: warning[RON0139]: retry `r`: `delay`: `soon` is not an ISO 8601 duration such as PT30S, PT1H30M or P2D
    broken.yml:2:26: error[RON0104]: retry `r`: there is no property `oops` here
    ");
}

/// Fetches one URL, and answers 404 for all others.
struct OneFile;

impl Fetch for OneFile {
    fn fetch(&self, url: &str) -> Result<Vec<u8>, String> {
        if url == "https://host/found.yml" {
            Ok(b"errors: []".to_vec())
        } else {
            Err("404 Not Found".to_owned())
        }
    }
}

#[test]
fn documents_of_other_hosts_come_from_the_mirror_an_alias_or_the_fetcher() {
    let root = folder(&[
        ("a.sw.yaml", &flow("a", "")),
        ("mirror/host/specs/api.yaml", "mirrored"),
        ("mirror/host/specs/part.yaml", "part"),
        ("local/x.yaml", "aliased"),
        ("application.properties", "rondo.resources.mirror=mirror\nrondo.uri.alias=http://far/=local/,\n"),
    ]);
    let found = Folder::load(root.path(), Environment::new(), |_| Some(Arc::new(OneFile)));
    let source = &found.documents[0].source;
    for (base, uri, expected) in [
        ("a.sw.yaml", "https://host/specs/api.yaml", "mirrored from https://host/specs/api.yaml"),
        ("https://host/specs/api.yaml", "part.yaml", "part from https://host/specs/part.yaml"),
        ("a.sw.yaml", "http://far/x.yaml", "aliased from local/x.yaml"),
        ("a.sw.yaml", "https://host/found.yml", "errors: [] from https://host/found.yml"),
        ("a.sw.yaml", "https://host/lost.yml", "`https://host/lost.yml` cannot be fetched: 404 Not Found"),
        ("a.sw.yaml", "ftp://host/x", "`ftp://host/x` is no URI of a file"),
        ("a.sw.yaml", "", "`` is no URI of a file"),
        (
            "deep/a.sw.yaml",
            "gone",
            "the file does not exist; looked for `deep/gone`, `gone`, `src/main/resources/gone`",
        ),
    ] {
        let read = match found.root().resources.read_from(source, base, uri) {
            Ok(resource) => format!("{} from {}", String::from_utf8(resource.bytes).unwrap(), resource.name),
            Err(error) => error.to_string(),
        };
        assert_eq!(read, expected, "{uri}");
    }
    assert_eq!(source.used_files().len(), 4);
}

#[cfg(unix)]
#[test]
fn nothing_outside_of_the_folder_is_read() {
    let outside = folder(&[("secret.yaml", "secret"), ("flow.sw.yaml", &flow("outside", ""))]);
    let root = folder(&[("a.sw.yaml", &flow("a", "")), ("data/real.sw.yaml", &flow("real", ""))]);
    let link = |from: &str, to: &Path| std::os::unix::fs::symlink(to, root.path().join(from)).unwrap();
    link("link.yaml", &outside.path().join("secret.yaml"));
    link("folder", outside.path());
    link("link.sw.yaml", &outside.path().join("flow.sw.yaml"));
    link("inside.yaml", &root.path().join("data/real.sw.yaml"));
    let found = load(root.path());
    insta::assert_snapshot!(lines(&found), @"link.sw.yaml: error[RON0001]: `link.sw.yaml` is a link to a file outside of the folder of workflows");
    let ids: Vec<_> = found.documents.iter().map(|document| document.workflow.id.as_str()).collect();
    assert_eq!(ids, ["a", "real"]);
    let source = &found.documents[0].source;
    for (uri, allowed) in [
        ("link.yaml", false),
        ("folder/secret.yaml", false),
        ("../x", false),
        ("inside.yaml", true),
        ("./data/../a.sw.yaml", true),
    ] {
        assert_eq!(found.root().resources.read(source, uri).is_ok(), allowed, "{uri}");
    }
}

#[test]
fn a_missing_folder_is_a_diagnostic() {
    let found = load(Path::new("/nowhere/at/all"));
    assert!(found.diagnostics.iter().any(Diagnostic::is_error));
}
