//! How functions are bound, and which problems binding reports.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rondo_definition::{Fetch, Properties, Resources, parse};
use serde_json::{Value, json};

use super::support::{Reply, Server, call, client_message, properties, spec};
use crate::fetch::Fetcher;
use crate::{Bindings, Specs, bind};

/// A folder that is removed at the end of its test.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(files: &[(&str, &str)]) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("rondo-function-{}-{number}", std::process::id()));
        for (name, text) in files {
            let file = folder.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        Self(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn workflow(members: &str) -> String {
    format!(
        "id: flow\nspecVersion: '0.8'\nstart: A\nstates:\n- {{name: A, type: inject, data: {{}}, end: true}}\n{members}"
    )
}

pub(super) fn bind_in(
    folder: &Folder,
    members: &str,
    properties: &Properties,
    fetcher: Option<Arc<Fetcher>>,
) -> (Bindings, String) {
    bind_text(folder, &workflow(members), properties, fetcher)
}

/// Binds the functions of a whole document.
pub(super) fn bind_text(
    folder: &Folder,
    text: &str,
    properties: &Properties,
    fetcher: Option<Arc<Fetcher>>,
) -> (Bindings, String) {
    let (document, problems) = parse("flow.sw.yaml", text);
    assert_eq!(problems.iter().filter(|problem| problem.is_error()).collect::<Vec<_>>(), Vec::<&_>::new());
    let fetch = fetcher.clone().map(|fetcher| fetcher as Arc<dyn Fetch>);
    let resources = Resources::new(&folder.0, properties, fetch).unwrap();
    let document = document.unwrap();
    let (lowered, mut diagnostics) = rondo_lowering::lower(&document);
    let (bindings, problems) =
        bind(&lowered.declarations, &document.source, "flow", &resources, properties, &Specs::new(fetcher));
    diagnostics.extend(problems);
    diagnostics.sort();
    let lines: Vec<_> = diagnostics.iter().map(|diagnostic| diagnostic.render(None)).collect();
    (bindings, lines.join("\n"))
}

const SPEC: &str = "openapi: 3.0.3\ninfo: {title: My API, version: '1'}\npaths:\n  /issue:\n    \
    post: {operationId: createIssue}\n    get:\n      operationId: listIssues\n      responses:\n        \
    200: {content: {application/json: {schema: {$ref: 'common/types.yaml#/Count'}}}}\n";

#[test]
fn a_missing_document_is_told_once_with_the_file_that_is_nearly_called_so() {
    let folder = Folder::new(&[("specs/Pet Store.yaml", "openapi: 3.0.0")]);
    let functions = "functions:
- {name: list, operation: 'specs/pet%20store.yaml#list'}
- {name: add, operation: 'specs/pet%20store.yaml#add'}
- {name: other, operation: 'specs/none.yaml#get'}
";
    let (bindings, problems) = bind_in(&folder, functions, &properties("", ""), None);
    insta::assert_snapshot!(problems, @r"
    flow.sw.yaml:7:27: error[RON0302]: function `list` needs the document `specs/pet%20store.yaml`: the file does not exist; looked for `specs/pet%20store.yaml`, `src/main/resources/specs/pet%20store.yaml`; there is `specs/Pet Store.yaml`
    flow.sw.yaml:9:28: error[RON0302]: function `other` needs the document `specs/none.yaml`: the file does not exist; looked for `specs/none.yaml`, `src/main/resources/specs/none.yaml`
    ");
    assert!(
        bindings.get("add").is_some(),
        "a function without a diagnostic of its own fails its calls all the same"
    );
}

#[test]
fn what_cannot_be_called_is_reported_at_its_operation() {
    let folder = Folder::new(&[
        ("specs/jira.yaml", SPEC),
        ("specs/none.yaml", "a: 1"),
        ("specs/bad.json", "{\"a\": "),
    ]);
    let functions = "\
functions:
- {name: good, operation: specs/jira.yaml#createIssue}
- {name: misspelled, operation: specs/jira.yaml#createIsue}
- {name: unknown, operation: specs/jira.yaml#somethingElse}
- {name: absent, operation: specs/away.yaml#x}
- {name: outside, operation: ../../x.yaml#x}
- {name: noSpec, operation: specs/none.yaml#x}
- {name: noJson, operation: specs/bad.json#x}
- {name: reference, operation: specs/jira.yaml#listIssues}
- {name: remote, operation: 'https://docs.test/a.json#x'}
- {name: events, type: asyncapi, operation: specs/a.yaml#x}
- {name: python, type: custom, operation: script:python}
- {name: ruby, type: custom, operation: script:ruby}
- {name: java, type: custom, operation: 'service:java:org.acme.Orders::cancel'}
- {name: noFunction, type: custom, operation: 'service:python:math'}
- {name: knative, type: custom, operation: 'knative:services.v1.serving.knative.dev/ns/greet?verb=GET'}
- {name: away, type: custom, operation: 'knative:services.v1.serving.knative.dev/ns/greet'}
- {name: subscription, type: graphql, operation: 'https://h.test/graphql#subscription#pet'}
- {name: field, type: graphql, operation: 'https://h.test/graphql#query#pet { x }'}
- {name: noUrl, type: graphql, operation: 'graphql#query#pet'}
- {name: set, type: odata, operation: 'https://h.test/v4#Orders?a'}
- {name: jwt, type: custom, operation: 'jwt-parser:parse'}
- {name: fetch, type: custom, operation: 'rest:fetch:/a'}
- {name: loud, type: custom, operation: sysout:LOUD}
- {name: log, type: custom, operation: sysout}
- {name: plain, type: custom, operation: 'rest:get:/a'}
- {name: expression, type: expression, operation: .a}
";
    let (bindings, problems) = bind_in(&folder, functions, &properties("", ""), None);
    insta::assert_snapshot!(problems, @r#"
    flow.sw.yaml:7:27: warning[RON0306]: function `good` cannot be called, because no address is known: its document names no server
      help: set `quarkus.rest-client.jira_yaml.url` in application.properties
    flow.sw.yaml:8:33: error[RON0303]: function `misspelled` calls `createIsue`, but `specs/jira.yaml` has no such operation
      help: there is `createIssue`
    flow.sw.yaml:9:30: error[RON0303]: function `unknown` calls `somethingElse`, but `specs/jira.yaml` has no such operation
      help: it has `createIssue`, `listIssues`
    flow.sw.yaml:10:29: error[RON0302]: function `absent` needs the document `specs/away.yaml`: the file does not exist; looked for `specs/away.yaml`, `src/main/resources/specs/away.yaml`
    flow.sw.yaml:11:30: error[RON0302]: function `outside` needs the document `../../x.yaml`: the file is outside of the folder of workflows, at `../../x.yaml`
    flow.sw.yaml:12:29: error[RON0302]: function `noSpec` needs the document `specs/none.yaml`: it is no OpenAPI document: it has neither `openapi` nor `swagger`
    flow.sw.yaml:13:29: error[RON0302]: function `noJson` needs the document `specs/bad.json`: it is not valid JSON, line 1 column 1: unclosed bracket '{'
    flow.sw.yaml:14:32: warning[RON0305]: function `reference` calls `listIssues` of `specs/jira.yaml`: `$ref: common/types.yaml#/Count` in `specs/jira.yaml`: the file does not exist; looked for `specs/common/types.yaml`, `common/types.yaml`, `src/main/resources/common/types.yaml`
    flow.sw.yaml:15:29: error[RON0302]: function `remote` needs the document `https://docs.test/a.json`: it is on another host and is not in the folder `rondo.resources.mirror`
    flow.sw.yaml:16:45: error[RON0302]: function `events` needs the document `specs/a.yaml`: the file does not exist; looked for `specs/a.yaml`, `src/main/resources/specs/a.yaml`
    flow.sw.yaml:18:41: error[RON0304]: function `ruby` runs a script in `ruby`, which Rondo cannot do
      help: set `rondo.functions.ruby.replacement` to an operation that answers instead, such as `rest:post:https://service.example/path`
    flow.sw.yaml:19:41: error[RON0304]: function `java` calls a class of Java by `service:java:org.acme.Orders::cancel`, and Rondo has no Java
      help: set `rondo.functions.java.replacement` to an operation that answers instead, such as `rest:post:https://service.example/path`
    flow.sw.yaml:20:47: error[RON0301]: function `noFunction` has the operation `service:python:math`, which names no function of a Python module
      help: write it as `service:python:math::factorial`
    flow.sw.yaml:21:44: error[RON0301]: function `knative` has the operation `knative:services.v1.serving.knative.dev/ns/greet?verb=GET`: `verb` is none of `path`, `method` and `asCloudEvent`
      help: write it as `knative:services.v1.serving.knative.dev/<namespace>/<name>?path=/<path>`
    flow.sw.yaml:22:41: warning[RON0306]: function `away` cannot be called: the address of the Knative service `services.v1.serving.knative.dev/ns/greet` is not known, because the engine runs in no cluster; set `org.kie.kogito.addons.discovery.knative\:services.v1.serving.knative.dev/ns/greet`
    flow.sw.yaml:23:50: error[RON0301]: function `subscription` has the GraphQL operation `subscription`; Rondo sends `query` and `mutation`
      help: write it as `https://service.example/graphql#query#pet`
    flow.sw.yaml:24:43: error[RON0301]: function `field` asks for `pet { x }`, which is no name of a GraphQL field
      help: a name has letters, digits and `_` only
    flow.sw.yaml:25:43: error[RON0301]: function `noUrl` calls `graphql`, which is no HTTP address
      help: begin it with `https://`
    flow.sw.yaml:26:39: error[RON0301]: function `set` reads `Orders?a`, which is no name of an OData entity set
      help: write it as `https://service.example/odata#Customers`
    flow.sw.yaml:28:42: error[RON0301]: function `fetch` has the operation `rest:fetch:/a`: `fetch` is none of the methods get, post, put, delete, patch, head, options
      help: write it as `rest:get:/numbers`
    flow.sw.yaml:29:41: error[RON0301]: function `loud` logs at `LOUD`, which is no level
      help: the levels are TRACE, DEBUG, INFO, WARN and ERROR
    flow.sw.yaml:31:42: warning[RON0306]: function `plain` cannot be called: no address is known: its operation has only a path, and `kogito.sw.functions.plain.host` is not set
      help: set `kogito.sw.functions.plain.host`, or write the whole address into the operation
    "#);
    for (name, bound) in [
        ("good", true),
        ("misspelled", true),
        ("events", true),
        ("plain", true),
        ("expression", false),
        ("log", false),
        ("nobody", false),
    ] {
        assert_eq!(bindings.get(name).is_some(), bound, "{name}");
    }
}

#[tokio::test]
async fn settings_are_found_under_the_key_of_the_strategy() {
    let folder = Folder::new(&[("sub/my-api.json", &spec("/a", "get", json!({}), json!({})).to_string())]);
    let functions = "functions:\n- {name: f, operation: sub/my-api.json#op}\n- {name: g, operation: 'the-alias#op'}\n\
        - {name: h, operation: sub/my-api.json#op, metadata: {configKey: .cluster}}\n\
        extensions:\n- {extensionid: workflow-uri-definitions, definitions: {the-alias: sub/my-api.json}}\n";
    for (strategy, function, key) in [
        ("", "f", "my_api_json"),
        ("FILE_NAME", "f", "my_api_json"),
        ("FULL_URI", "f", "sub_my_api_json"),
        ("SPEC_TITLE", "f", "T"),
        ("FUNCTION_NAME", "f", "flow_f"),
        ("FULL_URI", "g", "the-alias"),
        ("", "h", "\"my_api_json.east\""),
    ] {
        let server = Server::start(vec![Reply::json(200, &json!({}))]).await;
        let lines = format!(
            "kogito.sw.operationIdStrategy={strategy}\nquarkus.rest-client.{key}.url={}/base/",
            server.url
        );
        let properties = properties("", &lines);
        let (bindings, _) = bind_in(&folder, functions, &properties, None);
        let answer = call(bindings.get(function).unwrap(), &properties, Value::Null).await;
        assert!(answer.is_ok(), "{strategy} {function}: {answer:?}");
        assert_eq!(server.last().target, "/base/a");
    }
}

#[tokio::test]
async fn a_choice_that_is_not_configured_is_an_error() {
    let folder = Folder::new(&[(
        "a.json",
        &spec("/a", "get", json!({}), json!({"servers": [{"url": "http://127.0.0.1:9"}]})).to_string(),
    )]);
    let functions = "functions:\n- {name: f, operation: 'a.json#op', metadata: {configKey: .cluster}}\n";
    let properties = properties("", "quarkus.rest-client.a_json.url=http://127.0.0.1:9");
    let (bindings, _) = bind_in(&folder, functions, &properties, None);
    let binding = bindings.get("f").unwrap();
    let error = call(binding, &properties, Value::Null).await.unwrap_err();
    insta::assert_snapshot!(client_message(&error), @r#"no address is known; set `quarkus.rest-client."a_json.east".url`"#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_are_fetched_with_the_credentials_of_auth_ref() {
    let text = spec("/a", "get", json!({}), json!({}));
    let server = Server::start(vec![Reply::json(200, &text)]).await;
    let folder = Folder::new(&[("x", "")]);
    let functions = "\
functions:
- {name: f, operation: 'http://docs.test/specs/api.json#op', authRef: Docs}
- {name: g, operation: 'http://docs.test/specs/api.json#op', authRef: Docs}
secrets: [DOC_TOKEN]
auth:
- {name: Docs, scheme: bearer, properties: {token: '${ $SECRETS.DOC_TOKEN }'}}
";
    let service = Server::start(vec![Reply::json(200, &json!({}))]).await;
    let lines = format!(
        "DOC_TOKEN=abc\nrondo.uri.alias=http://docs.test/={}/\nquarkus.rest-client.api_json.url={}",
        server.url, service.url
    );
    let properties = properties("", &lines);
    let fetcher = Arc::new(Fetcher::new(&properties).unwrap());
    let (bindings, problems) = bind_in(&folder, functions, &properties, Some(fetcher));
    assert_eq!(problems, "");
    assert_eq!(server.seen().len(), 1);
    assert_eq!(
        (server.last().target.as_str(), server.last().header("authorization")),
        ("/specs/api.json", "Bearer abc")
    );
    // The calls do not carry the token.
    call(bindings.get("g").unwrap(), &properties, Value::Null).await.unwrap();
    assert_eq!((service.last().target.as_str(), service.last().header("authorization")), ("/a", ""));
}

/// The host that a document comes from may be any file server, so it gets no calls and no token.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_host_of_a_document_is_no_address_of_its_service() {
    let v3 = |servers: Value| {
        let more = json!({"security": [{"t": []}], "components": {"securitySchemes": {"t": {"type": "http", "scheme": "bearer"}}}});
        let mut document = spec("/a", "get", json!({}), more);
        if !servers.is_null() {
            document["servers"] = servers;
        }
        document
    };
    let mut v2 = json!({"swagger": "2.0", "info": {"title": "T", "version": "1"}, "basePath": "/v1", "security": [{"t": []}],
        "securityDefinitions": {"t": {"type": "oauth2", "tokenUrl": "/token"}}, "paths": {"/a": {"get": {"operationId": "op"}}}});
    v2["securityDefinitions"]["t"] = json!({"type": "basic"});
    for (document, why) in [
        (v3(Value::Null), "its document names no server"),
        (v3(json!([])), "its document names no server"),
        (
            v3(json!([{"url": "/"}])),
            "the server `/` of its document is no http or https address, and the host that the document comes from is not the service",
        ),
        (v3(json!([{"url": "//other.test/v1"}])), "the server `//other.test/v1` of its document is no"),
        (
            v3(json!([{"url": "/to?u=http://other.test"}])),
            "the server `/to?u=http://other.test` of its document is no",
        ),
        (v3(json!([{"url": "ftp://other.test"}])), "the server `ftp://other.test` of its document is no"),
        (v2, "the server `/v1` of its document is no"),
    ] {
        let server = Server::start(vec![Reply::json(200, &document)]).await;
        let folder = Folder::new(&[("x", "")]);
        let functions = "functions:\n- {name: f, operation: 'docs#op'}\n\
            extensions:\n- {extensionid: workflow-uri-definitions, definitions: {docs: 'http://docs.test/raw/api.json'}}\n";
        let lines = format!(
            "rondo.uri.alias=http://docs.test/={}/\nquarkus.openapi-generator.docs.auth.t.bearer-token=t0ken\n\
             quarkus.openapi-generator.docs.auth.t.username=ada",
            server.url
        );
        let properties = properties("", &lines);
        let fetcher = Arc::new(Fetcher::new(&properties).unwrap());
        let (bindings, problems) = bind_in(&folder, functions, &properties, Some(fetcher));
        assert!(problems.contains("warning[RON0306]") && problems.contains(why), "{problems}");
        assert!(problems.contains("set `quarkus.rest-client.docs.url`"), "{problems}");
        let error = call(bindings.get("f").unwrap(), &properties, Value::Null).await.unwrap_err().to_string();
        assert!(error.contains("no address is known; set `quarkus.rest-client.docs.url`"), "{error}");
        assert_eq!(server.seen().len(), 1, "only the document was asked for");
    }
}

#[test]
fn a_client_that_cannot_be_used_is_told_at_its_property() {
    let scheme = json!({"type": "openIdConnect", "openIdConnectUrl": "https://h.test/o"});
    let more = json!({"security": [{"login": []}], "components": {"securitySchemes": {"login": scheme}}});
    let folder = Folder::new(&[("a.json", &spec("/a", "get", json!({}), more).to_string())]);
    let functions = "functions:\n- {name: f, operation: 'a.json#op'}\n- {name: g, operation: 'a.json#op'}\n";
    let lines = "quarkus.rest-client.a_json.url=http://h.test\n\
                 quarkus.rest-client.a_json.proxy-address=proxy\n\
                 quarkus.oidc-client.login.client-id=app\n\
                 quarkus.oidc-client.login.grant.type=exchange";
    let (_, problems) = bind_in(&folder, functions, &properties("", lines), None);
    insta::assert_snapshot!(problems, @r"
    application.properties:3:42: warning[RON0311]: no call of the document `a_json` can be made: the value of the property `quarkus.rest-client.a_json.proxy-address` is not `<host>:<port>`, or `none`
    application.properties:5:38: error[RON0310]: calls with the security scheme `login` get no token: `quarkus.oidc-client.login.grant.type` is `exchange`, which is not supported; `client` and `password` are
    ");
    let lines = "quarkus.rest-client.a_json.url=http://h.test\n\
                 quarkus.oidc-client.login.client-id=${NO_SUCH}\nquarkus.rest-client.a_json.read-timeout=${NO_SUCH}";
    let (_, problems) = bind_in(&folder, functions, &properties("", lines), None);
    insta::assert_snapshot!(problems, @r"
    application.properties:4:41: warning[RON0311]: no call of the document `a_json` can be made: the property `quarkus.rest-client.a_json.read-timeout` refers to `${NO_SUCH}`, which is neither a property nor an environment variable
    flow.sw.yaml:7:24: warning[RON0309]: function `f` cannot be called, because there is no token for it: the property `quarkus.oidc-client.login.client-id` refers to `${NO_SUCH}`, which is neither a property nor an environment variable
      help: set the environment variable, or remove the property
    ");
}

#[test]
fn credentials_without_a_value_are_a_warning() {
    let document = spec(
        "/a",
        "get",
        json!({"security": [{"my-bearer": []}]}),
        json!({"components": {"securitySchemes": {"my-bearer": {"type": "http", "scheme": "bearer"}}}}),
    );
    let folder = Folder::new(&[("a.json", &document.to_string())]);
    let lines = "quarkus.rest-client.a_json.url=http://h.test\n\
                 quarkus.openapi-generator.a_json.auth.my_bearer.bearer-token=${API_TOKEN}";
    // Reported once, at the first function.
    let functions = "functions:\n- {name: f, operation: 'a.json#op'}\n- {name: g, operation: 'a.json#op'}\n";
    let (_, problems) = bind_in(&folder, functions, &properties("", lines), None);
    insta::assert_snapshot!(problems, @r##"
    flow.sw.yaml:7:24: warning[RON0309]: function `f` is called without these credentials: the property `quarkus.openapi-generator.a_json.auth.my_bearer.bearer-token` refers to `${API_TOKEN}`, which is neither a property nor an environment variable
      help: set the environment variable, or remove the property
    "##);
}
