//! The settings of a document's client: time limits, redirects, proxies and names.

use std::time::Duration;

use rondo_definition::{Environment, Properties};
use serde_json::{Value, json};

use super::support::{Reply, Server, call, call_with, caller, openapi, properties, result, spec};
use crate::client_options::ClientOptions;
use crate::mask::Secrets;
use crate::settings::ClientSettings;

fn parse(lines: &str) -> Properties {
    Properties::parse("application.properties", lines, Environment::new()).0
}

#[test]
fn time_limits_are_read_in_all_spellings() {
    for (lines, choice, expected) in [
        ("quarkus.rest-client.svc.read-timeout=5", None, Some(5)),
        ("quarkus.rest-client.\"svc\".read-timeout=5", None, Some(5)),
        ("svc/mp-rest/readTimeout=5", None, Some(5)),
        ("quarkus.rest-client.read-timeout=5", None, Some(5)),
        ("quarkus.rest-client.\"org.openapi.quarkus.svc.api.DefaultApi\".read-timeout=5", None, Some(5)),
        ("org.openapi.quarkus.svc.api.DefaultApi/mp-rest/readTimeout=5", None, Some(5)),
        // The most specific one counts.
        (
            "quarkus.rest-client.read-timeout=5\nsvc/mp-rest/readTimeout=6\nquarkus.rest-client.svc.read-timeout=7",
            None,
            Some(7),
        ),
        ("quarkus.rest-client.read-timeout=5\nsvc/mp-rest/readTimeout=6", None, Some(6)),
        (
            "quarkus.rest-client.\"svc.east\".read-timeout=5\nquarkus.rest-client.svc.read-timeout=6",
            Some("east"),
            Some(5),
        ),
        ("quarkus.rest-client.svc.read-timeout=6", Some("east"), Some(6)),
        // A client of another name.
        (
            "quarkus.openapi-generator.codegen.spec.svc.config-key=org.acme.Stock\n\
             quarkus.rest-client.\"org.acme.Stock\".read-timeout=5\nquarkus.rest-client.svc.read-timeout=6",
            None,
            Some(5),
        ),
        (
            "quarkus.openapi-generator.codegen.spec.svc.config-key=org.acme.Stock\norg.acme.Stock/mp-rest/readTimeout=5",
            None,
            Some(5),
        ),
        ("quarkus.rest-client.svc.read-timeout=0", None, None),
        ("quarkus.rest-client.svc.read-timeout=", None, None),
        ("quarkus.rest-client.other.read-timeout=5", None, None),
    ] {
        let properties = parse(lines);
        let settings = ClientSettings { properties: &properties, key: "svc", choice };
        let options = ClientOptions::read(&settings).unwrap();
        assert_eq!(options.read_timeout, expected.map(Duration::from_millis), "{lines}");
        assert_eq!(options.connect_timeout, None, "{lines}");
    }
}

#[test]
fn a_value_that_cannot_be_used_is_an_error_and_no_default() {
    let error = |lines: &str| {
        let properties = parse(lines);
        let settings = ClientSettings { properties: &properties, key: "svc", choice: None };
        ClientOptions::read(&settings).unwrap_err().to_string()
    };
    insta::assert_snapshot!(error("quarkus.rest-client.svc.read-timeout=5s"), @"the value of the property `quarkus.rest-client.svc.read-timeout` is not a whole number of milliseconds");
    insta::assert_snapshot!(error("svc/mp-rest/connectTimeout=${NO_SUCH}"), @"the property `svc/mp-rest/connectTimeout` refers to `${NO_SUCH}`, which is neither a property nor an environment variable");
    insta::assert_snapshot!(error("quarkus.rest-client.follow-redirects=maybe"), @"the value of the property `quarkus.rest-client.follow-redirects` is not `true` or `false`");
    insta::assert_snapshot!(error("quarkus.rest-client.svc.proxy-address=proxy"), @"the value of the property `quarkus.rest-client.svc.proxy-address` is not `<host>:<port>`, or `none`");
}

#[tokio::test]
async fn calls_go_through_the_proxy_of_their_client() {
    for (lines, through) in [
        ("quarkus.rest-client.svc.proxy-address=PROXY", true),
        ("quarkus.rest-client.proxy-address=PROXY", true),
        ("svc/mp-rest/proxyAddress=PROXY", true),
        ("quarkus.rest-client.proxy-address=PROXY\nquarkus.rest-client.svc.proxy-address=none", false),
        ("quarkus.rest-client.proxy-address=PROXY\nquarkus.rest-client.svc.non-proxy-hosts=a|127.*", false),
        ("quarkus.rest-client.other.proxy-address=PROXY", false),
    ] {
        let server = Server::start(vec![Reply::json(200, &json!({"by": "service"}))]).await;
        let proxy = Server::start(vec![Reply::json(200, &json!({"by": "proxy"}))]).await;
        let lines = lines.replace("PROXY", proxy.url.trim_start_matches("http://"));
        let lines = format!(
            "{lines}\nquarkus.rest-client.svc.proxy-user=ada\nquarkus.rest-client.svc.proxy-password=pa55"
        );
        let binding = openapi(&spec("/a", "get", json!({}), json!({})));
        let answer = call(&binding, &properties(&server.url, &lines), Value::Null).await.unwrap();
        assert_eq!(result(&answer)["by"], if through { "proxy" } else { "service" }, "{lines}");
        if through {
            let seen = proxy.last();
            assert_eq!(seen.target, format!("{}/a", server.url));
            assert_eq!(seen.header("proxy-authorization"), "Basic YWRhOnBhNTU=", "{lines}");
        } else {
            assert_eq!(server.last().header("proxy-authorization"), "", "{lines}");
        }
    }
}

#[tokio::test]
async fn redirects_are_followed_as_the_properties_say_and_credentials_stay_behind() {
    let secured = json!({
        "security": [{"key": []}, {"bearer": []}],
        "components": {"securitySchemes": {
            "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
            "bearer": {"type": "http", "scheme": "bearer"},
        }},
    });
    let redirect = |location: &str| Reply {
        status: 302,
        headers: vec![("location", location.to_owned())],
        body: Vec::new(),
    };
    for (line, to_other_host, expected) in [
        ("", false, "followed"),
        ("", true, "302"),
        ("quarkus.rest-client.svc.follow-redirects=false", false, "302"),
        ("quarkus.rest-client.svc.follow-redirects=true", true, "followed"),
        ("quarkus.rest-client.follow-redirects=true", true, "followed"),
        ("svc/mp-rest/followRedirects=true", true, "followed"),
    ] {
        let other = Server::start(vec![Reply::json(200, &json!({}))]).await;
        let location = if to_other_host { format!("{}/b", other.url) } else { "/b".to_owned() };
        let server = Server::start(vec![redirect(&location), Reply::json(200, &json!({}))]).await;
        let lines = format!(
            "{line}\nquarkus.openapi-generator.svc.auth.key.api-key=k-1\n\
             quarkus.openapi-generator.svc.auth.bearer.bearer-token=t-1"
        );
        let properties = properties(&server.url, &lines);
        let caller = caller(&properties, Secrets::default());
        let binding = openapi(&spec("/a", "get", json!({}), secured.clone()));
        let incoming = [("X-Authorization-Git", "of-the-client")];
        let outcome = call_with(&caller, &binding, &properties, Value::Null, &incoming).await;
        let outcome = match outcome {
            Ok(_) => "followed".to_owned(),
            Err(error) => error.status().map(|status| status.to_string()).unwrap_or_default(),
        };
        assert_eq!(outcome, expected, "{line} {to_other_host}");
        if expected == "followed" && to_other_host {
            let seen = other.last();
            assert_eq!(seen.target, "/b");
            for name in ["authorization", "x-key", "x-authorization-git", "kogitoprocinstanceid"] {
                assert_eq!(seen.header(name), "", "{name}");
            }
        } else {
            assert_eq!(other.seen().len(), 0);
        }
    }
}

#[tokio::test]
async fn a_client_can_have_another_name_than_its_document() {
    let server = Server::start(vec![Reply::json(200, &json!({}))]).await;
    let secured = json!({
        "security": [{"key": []}],
        "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}}},
    });
    let lines = format!(
        "quarkus.openapi-generator.codegen.spec.svc.config-key=my-api\nquarkus.rest-client.my-api.url={}\n\
         quarkus.openapi-generator.svc.auth.key.api-key=k-1",
        server.url
    );
    let binding = openapi(&spec("/a", "get", json!({}), secured));
    call(&binding, &properties("http://127.0.0.1:9", &lines), Value::Null).await.unwrap();
    assert_eq!(server.last().header("x-key"), "k-1");
}
