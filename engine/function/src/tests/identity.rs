//! Credentials: which ones a call sends, and that no message shows them.

use serde_json::{Value, json};

use super::support::{
    Reply, Server, call, call_with, caller, client_message, openapi, properties, rest, spec,
};

use crate::mask::Secrets;

fn schemes() -> Value {
    json!({
        "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
        "query-key": {"type": "apiKey", "in": "query", "name": "token"},
        "cookieKey": {"type": "apiKey", "in": "cookie", "name": "c"},
        "basic": {"type": "http", "scheme": "basic"},
        "bearer": {"type": "http", "scheme": "Bearer"},
        "oauth": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "http://127.0.0.1:9/none", "scopes": {}}}},
    })
}

fn secured(security: Value, global: Value) -> Value {
    let mut document = spec("/a", "get", json!({}), json!({"components": {"securitySchemes": schemes()}}));
    if !security.is_null() {
        document["paths"]["/a"]["get"]["security"] = security;
    }
    if !global.is_null() {
        document["security"] = global;
    }
    document
}

#[tokio::test]
async fn everything_that_is_configured_is_used() {
    let auth = |line: &str| format!("quarkus.openapi-generator.svc.auth.{line}");
    let incoming = [("X-Authorization-Git", "gho-1"), ("Authorization", "Bearer of-the-caller")];
    for (security, global, lines, expected) in [
        (json!([{"bearer": []}]), Value::Null, vec![auth("bearer.bearer-token=abc")], "Bearer abc,,,/a"),
        (
            json!([{"basic": []}]),
            Value::Null,
            vec![auth("basic.username=u"), auth("basic.password=p")],
            "Basic dTpw,,,/a",
        ),
        (json!([{}, {"bearer": []}]), Value::Null, vec![], "Bearer of-the-caller,,,/a"),
        (
            json!([{"key": []}, {"query-key": []}, {"cookieKey": []}]),
            Value::Null,
            vec![auth("key.api-key=k1"), auth("query_key.api-key=k2"), auth("cookieKey.api-key=k3")],
            "Bearer of-the-caller,k1,c=k3,/a?token=k2",
        ),
        (
            json!([{"key": []}, {"bearer": []}]),
            Value::Null,
            vec![auth("key.use-authorization-header-value=true"), auth("bearer.bearer-token=abc")],
            "Bearer abc,Bearer abc,,/a",
        ),
        // If only undefined schemes are named, the global ones apply; if none are named, none is sent.
        (
            json!([{"bearerAuth": []}]),
            json!([{"bearer": []}]),
            vec![auth("bearer.bearer-token=abc")],
            "Bearer abc,,,/a",
        ),
        (json!([]), json!([{"key": []}]), vec![auth("key.api-key=k1")], "Bearer of-the-caller,,,/a"),
        (Value::Null, json!([{"key": []}]), vec![auth("key.api-key=k1")], "Bearer of-the-caller,k1,,/a"),
        (
            json!([{"bearer": []}]),
            Value::Null,
            vec![auth("bearer.token-propagation=true"), auth("bearer.header-name=X-Authorization-Git")],
            "Bearer gho-1,,,/a",
        ),
        (
            json!([{"oauth": []}]),
            Value::Null,
            vec![auth("oauth.token-propagation=true")],
            "Bearer of-the-caller,,,/a",
        ),
        (
            json!([{"bearer": []}]),
            Value::Null,
            vec![
                auth("bearer.token-propagation=true"),
                auth("bearer.header-name=X-Absent"),
                auth("bearer.bearer-token=abc"),
            ],
            "Bearer of-the-caller,,,/a",
        ),
    ] {
        let server = Server::start(vec![Reply::json(200, &json!({}))]).await;
        let properties = properties(&server.url, &lines.join("\n"));
        let caller = caller(&properties, Secrets::default());
        let binding = openapi(&secured(security.clone(), global));
        call_with(&caller, &binding, &properties, Value::Null, &incoming).await.unwrap();
        let seen = server.last();
        let got = [seen.header("authorization"), seen.header("x-key"), seen.header("cookie"), &seen.target]
            .join(",");
        assert_eq!(got, expected, "{security} {lines:?}");
    }
}

#[tokio::test]
async fn the_callers_cookies_are_passed_on_only_where_they_are_asked_for() {
    let incoming = [("Cookie", "session=of-the-caller"), ("X-Trace", "t")];
    let declared = json!({"parameters": [{"name": "Cookie", "in": "header", "schema": {"type": "string"}}]});
    let cookie = json!({"parameters": [{"name": "c", "in": "cookie", "schema": {"type": "string"}}]});
    let propagated = "quarkus.openapi-generator.svc.auth.bearer.token-propagation=true\n\
                      quarkus.openapi-generator.svc.auth.bearer.header-name=cookie";
    let bearer = json!({"security": [{"bearer": []}]});
    for (operation, lines, expected) in [
        (json!({}), "", ",,t"),
        (cookie, "", "c=1,,t"),
        (declared, "", "session=of-the-caller,,t"),
        (bearer, propagated, ",Bearer session=of-the-caller,t"),
    ] {
        let server = Server::start(vec![Reply::json(200, &json!({}))]).await;
        let properties = properties(&server.url, lines);
        let document =
            spec("/a", "get", operation.clone(), json!({"components": {"securitySchemes": schemes()}}));
        let caller = caller(&properties, Secrets::default());
        call_with(&caller, &openapi(&document), &properties, json!({"c": "1"}), &incoming).await.unwrap();
        let seen = server.last();
        let got = [seen.header("cookie"), seen.header("authorization"), seen.header("x-trace")].join(",");
        assert_eq!(got, expected, "{operation}");
    }
}

#[tokio::test]
async fn oauth2_tokens_are_fetched_once_and_again_after_a_refusal() {
    let token = |token: &str| Reply::json(200, &json!({"access_token": token, "expires_in": 300}));
    let tokens = Server::start(vec![token("first"), token("second")]).await;
    let ok = Reply::json(200, &json!({}));
    let service = Server::start(vec![ok.clone(), ok.clone(), Reply::new(401, "", ""), ok]).await;
    let lines = format!(
        "quarkus.oidc-client.oauth.auth-server-url={}\n\
         quarkus.oidc-client.oauth.token-path=/token\n\
         quarkus.oidc-client.oauth.client-id=app\n\
         quarkus.oidc-client.oauth.credentials.secret=s3cret\n\
         quarkus.oidc-client.oauth.scopes=a,b",
        tokens.url
    );
    let properties = properties(&service.url, &lines);
    let caller = caller(&properties, Secrets::default());
    let binding = openapi(&secured(json!([{"oauth": []}]), Value::Null));
    let one = call_with(&caller, &binding, &properties, Value::Null, &[]);
    let other = call_with(&caller, &binding, &properties, Value::Null, &[]);
    let (one, other) = tokio::join!(one, other);
    assert!(one.is_ok() && other.is_ok());
    assert_eq!(tokens.seen().len(), 1);
    assert_eq!(tokens.last().target, "/token");
    assert_eq!(tokens.last().header("authorization"), "Basic YXBwOnMzY3JldA==");
    assert_eq!(tokens.last().body, "grant_type=client_credentials&scope=a+b");
    assert_eq!(service.last().header("authorization"), "Bearer first");
    let refused = call_with(&caller, &binding, &properties, Value::Null, &[]).await;
    assert_eq!(refused.unwrap_err().status(), Some(401));
    call_with(&caller, &binding, &properties, Value::Null, &[]).await.unwrap();
    assert_eq!(service.last().header("authorization"), "Bearer second");
}

#[tokio::test]
async fn the_token_endpoint_can_be_discovered() {
    let tokens = Server::start(vec![Reply::json(200, &json!({}))]).await;
    let discovery =
        Server::start(vec![Reply::json(200, &json!({"token_endpoint": format!("{}/t", tokens.url)}))]).await;
    let lines = format!(
        "quarkus.oidc-client.oauth.auth-server-url={}/realms/x/\nquarkus.oidc-client.oauth.client-id=app\n\
         quarkus.oidc-client.oauth.credentials.client-secret.value=s3cret\n\
         quarkus.oidc-client.oauth.credentials.client-secret.method=post",
        discovery.url
    );
    let error = call(
        &openapi(&secured(json!([{"oauth": []}]), Value::Null)),
        &properties("http://127.0.0.1:9", &lines),
        Value::Null,
    )
    .await
    .unwrap_err();
    assert_eq!(discovery.last().target, "/realms/x/.well-known/openid-configuration");
    assert_eq!(tokens.last().body, "grant_type=client_credentials&client_id=app&client_secret=s3cret");
    let shown = error.to_string().replace(&tokens.url, "http://TOKENS");
    insta::assert_snapshot!(shown, @"function `f`: needs an access token: `http://TOKENS/t` answered without an access_token (state `Create issue`, action `create`, attempt 2)");
}

#[tokio::test]
async fn credentials_do_not_appear_in_errors() {
    let echo =
        r#"{"got":"Bearer abc-123","key":"k/e+y","basic":"hunter2","caller":"tok-9","other":"shown/before"}"#;
    let server = Server::start(vec![Reply::new(500, "application/json", echo)]).await;
    let lines = "quarkus.openapi-generator.svc.auth.bearer.bearer-token=abc-123\n\
                 quarkus.openapi-generator.svc.auth.query_key.api-key=k/e+y\n\
                 kogito.sw.functions.f.username=u\nkogito.sw.functions.f.password=hunter2";
    let properties = properties(&server.url, lines);
    let secured = openapi(&secured(json!([{"bearer": []}, {"query-key": []}]), Value::Null));
    let with_password = server.url.replace("://", "://ada:pa55word@");
    let plain = rest(&format!("get:{with_password}/shown%2Fbefore"), true);
    let incoming = [("X-Authorization-Git", "tok-9")];
    let known = Secrets::of([&properties]);
    known.hide("shown/before");
    let caller = caller(&properties, known);
    for (binding, secrets) in [
        (secured, vec!["abc-123", "k/e+y", "k%2Fe%2By", "tok-9"]),
        (plain, vec!["hunter2", "shown/before", "shown%2Fbefore", "ada", "pa55word"]),
    ] {
        let error = call_with(&caller, &binding, &properties, Value::Null, &incoming).await.unwrap_err();
        for shown in [error.to_string(), format!("{error:?}"), client_message(&error)] {
            for secret in &secrets {
                assert!(!shown.contains(secret), "{secret} in {shown}");
            }
        }
    }
}

#[tokio::test]
async fn addresses_are_told_without_passwords() {
    let lines = "quarkus.rest-client.svc.url=htp://ada:pa55word@host\n\
                 quarkus.oidc-client.oauth.auth-server-url=http://ada:pa55word@127.0.0.1:9\n\
                 quarkus.oidc-client.oauth.token-path=/t\nquarkus.oidc-client.oauth.client-id=app";
    let properties = properties("", lines);
    for security in [json!([]), json!([{"oauth": []}])] {
        let error =
            call(&openapi(&secured(security, Value::Null)), &properties, Value::Null).await.unwrap_err();
        let shown = format!("{error:?} {error} {}", client_message(&error));
        assert!(shown.contains("://") && !shown.contains("ada"), "{shown}");
    }
}

#[tokio::test]
async fn an_answer_of_a_token_endpoint_is_bounded_and_its_lifetime_may_be_anything() {
    let large = Reply::json(200, &json!({"access_token": "abcdef", "more": "x".repeat(2 << 20)}));
    let odd = Reply::json(200, &json!({"access_token": "abcdef", "expires_in": vec![0; 1000]}));
    for (reply, expected) in [(large, "answered with more than 1048576 bytes"), (odd, "")] {
        let tokens = Server::start(vec![reply]).await;
        let service = Server::start(vec![Reply::json(200, &json!({}))]).await;
        let lines = format!(
            "quarkus.oidc-client.oauth.auth-server-url={}\nquarkus.oidc-client.oauth.token-path=/token\n\
             quarkus.oidc-client.oauth.client-id=app",
            tokens.url
        );
        let binding = openapi(&secured(json!([{"oauth": []}]), Value::Null));
        let error = call(&binding, &properties(&service.url, &lines), Value::Null).await.err();
        let error = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(expected) && error.is_empty() == expected.is_empty(), "{error}");
    }
}
