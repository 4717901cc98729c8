//! Properties that nothing reads, and those that only seem unread.

use rondo_definition::{Environment, Properties};
use serde_json::{Value, json};

use super::binding::{Folder, bind_in};
use super::support::spec;
use crate::{PropertiesUse, unused_properties};

fn document() -> Value {
    let schemes = json!({
        "tenant_auth": {"type": "http", "scheme": "bearer"},
        "my-key": {"type": "apiKey", "in": "header", "name": "X-Key"},
        "login": {"type": "oauth2", "flows": {}},
        "spare": {"type": "http", "scheme": "basic"},
    });
    let security = json!([{"tenant_auth": []}, {"my-key": []}, {"login": []}]);
    spec("/a", "get", json!({}), json!({"security": security, "components": {"securitySchemes": schemes}}))
}

const FUNCTIONS: &str = "\
functions:
- {name: list, operation: specs/oa.json#op}
- {name: told, operation: 'notices#op'}
- {name: chosen, operation: specs/other.json#op, metadata: {configKey: .cluster}}
- {name: ping, type: custom, operation: 'rest:get:/ping'}
- {name: ask, type: graphql, operation: 'https://h.test/graphql#query#pet'}
- {name: log, type: custom, operation: sysout}
- {name: moved, operation: specs/moved.json#op}
secrets: [token]
extensions:
- {extensionid: workflow-uri-definitions, definitions: {notices: specs/notices-api.json}}
constants: {text: '${ $SECRET.\"quarkus.rest-client.read-by-expression.url\" }'}
";

/// A function whose document is missing, so that it may have any security scheme.
const GONE: &str = "- {name: gone, operation: specs/gone.json#op}\n";

/// The warnings about these lines.
fn said(more_functions: &str, lines: &str) -> String {
    let text = document().to_string();
    let folder = Folder::new(&[
        ("specs/oa.json", &text),
        ("specs/other.json", &text),
        ("specs/notices-api.json", &text),
        ("specs/moved.json", &text),
    ]);
    let (properties, problems) = Properties::parse("application.properties", lines, Environment::new());
    assert_eq!(problems, vec![]);
    let functions = FUNCTIONS.replace("functions:\n", &format!("functions:\n{more_functions}"));
    let (bindings, _) = bind_in(&folder, &functions, &properties, None);
    let usage = PropertiesUse { properties: &properties, bindings: vec![&bindings], is_complete: true };
    let found = unused_properties(&[usage]);
    let rendered = found.iter().map(|diagnostic| diagnostic.render(None).trim_end().to_owned());
    rendered.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_wrong_name_is_told_with_the_nearest_one() {
    let lines = "\
quarkus.rest-client.oa_jsn.url=http://h.test
quarkus.rest-client.oa-json.read-timeout=5
quarkus.rest-client.OA_JSON.url=http://h.test
quarkus.rest-client.notices_api_json.url=http://h.test
quarkus.rest-client.\"org.acme.Nothing\".url=http://h.test
quarkus.rest-client.oa_json.read-timout=5
quarkus.rest-client.oa_json.readTimeout=5
quarkus.rest-client.conect-timeout=5
quarkus.rest-client.url=http://h.test
oa_jsn/mp-rest/url=http://h.test
oa_json/mp-rest/read-timeout=5
oa_json/mp-rest/readTimout=5
quarkus.openapi-generator.oa-json.auth.tenant_auth.bearer-token=x
quarkus.openapi-generator.oa_json.auth.Tenant_Auth.bearer-token=x
quarkus.openapi-generator.oa_json.auth.my-key.api-key=x
quarkus.openapi-generator.oa_json.auth.tenant_auth.bearer_token=x
quarkus.openapi-generator.oa_json.auth.tenant_auth.username=x
quarkus.openapi-generator.oa_json.auth.login.bearer-token=x
quarkus.openapi-generator.oa_json.auth.spare.username=x
quarkus.openapi-generator.oa_json.auth.my_key.token-propagation=true
quarkus.openapi-generator.oa_json.tenant_auth.bearer-token=x
quarkus.openapi-generator.codegen.default-security-scheme=tenant_aut
quarkus.openapi-generator.codegen.spec.oa_yaml.config-key=x
quarkus.oidc-client.Login.client-id=x
quarkus.oidc-client.login.client_id=x
quarkus.oidc-client.client-id=x
quarkus.oidc-client.tenant_auth.client-id=x
quarkus.oidc-client.login.tls.verification=none
kogito.sw.functions.list.hots=h
kogito.sw.functions.pign.host=h
kogito.sw.functions.ping.hots=h
kogito.sw.functions.ask.host=h
kogito.sw.functions.log.host=h
kogito.sw.functions.host=h
kogito.sw.function.ping.host=h
quarkus.rest-clients.oa_json.url=http://h.test
quarkus.rest-client .oa_json.url=http://h.test
quarkus.grpc.clients.Pets.host=h
sonataflow.security.auth.login.token-exchange.enabled=true
quarkus.rest-client.oa_json.providers=org.acme.Filter
quarkus.rest-client.oa_json.trust-store=a.jks
quarkus.rest-client.verify-host=false
oa_json/mp-rest/keyStore=a.jks
";
    insta::assert_snapshot!(said("", lines), @r#"
    application.properties:1:1: warning[RON0516]: nothing reads the property `quarkus.rest-client.oa_jsn.url`: no function calls a document of the key `oa_jsn`
      help: did you mean `quarkus.rest-client.oa_json.url`?
    application.properties:2:1: warning[RON0516]: nothing reads the property `quarkus.rest-client.oa-json.read-timeout`: no function calls a document of the key `oa-json`
      help: did you mean `quarkus.rest-client.oa_json.read-timeout`?
    application.properties:3:1: warning[RON0516]: nothing reads the property `quarkus.rest-client.OA_JSON.url`: no function calls a document of the key `OA_JSON`
      help: did you mean `quarkus.rest-client.oa_json.url`?
    application.properties:4:1: warning[RON0516]: nothing reads the property `quarkus.rest-client.notices_api_json.url`: no function calls a document of the key `notices_api_json`
      help: did you mean `quarkus.rest-client.notices.url`?
    application.properties:5:1: warning[RON0516]: nothing reads the property `quarkus.rest-client."org.acme.Nothing".url`: no function calls a document of the key `org.acme.Nothing`
      help: there are `moved_json`, `notices`, `oa_json`, `other_json`
    application.properties:6:1: warning[RON0516]: nothing reads the property `quarkus.rest-client.oa_json.read-timout`: a client has no setting `read-timout`
      help: did you mean `quarkus.rest-client.oa_json.read-timeout`?
    application.properties:7:1: warning[RON0516]: nothing reads the property `quarkus.rest-client.oa_json.readTimeout`: a client has no setting `readTimeout`
      help: did you mean `quarkus.rest-client.oa_json.read-timeout`?
    application.properties:8:1: warning[RON0516]: nothing reads the property `quarkus.rest-client.conect-timeout`: `conect-timeout` is no setting of all clients
      help: did you mean `quarkus.rest-client.connect-timeout`?
    application.properties:9:1: warning[RON0516]: nothing reads the property `quarkus.rest-client.url`: `url` is no setting of all clients
      help: write `quarkus.rest-client.<key>.url` with the key of a document
    application.properties:10:1: warning[RON0516]: nothing reads the property `oa_jsn/mp-rest/url`: no function calls a document of the key `oa_jsn`
      help: did you mean `oa_json/mp-rest/url`?
    application.properties:11:1: warning[RON0516]: nothing reads the property `oa_json/mp-rest/read-timeout`: MicroProfile has no setting `read-timeout`
      help: did you mean `oa_json/mp-rest/readTimeout`?
    application.properties:12:1: warning[RON0516]: nothing reads the property `oa_json/mp-rest/readTimout`: a client has no setting `readTimout`
      help: did you mean `oa_json/mp-rest/readTimeout`?
    application.properties:13:1: warning[RON0516]: nothing reads the property `quarkus.openapi-generator.oa-json.auth.tenant_auth.bearer-token`: no function calls a document of the key `oa-json`
      help: did you mean `quarkus.openapi-generator.oa_json.auth.tenant_auth.bearer-token`?
    application.properties:14:1: warning[RON0516]: nothing reads the property `quarkus.openapi-generator.oa_json.auth.Tenant_Auth.bearer-token`: the document `oa_json` defines no security scheme `Tenant_Auth`
      help: did you mean `quarkus.openapi-generator.oa_json.auth.tenant_auth.bearer-token`?
    application.properties:15:1: warning[RON0516]: nothing reads the property `quarkus.openapi-generator.oa_json.auth.my-key.api-key`: the document `oa_json` defines no security scheme `my-key`
      help: did you mean `quarkus.openapi-generator.oa_json.auth.my_key.api-key`?
    application.properties:16:1: warning[RON0516]: nothing reads the property `quarkus.openapi-generator.oa_json.auth.tenant_auth.bearer_token`: the scheme `tenant_auth` is of the type http bearer and has no setting `bearer_token`
      help: did you mean `quarkus.openapi-generator.oa_json.auth.tenant_auth.bearer-token`?
    application.properties:17:1: warning[RON0516]: nothing reads the property `quarkus.openapi-generator.oa_json.auth.tenant_auth.username`: the scheme `tenant_auth` is of the type http bearer and has no setting `username`
      help: it has `bearer-token`, `header-name`, `token-propagation`
    application.properties:18:1: warning[RON0516]: nothing reads the property `quarkus.openapi-generator.oa_json.auth.login.bearer-token`: the scheme `login` is of the type oauth2 and has no setting `bearer-token`
      help: set `quarkus.oidc-client.login.client-id` and its neighbours
    application.properties:19:1: warning[RON0516]: nothing reads the property `quarkus.openapi-generator.oa_json.auth.spare.username`: no call of the document `oa_json` uses the security scheme `spare`
      help: the operation must ask for it; with `quarkus.openapi-generator.codegen.default-security-scheme=spare` those do whose document asks for none
    application.properties:20:1: warning[RON0517]: nothing reads the property `quarkus.openapi-generator.oa_json.auth.my_key.token-propagation`: no token is propagated to an API key
      help: set `quarkus.openapi-generator.oa_json.auth.my_key.api-key`
    application.properties:21:1: warning[RON0516]: nothing reads the property `quarkus.openapi-generator.oa_json.tenant_auth.bearer-token`: it is of no security scheme
      help: write `quarkus.openapi-generator.<key>.auth.<scheme>.<setting>`
    application.properties:22:1: warning[RON0516]: nothing reads the property `quarkus.openapi-generator.codegen.default-security-scheme`: no document that a function calls defines the security scheme `tenant_aut`
      help: did you mean `tenant_auth`?
    application.properties:23:1: warning[RON0516]: nothing reads the property `quarkus.openapi-generator.codegen.spec.oa_yaml.config-key`: no function calls a document of the key `oa_yaml`
      help: there are `moved_json`, `notices`, `oa_json`, `other_json`
    application.properties:24:1: warning[RON0516]: nothing reads the property `quarkus.oidc-client.Login.client-id`: no operation that a function calls asks for a security scheme `Login`
      help: did you mean `quarkus.oidc-client.login.client-id`?
    application.properties:25:1: warning[RON0516]: nothing reads the property `quarkus.oidc-client.login.client_id`: an OpenID Connect client has no setting `client_id`
      help: did you mean `quarkus.oidc-client.login.client-id`?
    application.properties:26:1: warning[RON0516]: nothing reads the property `quarkus.oidc-client.client-id`: it is of the client without a name, which no security scheme has
      help: write `quarkus.oidc-client.login.client-id`
    application.properties:27:1: warning[RON0516]: nothing reads the property `quarkus.oidc-client.tenant_auth.client-id`: the scheme `tenant_auth` is not of the type oauth2 or openIdConnect, so it has no client
    application.properties:28:1: warning[RON0517]: nothing reads the property `quarkus.oidc-client.login.tls.verification`: Rondo has one configuration of TLS for all clients
      help: set `quarkus.tls.trust-store.pem.certs`, or `quarkus.tls.trust-all`
    application.properties:29:1: warning[RON0516]: nothing reads the property `kogito.sw.functions.list.hots`: the function `list` is called as its document says
      help: the settings of its service begin with `quarkus.rest-client.oa_json.`, as `quarkus.rest-client.oa_json.url` does
    application.properties:30:1: warning[RON0516]: nothing reads the property `kogito.sw.functions.pign.host`: no function that calls a service has the name `pign`
      help: did you mean `kogito.sw.functions.ping.host`?
    application.properties:31:1: warning[RON0516]: nothing reads the property `kogito.sw.functions.ping.hots`: the function `ping` has no setting `hots`
      help: did you mean `kogito.sw.functions.ping.host`?
    application.properties:32:1: warning[RON0516]: nothing reads the property `kogito.sw.functions.ask.host`: the function `ask` has no setting `host`
    application.properties:33:1: warning[RON0516]: nothing reads the property `kogito.sw.functions.log.host`: no function that calls a service has the name `log`
      help: there are `ask`, `chosen`, `list`, `moved`, `ping`, `told`
    application.properties:34:1: warning[RON0516]: nothing reads the property `kogito.sw.functions.host`: it names no function
      help: write `kogito.sw.functions.<function>.<setting>`
    application.properties:35:1: warning[RON0516]: nothing reads the property `kogito.sw.function.ping.host`: no property begins with `kogito.sw.function.`
      help: did you mean `kogito.sw.functions.ping.host`?
    application.properties:36:1: warning[RON0516]: nothing reads the property `quarkus.rest-clients.oa_json.url`: no property begins with `quarkus.rest-clients.`
      help: did you mean `quarkus.rest-client.oa_json.url`?
    application.properties:37:1: warning[RON0516]: nothing reads the property `quarkus.rest-client`: a key ends at its first blank, `=` or `:`
      help: write `quarkus.rest-client.<name>.<setting>`
    application.properties:38:1: warning[RON0516]: nothing reads the property `quarkus.grpc.clients.Pets.host`: no function calls a gRPC service `Pets`
    application.properties:39:1: warning[RON0517]: nothing reads the property `sonataflow.security.auth.login.token-exchange.enabled`: Rondo exchanges no tokens, so the scheme `login` gets none for that of a start request
      help: let the start request carry a token that the service accepts
    application.properties:40:1: warning[RON0517]: nothing reads the property `quarkus.rest-client.oa_json.providers`: Rondo runs no Java classes
    application.properties:41:1: warning[RON0517]: nothing reads the property `quarkus.rest-client.oa_json.trust-store`: Rondo reads no trust store of a single client
      help: set `quarkus.tls.trust-store.pem.certs` to the certificate authorities in PEM form
    application.properties:42:1: warning[RON0517]: nothing reads the property `quarkus.rest-client.verify-host`: Rondo checks the host name in each certificate
      help: `quarkus.tls.trust-all=true` switches all checks off
    application.properties:43:1: warning[RON0517]: nothing reads the property `oa_json/mp-rest/keyStore`: Rondo shows services no certificate of its own
    "#);
}

#[test]
fn what_is_read_or_makes_no_difference_is_not_told() {
    let lines = "\
quarkus.rest-client.oa_json.url=http://h.test
quarkus.rest-client.\"oa_json\".uri=http://h.test
oa_json/mp-rest/url=http://h.test
quarkus.rest-client.notices.url=http://h.test
quarkus.rest-client.gone_json.url=http://h.test
quarkus.rest-client.\"other_json.east\".url=http://h.test
quarkus.rest-client.other_json.west.read-timeout=5
quarkus.rest-client.my-api.url=http://h.test
quarkus.openapi-generator.codegen.spec.moved_json.config-key=my-api
quarkus.openapi-generator.moved_json.auth.tenant_auth.bearer-token=x
quarkus.rest-client.\"org.openapi.quarkus.oa_json.api.DefaultApi\".read-timeout=5
org.openapi.quarkus.oa_json.api.DefaultApi/mp-rest/readTimeout=5
quarkus.rest-client.oa_json.connection-pool-size=5
quarkus.rest-client.oa_json.scope=jakarta.inject.Singleton
oa_json/mp-rest/scope=jakarta.inject.Singleton
oa_json/mp-rest/connectionTTL=5
quarkus.rest-client.oa_json.verify-host=true
quarkus.rest-client.trust-store=none
quarkus.rest-client.read-timeout=5
quarkus.rest-client.follow-redirects=true
quarkus.rest-client.proxy-address=none
quarkus.rest-client.logging.scope=request-response
quarkus.rest-client.multipart-post-encoder-mode=HTML5
quarkus.openapi-generator.oa_json.auth.tenant_auth.bearer-token=x
quarkus.openapi-generator.oa_json.auth.tenant_auth.token-propagation=true
quarkus.openapi-generator.oa_json.auth.my_key.api-key=x
quarkus.openapi-generator.oa_json.auth.my_key.token-propagation=false
quarkus.openapi-generator.other_json.east.auth.tenant_auth.bearer-token=x
quarkus.openapi-generator.gone_json.auth.anything.bearer-token=x
quarkus.openapi-generator.codegen.validateSpec=false
quarkus.openapi-generator.codegen.default-security-scheme=tenant_auth
quarkus.openapi-generator.codegen.spec.oa_yaml.base-package=org.acme
quarkus.oidc-client.login.client-id=x
quarkus.oidc-client.login.auth-server-url=http://h.test
quarkus.oidc-client.\"login\".grant-options.client.audience=x
quarkus.oidc-client.login.headers.X-A=x
quarkus.oidc-client.login.connection-timeout=10S
quarkus.oidc-client.enabled=true
kogito.sw.functions.ping.host=h
kogito.sw.functions.ping.timeout=5
kogito.sw.functions.ask.access_token=x
kogito.sw.functions.port=8080
quarkus.rest-client.read-by-expression.url=http://h.test
quarkus.rest-client.referred-to.url=http://h.test
other=${quarkus.rest-client.referred-to.url}
quarkus.oidc.enabled=false
quarkus.http.port=8080
%dev.quarkus.rest-client.nothing.url=http://h.test
sonataflow.security.auth.token-exchange.monitor-rate-seconds=60
sonataflow.security.auth.login.token-exchange.enabled=false
";
    assert_eq!(said(GONE, lines), "");
    assert_eq!(said("", &lines.replace("gone_json", "oa_json").replace("anything", "tenant_auth")), "");
}

#[test]
fn an_entry_that_one_of_several_projects_reads_is_used() {
    let text = document().to_string();
    let folder = Folder::new(&[("a.json", &text), ("b.json", &text)]);
    let lines = "quarkus.rest-client.a_json.url=http://h.test\nquarkus.rest-client.b_json.url=http://h.test\n\
                 quarkus.rest-client.c_json.url=http://h.test";
    let (properties, _) = Properties::parse("application.properties", lines, Environment::new());
    let functions = |document: &str| format!("functions:\n- {{name: f, operation: '{document}#op'}}\n");
    let (one, _) = bind_in(&folder, &functions("a.json"), &properties, None);
    let (other, _) = bind_in(&folder, &functions("b.json"), &properties, None);
    let usage = |bindings, is_complete| PropertiesUse {
        properties: &properties,
        bindings: vec![bindings],
        is_complete,
    };
    let lines_of = |uses: &[PropertiesUse<'_>]| {
        let found = unused_properties(uses);
        found.iter().map(|diagnostic| diagnostic.position.unwrap().line).collect::<Vec<_>>()
    };
    assert_eq!(lines_of(&[usage(&one, true)]), [2, 3]);
    assert_eq!(lines_of(&[usage(&one, true), usage(&other, true)]), [3]);
    // A workflow that could not be read may read these properties.
    assert_eq!(lines_of(&[usage(&one, false)]), [0; 0]);
}
