//! The names of settings in each family, and the search for similar names.
//!
//! Sources: `quarkusio/quarkus` 3.15, `RestClientConfig`, `OidcClientConfig`, `OidcCommonConfig`, `GrpcClientConfiguration`.

use rondo_definition::did_you_mean;

/// Settings of a client that this engine does not have, each with the reason and a help. A name that ends with a dot is a prefix.
pub(super) const UNSUPPORTED_OF_CLIENTS: [(&str, &str, &str); 11] = [
    ("providers", "Rondo runs no Java classes", ""),
    ("hostname-verifier", "Rondo runs no Java classes", ""),
    (
        "trust-store",
        "Rondo reads no trust store of a single client",
        "set `quarkus.tls.trust-store.pem.certs` to the certificate authorities in PEM form",
    ),
    ("key-store", "Rondo shows services no certificate of its own", ""),
    (
        "tls-configuration-name",
        "Rondo has one configuration of TLS for all clients",
        "set `quarkus.tls.trust-store.pem.certs`, or `quarkus.tls.trust-all`",
    ),
    (
        "verify-host",
        "Rondo checks the host name in each certificate",
        "`quarkus.tls.trust-all=true` switches all checks off",
    ),
    ("headers.", "Rondo sends the headers that the operation has as parameters", "pass them as arguments"),
    ("user-agent", "Rondo sends its own `User-Agent`", ""),
    ("query-param-style", "the document says how the elements of a list are written", ""),
    ("max-redirects", "Rondo follows at most 5 redirects", ""),
    ("override-uri", "it is not supported", "set `url`"),
];

/// Settings of a client that change neither the called service nor the request.
pub(super) const INERT_OF_CLIENTS: [&str; 27] = [
    "alpn",
    "capture-stacktrace",
    "connection-pool-size",
    "connection-ttl",
    "disable-contextual-error-messages",
    "disable-default-mapper",
    "enable-compression",
    "enable-local-proxy",
    "http2",
    "http2-upgrade-max-content-length",
    "keep-alive-enabled",
    "key-store-password",
    "key-store-type",
    "local-proxy-provider",
    "logging.",
    "max-chunk-size",
    "multipart.",
    "multipart-post-encoder-mode",
    "name",
    "providers/",
    "register-provider-annotations",
    "removes-trailing-slash",
    "scope",
    "shared",
    "trust-store-password",
    "trust-store-type",
    "worker-pool-name",
];

/// Settings of an `OpenID` Connect client that are read. A name that ends with a dot is a prefix.
pub(super) const READ_OF_OIDC: [&str; 27] = [
    "auth-server-url",
    "audience",
    "client-enabled",
    "client-id",
    "credentials.client-secret.method",
    "credentials.client-secret.value",
    "credentials.jwt.assertion",
    "credentials.jwt.audience",
    "credentials.jwt.claims.",
    "credentials.jwt.issuer",
    "credentials.jwt.key",
    "credentials.jwt.key-file",
    "credentials.jwt.lifespan",
    "credentials.jwt.secret",
    "credentials.jwt.signature-algorithm",
    "credentials.jwt.source",
    "credentials.jwt.subject",
    "credentials.jwt.token-key-id",
    "credentials.secret",
    "discovery-enabled",
    "grant-options.",
    "grant.type",
    "headers.",
    "proxy.",
    "scopes",
    "token-path",
    "credentials.jwt.token-path",
];

/// Settings of an `OpenID` Connect client that this engine does not have. Credentials providers and key stores are errors of their own.
pub(super) const UNSUPPORTED_OF_OIDC: [(&str, &str, &str); 4] = [
    (
        "tls.",
        "Rondo has one configuration of TLS for all clients",
        "set `quarkus.tls.trust-store.pem.certs`, or `quarkus.tls.trust-all`",
    ),
    ("grant.access-token-property", "the token is read out of `access_token`", ""),
    ("grant.expires-in-property", "the lifetime is read out of `expires_in`", ""),
    ("absolute-expires-in", "`expires_in` is a number of seconds", ""),
];

/// Settings of an `OpenID` Connect client that do not change the request, or are reported as errors elsewhere.
pub(super) const INERT_OF_OIDC: [&str; 22] = [
    "access-token-expires-in",
    "access-token-expiry-skew",
    "client-name",
    "connection-delay",
    "connection-retry-count",
    "connection-timeout",
    "credentials.client-secret.provider.",
    "credentials.jwt.key-id",
    "credentials.jwt.key-password",
    "credentials.jwt.key-store-file",
    "credentials.jwt.key-store-password",
    "credentials.jwt.secret-provider.",
    "early-tokens-acquisition",
    "follow-redirects",
    "grant.refresh-expires-in-property",
    "grant.refresh-token-property",
    "id",
    "max-pool-size",
    "refresh-interval",
    "refresh-token-time-skew",
    "revoke-path",
    "use-blocking-dns-lookup",
];

/// Settings of a gRPC client that are read.
pub(super) const READ_OF_GRPC: [&str; 5] = ["host", "port", "plain-text", "ssl.trust-store", "tls.enabled"];

/// Settings of a gRPC client that this engine does not have.
pub(super) const UNSUPPORTED_OF_GRPC: [(&str, &str, &str); 6] = [
    ("deadline", "it is not supported", "set `kogito.sw.functions.<name>.timeout` in milliseconds"),
    ("ssl.certificate", "Rondo shows services no certificate of its own", ""),
    ("ssl.key", "Rondo shows services no certificate of its own", ""),
    ("tls.", "only `tls.enabled` is supported", "set `ssl.trust-store` to certificates in PEM form"),
    ("name-resolver", "services are found by the system's resolver", ""),
    ("override-authority", "it is not supported", ""),
];

/// Settings of a gRPC client that change neither the called service nor the request.
pub(super) const INERT_OF_GRPC: [&str; 14] = [
    "compression",
    "flow-control-window",
    "idle-timeout",
    "keep-alive",
    "load-balancer",
    "max-",
    "negotiation-type",
    "per-rpc-buffer-limit",
    "retry",
    "stork.",
    "test-port",
    "use-quarkus-grpc-client",
    "user-agent",
    "vertx.",
];

/// Whether a name is one of these; those that end with `.`, `-` or `/` are prefixes.
pub(super) fn is_one_of<'n>(name: &str, names: impl IntoIterator<Item = &'n str>) -> bool {
    names.into_iter().any(|known| is_named(name, known))
}

pub(super) fn is_named(name: &str, known: &str) -> bool {
    if known.ends_with(['.', '-', '/']) { name.starts_with(known) } else { name == known }
}

/// The most similar of these names, without the prefixes.
pub(super) fn nearest<'n>(name: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    did_you_mean(name, names.into_iter().filter(|known| !known.ends_with(['.', '-', '/'])))
}

/// Lists the first of these names for a message.
pub(super) fn listed<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    const SHOWN: usize = 8;
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_unstable();
    names.dedup();
    let more = if names.len() > SHOWN { ", …" } else { "" };
    names.truncate(SHOWN);
    format!("`{}`{more}", names.join("`, `"))
}
