//! Access tokens: the requests to a token endpoint, and its answers.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::{Value, json};

use super::support::{Reply, Seen, Server, call, openapi, properties, spec};

/// A document whose operation needs a token.
fn secured() -> Value {
    let scheme =
        json!({"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": {}}}});
    let more = json!({"security": [{"login": []}], "components": {"securitySchemes": {"login": scheme}}});
    spec("/a", "get", json!({}), more)
}

/// The properties of the client, from lines without the common prefix.
fn client(endpoint: &str, lines: &str) -> String {
    let own = format!("auth-server-url={endpoint}\ntoken-path=/token\nclient-id=app\n{lines}");
    own.lines().map(|line| format!("quarkus.oidc-client.login.{line}\n")).collect()
}

/// The request that the endpoint gets for a call with this client, and the error of the call.
async fn asked(lines: &str, reply: Reply) -> (Seen, String) {
    let endpoint = Server::start(vec![reply]).await;
    let service = Server::start(vec![Reply::json(200, &json!({}))]).await;
    let properties = properties(&service.url, &client(&endpoint.url, lines));
    let outcome = call(&openapi(&secured()), &properties, Value::Null).await;
    let error = outcome.err().map(|error| error.to_string().replace(&endpoint.url, "http://ENDPOINT"));
    if error.is_none() {
        assert_eq!(service.last().header("authorization"), "Bearer T7");
    } else {
        assert_eq!(service.seen().len(), 0);
    }
    (endpoint.last(), error.unwrap_or_default())
}

fn token() -> Reply {
    Reply::json(200, &json!({"access_token": "T7", "expires_in": 300}))
}

#[tokio::test]
async fn the_properties_of_a_client_make_the_token_request() {
    for (lines, target, authorization, tenant, body) in [
        ("", "/token", "", "", "grant_type=client_credentials&client_id=app"),
        (
            "credentials.secret=s3cret",
            "/token",
            "Basic YXBwOnMzY3JldA==",
            "",
            "grant_type=client_credentials",
        ),
        (
            "credentials.client-secret.value=s3cret\ncredentials.client-secret.method=basic",
            "/token",
            "Basic YXBwOnMzY3JldA==",
            "",
            "grant_type=client_credentials",
        ),
        (
            "credentials.client-secret.value=s3cret\ncredentials.client-secret.method=POST",
            "/token",
            "",
            "",
            "grant_type=client_credentials&client_id=app&client_secret=s3cret",
        ),
        (
            "credentials.client-secret.value=s3 cret\ncredentials.client-secret.method=query",
            "/token?client_id=app&client_secret=s3+cret",
            "",
            "",
            "grant_type=client_credentials",
        ),
        (
            "scopes=a, b\naudience=https://api.test\ngrant-options.client.resource=r1\ngrant-options.password.x=y",
            "/token",
            "",
            "",
            "grant_type=client_credentials&scope=a+b&audience=https%3A%2F%2Fapi.test&resource=r1&client_id=app",
        ),
        (
            "grant.type=password\ngrant-options.password.username=svc\ngrant-options.password.password=pw 1+2\n\
             grant-options.password.realm=r\nheaders.X-Tenant=acme\ncredentials.secret=s3cret",
            "/token",
            "Basic YXBwOnMzY3JldA==",
            "acme",
            "grant_type=password&username=svc&password=pw+1%2B2&realm=r",
        ),
    ] {
        let (seen, error) = asked(lines, token()).await;
        assert_eq!(error, "", "{lines}");
        assert_eq!(seen.target, target, "{lines}");
        assert_eq!(seen.header("authorization"), authorization, "{lines}");
        assert_eq!(seen.header("x-tenant"), tenant, "{lines}");
        assert_eq!(seen.body, body, "{lines}");
    }
}

#[tokio::test]
async fn a_client_can_sign_a_token_instead_of_sending_its_secret() {
    for (lines, field) in [
        ("credentials.jwt.secret=s3cret\ncredentials.jwt.claims.tenant=acme", "client_assertion"),
        (
            "credentials.client-secret.value=s3cret\ncredentials.client-secret.method=post-jwt\n\
             credentials.jwt.claims.tenant=acme",
            "client_secret",
        ),
    ] {
        let (seen, error) = asked(lines, token()).await;
        assert_eq!(error, "");
        let form: Vec<(String, String)> =
            url::form_urlencoded::parse(seen.body.as_bytes()).into_owned().collect();
        let value =
            |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let is_assertion = field == "client_assertion";
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        assert_eq!(value("client_assertion_type"), is_assertion.then_some(kind));
        assert_eq!(value("client_id"), (!is_assertion).then_some("app"));
        let signed = value(field).unwrap();
        let (text, signature) = signed.rsplit_once('.').unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"s3cret");
        hmac::verify(&key, text.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
        let claims = text.split_once('.').unwrap().1;
        let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
        assert_eq!(
            (&claims["iss"], &claims["sub"], &claims["tenant"]),
            (&json!("app"), &json!("app"), &json!("acme"))
        );
        assert!(claims["aud"].as_str().unwrap().ends_with("/token"), "{claims}");
        assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 10);
        assert!(!claims["jti"].as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_refused_token_is_told_in_the_words_of_the_endpoint_without_secrets() {
    let lines = "credentials.secret=s3cret\nheaders.X-Tenant=acme-1";
    for (status, body, said) in [
        (
            400,
            json!({"error": "invalid_client", "error_description": "no client app with s3cret of acme-1"}),
            "POST http://ENDPOINT/token answered 400 Bad Request: invalid_client: no client app with *** of ***",
        ),
        (401, json!({"error": "invalid_scope"}), "answered 401 Unauthorized: invalid_scope (state"),
        (401, json!({"error_description": "a\nb"}), "answered 401 Unauthorized: a b (state"),
        (500, json!(["error"]), "answered 500 Internal Server Error (state"),
        (400, json!({"error": 7}), "answered 400 Bad Request (state"),
    ] {
        let (_, error) = asked(lines, Reply::json(status, &body)).await;
        assert!(error.contains("needs an access token: ") && error.contains(said), "{error}");
    }
    let long = json!({"error": "e", "error_description": "x".repeat(5000)});
    let (_, error) = asked(lines, Reply::json(400, &long)).await;
    assert!(error.len() < 800, "{error}");
}

#[tokio::test]
async fn what_cannot_get_a_token_makes_no_call() {
    for (lines, said) in [
        (
            "grant.type=exchange",
            "`quarkus.oidc-client.login.grant.type` is `exchange`, which is not supported",
        ),
        ("grant.type=clint", "is `clint`, which is no grant; there is `client`"),
        ("credentials.client-secret.method=bearer", "is none of `basic`, `post`, `post-jwt` and `query`"),
        ("credentials.client-secret.provider.key=k", "names a credentials provider, which is Java code"),
        ("credentials.client-secret.method=post-jwt", "needs a secret or a key to sign with"),
        ("credentials.jwt.key-store-file=a.jks", "is not supported; set `credentials.jwt.key-file`"),
        ("credentials.jwt.key-file=/nowhere/a.pem", "names the file `/nowhere/a.pem`, which cannot be read"),
        ("credentials.jwt.key=abc", "holds no private key in PEM form"),
        ("credentials.jwt.secret=a\ncredentials.jwt.signature-algorithm=RS256", "needs a private key"),
        ("credentials.jwt.secret=a\ncredentials.jwt.signature-algorithm=XS256", "which is none of `HS256`, "),
        ("credentials.secret=${NO_SUCH}", "refers to `${NO_SUCH}`"),
    ] {
        let service = Server::start(vec![Reply::json(200, &json!({}))]).await;
        let properties = properties(&service.url, &client("http://127.0.0.1:9", lines));
        let error = call(&openapi(&secured()), &properties, Value::Null).await.unwrap_err().to_string();
        assert!(error.contains(said), "{lines}: {error}");
        assert_eq!(service.seen().len(), 0);
    }
    // The document names a bare path, whose host would be the one from which the document was fetched.
    let properties = properties("http://127.0.0.1:9", "quarkus.oidc-client.login.client-id=app");
    let error = call(&openapi(&secured()), &properties, Value::Null).await.unwrap_err().to_string();
    assert!(error.contains("the token endpoint `/oauth/token` is no http or https address"), "{error}");
}

#[tokio::test]
async fn a_client_that_is_switched_off_or_not_configured_gets_no_token() {
    for line in
        ["", "quarkus.oidc-client.login.client-id=app\nquarkus.oidc-client.login.client-enabled=false"]
    {
        let service = Server::start(vec![Reply::json(200, &json!({}))]).await;
        call(&openapi(&secured()), &properties(&service.url, line), Value::Null).await.unwrap();
        assert_eq!(service.last().header("authorization"), "");
    }
}

#[tokio::test]
async fn token_requests_go_through_the_proxy_of_their_client() {
    let proxy = Server::start(vec![token()]).await;
    let service = Server::start(vec![Reply::json(200, &json!({}))]).await;
    let (host, port) = proxy.url.trim_start_matches("http://").split_once(':').unwrap();
    let lines = client("http://login.invalid", &format!("proxy.host={host}\nproxy.port={port}"));
    call(&openapi(&secured()), &properties(&service.url, &lines), Value::Null).await.unwrap();
    assert_eq!(proxy.last().target, "http://login.invalid/token");
}
