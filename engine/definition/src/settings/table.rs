//! The table of all properties that Rondo reads. Sorted; Rondo's own first.

use super::{Kind, Setting};

/// A positive whole number.
const POSITIVE: Kind = Kind::Count { least: 1, most: u64::MAX };
/// A positive whole number that fits into 32 bits.
const POSITIVE_U32: Kind = Kind::Count { least: 1, most: u32::MAX as u64 };
const PORT: Kind = Kind::Count { least: 1, most: 65535 };

macro_rules! settings {
    ($($(#[$doc:meta])* $constant:ident: $name:literal, $kind:expr, $default:literal, $meaning:literal;)*) => {
        $(
            #[doc = concat!("`", $name, "`: ", $meaning)]
            pub const $constant: Setting =
                Setting { name: $name, kind: $kind, default: $default, meaning: $meaning };
        )*
        /// All settings.
        pub const ALL: &[&Setting] = &[$(&$constant),*];
    };
}

settings! {
    AUTH_TOKEN: "rondo.auth.token", Kind::Tokens, "everybody is let in",
        "every request but health needs `Authorization: Bearer <token>`; several tokens are separated by commas. `NAME:TOKEN` gives a token a name, which `$WORKFLOW.identity` shows to the instances that its requests start";
    CLOCK_SPEED: "rondo.clock.speed", POSITIVE_U32, "1", "durations pass so many times faster; for tests and demos";
    COMPAT: "rondo.compat", Kind::Choice(&["sonataflow", "spec"]), "sonataflow",
        "which holds where SonataFlow and the specification disagree";
    CONCURRENCY_KEY: "rondo.concurrency.<group>.key", Kind::Text, "",
        "jq expression over the data that an instance of the group starts with, such as `.request.tenant`: instances for which it gives the same text, number or boolean share the limit. Without it all instances of the group share it";
    CONCURRENCY_LIMIT: "rondo.concurrency.<group>.limit", POSITIVE_U32, "",
        "instances of the concurrency group `<group>` with the same key that run at once; others wait in state PENDING, first come first served";
    CONCURRENCY_WORKFLOWS: "rondo.concurrency.<group>.workflows", Kind::Text, "",
        "ids of the workflows of the concurrency group `<group>`, separated by commas; `*` stands for any text";
    DESK_ENABLED: "rondo.desk.enabled", Kind::Flag, "false", "whether the provisioning desk is served below `/desk/v1`";
    DESK_EVENTS: "rondo.desk.events.<consumer>", Kind::Text, "",
        "types of the desk's events, separated by commas, that the consumer gets by the outgoing channel `provisioning-events-<consumer>`. The consumers `audit`, `billing`, `notification`, `order` and `portal` have a set of their own without it";
    DESK_GITHUB_URL: "rondo.desk.github.url", Kind::Url, "https://api.github.com",
        "where the desk calls GitHub for flows, with the tokens that users have linked";
    DESK_MAIL_DOMAIN: "rondo.desk.mail.domain", Kind::Text, "",
        "the domain of the mail addresses of people who have none of their own: `jane` gets mails at `jane@<domain>`";
    DESK_MAIL_FROM: "rondo.desk.mail.from", Kind::Text, "", "the sender of the desk's mails";
    DESK_MAIL_TOKEN: "rondo.desk.mail.token", Kind::Secret, "", "the bearer token of the mail service";
    DESK_MAIL_URL: "rondo.desk.mail.url", Kind::Url, "",
        "the mail service to which the desk hands mails about approvals, as `POST /email`; without it none are sent";
    DESK_GITLAB_HOOK_TOKEN: "rondo.desk.tickets.gitlab.hook-token", Kind::Secret, "", "what GitLab sends as `X-Gitlab-Token` with events of tickets";
    DESK_GITLAB_POLL: "rondo.desk.tickets.gitlab.poll-interval", Kind::Millis, "",
        "milliseconds between two looks at the tickets that are not decided. By default 15000, or 300000 where GitLab has a hook token to tell of them";
    DESK_GITLAB_PROJECT: "rondo.desk.tickets.gitlab.project", Kind::Text, "", "the project of tickets that name none";
    DESK_GITLAB_TOKEN: "rondo.desk.tickets.gitlab.token", Kind::Secret, "", "the token with which tickets are opened and closed";
    DESK_GITLAB_URL: "rondo.desk.tickets.gitlab.url", Kind::Url, "", "the GitLab of the tickets of approvals";
    DESK_TOKEN: "rondo.desk.token", Kind::Secret, "made at each start",
        "the token with which flows call the desk; where several nodes share a database, the same on all of them";
    DESK_USER_EMAIL: "rondo.desk.users.<name>.email", Kind::Text, "", "where a user of the desk gets mails; one with an address and no token decides by links alone";
    DESK_USER_GROUPS: "rondo.desk.users.<name>.groups", Kind::Text, "", "groups of a user of the desk, separated by commas";
    DESK_USER_ROLES: "rondo.desk.users.<name>.roles", Kind::Text, "", "roles of a user of the desk, separated by commas: `admin`, `service`, `reviewer`, or others";
    DESK_USER_TOKEN: "rondo.desk.users.<name>.token", Kind::Secret, "everybody is admin", "the token of a user of the desk";
    DESK_USER_SERVICE_TOKEN: "rondo.desk.users.<name>.tokens.<service>", Kind::Secret, "",
        "the token of a user for another service, `github` or the name of a cluster; flows refer to it as `token:<name>:<service>`";
    DESK_ALLOW_HTTP: "rondo.desk.webhooks.allow-http", Kind::Flag, "false", "whether webhooks of the desk may go to `http` addresses";
    DESK_ALLOW_LOOPBACK: "rondo.desk.webhooks.allow-loopback", Kind::Flag, "false", "whether webhooks of the desk may go to addresses of its own machine";
    KEEP_EVENTS: "rondo.events.keep", Kind::Millis, "86400000",
        "milliseconds that an event is kept for which no instance waits yet";
    MAX_KEPT_EVENTS: "rondo.events.max-kept", POSITIVE, "100000",
        "events that are kept; above, an event that would have to be kept is refused with 503, and its sender sends it again later";
    MAX_KEPT_BYTES: "rondo.events.max-kept-bytes", POSITIVE, "1073741824",
        "bytes of the events that are kept or that an instance has not dealt with yet; above, an event that would have to be kept is refused with 503, and its sender sends it again later";
    MAX_OUTBOX: "rondo.events.max-outbox", POSITIVE, "1000000",
        "events that may wait to be sent; above, starts and received events are refused with 503, so that what is under way can go on";
    REMEMBER_EVENTS: "rondo.events.remember", Kind::Millis, "86400000",
        "milliseconds that an event which came is recognised by its source and id, so that a second delivery has no effect";
    SEND_TIMEOUT: "rondo.events.send-timeout", Kind::Millis, "10000",
        "milliseconds that the delivery of an event may take; then it counts as failed and is tried again";
    FUNCTION_REPLACEMENT: "rondo.functions.<name>.replacement", Kind::Text, "",
        "operation that stands for that of the function `<name>` in every workflow, such as `rest:post:https://service.example/path`, `specs/api.yaml#operation` or `service:python:<module>::<function>`; the types that an operation does not show are written before it: `asyncapi:`, `rpc:`, `graphql:`, `odata:`, `expression:`";
    GRAPHQL_MAX_BYTES: "rondo.graphql.max-answer-bytes", POSITIVE, "134217728",
        "most memory in bytes that a GraphQL answer may take while it is made; never more than half of `rondo.limits.memory`";
    GRAPHQL_TIMEOUT: "rondo.graphql.timeout", Kind::Millis, "30000", "milliseconds that a GraphQL answer may take";
    ALLOW_LINK_LOCAL: "rondo.http.allow-link-local", Kind::Flag, "false",
        "calls may go to link-local addresses, where clouds serve credentials of the machine";
    ALLOWED_HOSTS: "rondo.http.allowed-hosts", Kind::Hosts, "",
        "further host names under which clients reach the engine, separated by commas; `*.example.com` stands for all names below `example.com`, `*` for every name. While no token is set, a request is refused unless its `Host` is one of these, `localhost`, the address listened at or the host of `kogito.service.url`, or, where the engine listens at another address than the loopback, an IP address, a name without a dot or a name below `svc`, `cluster.local` or `internal`";
    BODY_TIMEOUT: "rondo.http.body-timeout", Kind::Millis, "30000", "milliseconds that a client may pause within a body";
    HEAD_TIMEOUT: "rondo.http.head-timeout", Kind::Millis, "30000", "milliseconds that the head of a request may take";
    IDLE_TIMEOUT: "rondo.http.idle-timeout", Kind::Millis, "90000", "milliseconds that a connection may be still";
    MAX_ANSWER_BYTES: "rondo.http.max-answer-bytes", POSITIVE, "16777216", "most bytes of an answer of a service";
    MAX_BODY_BYTES: "rondo.http.max-body-bytes", POSITIVE, "8388608", "most bytes of the body of a request";
    MAX_CALLS: "rondo.http.max-calls", POSITIVE_U32, "",
        "calls of services in flight at once, of which one service gets half and one tree of instances a third; others wait for their turn. By default a fifth of the open files that the process may have, and no more than a quarter of `rondo.limits.memory` has room for";
    MAX_CONNECTIONS: "rondo.http.max-connections", POSITIVE_U32, "10000", "connections at once";
    MIN_RATE: "rondo.http.min-rate", POSITIVE_U32, "16384",
        "bytes a second that a client must send of a body, and take of an answer; beside that it may pause once for as long as `rondo.http.body-timeout` and `rondo.http.write-timeout` say";
    MULTI_SEGMENT_PATHS: "rondo.http.multi-segment-paths", Kind::Flag, "true",
        "a `/` in an argument of the path of an OpenAPI operation separates segments, as on SonataFlow; with `false` it is sent as `%2F`. A parameter with `x-multi-segment` says it for itself. `%2F` in an argument stays as it is";
    QUEUE_TIMEOUT: "rondo.http.queue-timeout", Kind::Millis, "600000", "milliseconds that a call may wait for its turn; they do not count as time of the call";
    HTTP_TIMEOUT: "rondo.http.timeout", Kind::Millis, "60000", "milliseconds that a call may take";
    WRITE_TIMEOUT: "rondo.http.write-timeout", Kind::Millis, "30000",
        "milliseconds that a client may take for the next piece of an answer; then its connection is closed";
    MEMORY: "rondo.limits.memory", Kind::Count { least: 16_777_216, most: u64::MAX }, "",
        "bytes that bodies, answers, and data that are worked on may take together; what finds no room waits or is refused with 503. By default half of what the process may have, and at most 536870912";
    MAX_STEPS: "rondo.limits.steps", POSITIVE_U32, "100000",
        "instructions that an instance may run without waiting, those for the elements of a foreach not counted";
    MAX_SUBFLOWS: "rondo.limits.subflows", POSITIVE_U32, "10000",
        "subflows that may stand below one start; counted anew whenever the first instance waits for none";
    PYTHON_COMMAND: "rondo.python.command", Kind::Text, "python3", "program that runs Python code";
    PYTHON_ENABLED: "rondo.python.enabled", Kind::Flag, "true",
        "workflows may run Python code (`script:python`, `service:python:…`), in processes of their own that are started when code is to be run";
    PYTHON_MAX_OUTPUT_BYTES: "rondo.python.max-output-bytes", Kind::Count { least: 1024, most: 1 << 30 }, "1048576",
        "most bytes of a result of Python code, or of the variables that a script leaves";
    PYTHON_MEMORY: "rondo.python.memory", Kind::Count { least: 33_554_432, most: u64::MAX }, "1073741824",
        "bytes of address space that a Python process may have";
    PYTHON_PROCESSES: "rondo.python.processes", Kind::Count { least: 1, most: 1024 }, "2",
        "Python processes at once; other calls wait for their turn";
    PYTHON_TIMEOUT: "rondo.python.timeout", Kind::Millis, "30000",
        "milliseconds that a call of Python code may take; then its process is ended. `kogito.sw.functions.<name>.timeout` says another limit for one function";
    MIRROR: "rondo.resources.mirror", Kind::Folder, "",
        "folder below that of the workflows that holds documents of other hosts, as `<folder>/<host>/<path>`";
    CA_FILE: "rondo.tls.ca-file", Kind::Files, "",
        "PEM files of certificate authorities that are trusted besides the system's";
    URI_ALIAS: "rondo.uri.alias", Kind::Aliases, "",
        "beginnings of URIs and what stands for them, as `PREFIX=TARGET,PREFIX=TARGET`";

    PYTHON_PATH: "org.sonataflow.python.searchpath", Kind::Text, "", "folders of Python modules, separated by commas";
    SERVICE_URL: "kogito.service.url", Kind::Url, "the address listened at", "base of links";
    IGNORE_HIDDEN: "kogito.codegen.ignoreHiddenFiles", Kind::Flag, "true", "workflow files that begin with a dot are skipped";
    MAX_LISTED: "kogito.process.instances.limit", Kind::Count { least: 0, most: u64::MAX }, "1000", "most instances in a list";
    KEY_STRATEGY: "kogito.sw.operationIdStrategy",
        Kind::Choice(&["FILE_NAME", "FULL_URI", "SPEC_TITLE", "FUNCTION_NAME"]), "FILE_NAME", "what `<key>` is made of";
    KEY_SEPARATOR: "kogito.sw.rest_client.config_key.separator", Kind::Text, ".", "stands before the value of a `configKey`";
    KEY_SEPARATOR_OLD: "kogito.rest_client.config_key.separator", Kind::Text, ".", "the same";
    FUNCTIONS_PORT: "kogito.sw.functions.port", PORT, "", "port of all `rest:` functions";
    FUNCTION_PROTOCOL: "kogito.sw.functions.<name>.protocol", Kind::Choice(&["http", "https"]), "http", "protocol of a `rest:` function";
    FUNCTION_HOST: "kogito.sw.functions.<name>.host", Kind::Text, "", "host of a `rest:` function whose operation has only a path; may have a scheme, a port and a path of its own";
    FUNCTION_PORT: "kogito.sw.functions.<name>.port", PORT, "", "port of a `rest:` function";
    FUNCTION_TIMEOUT: "kogito.sw.functions.<name>.timeout", Kind::Millis, "", "milliseconds that a call of it may take";
    FUNCTION_USERNAME: "kogito.sw.functions.<name>.username", Kind::Text, "", "HTTP basic";
    FUNCTION_PASSWORD: "kogito.sw.functions.<name>.password", Kind::Secret, "", "HTTP basic";
    FUNCTION_TOKEN: "kogito.sw.functions.<name>.access_token", Kind::Secret, "", "bearer token";
    FUNCTION_KEY: "kogito.sw.functions.<name>.api_key", Kind::Secret, "", "header `X-API-KEY`";
    FUNCTION_KEY_PREFIX: "kogito.sw.functions.<name>.api_key_prefix", Kind::Text, "", "stands before the key";

    AS_CLOUD_EVENTS: "kogito.messaging.as-cloudevents", Kind::Flag, "true",
        "messages of channels are events; with `false` each is the data of one, whose type is the channel's name";
    CLOUD_EVENT_MODE: "kogito.addon.messaging.outgoing.cloudEventMode", Kind::Choice(&["binary", "structured"]), "",
        "whether the attributes of a sent event are headers or, with its data, the body; by default headers over HTTP and the body elsewhere";
    CHANNEL_MODE: "kogito.addon.messaging.outgoing.cloudEventMode.<channel>", Kind::Choice(&["binary", "structured"]), "", "the same for one channel";
    OUTGOING_TRIGGER: "kogito.addon.messaging.outgoing.trigger.<type>", Kind::Text, "the type", "the channel of events of this type";
    INCOMING_TRIGGER: "kogito.addon.messaging.incoming.trigger.<type>", Kind::Text, "the type",
        "the channel whose messages without attributes are events of this type";
    OUTGOING_DEFAULT: "kogito.addon.messaging.outgoing.defaultName", Kind::Text, "kogito_outgoing_stream",
        "the channel of events whose type has none of its own";
    PROCESS_EVENTS: "org.kie.kogito.addons.knative.eventing.includeProcessEvents", Kind::Flag, "false",
        "Kogito's events about definitions and instances are published: to the channels `kogito-processdefinitions-events` and `kogito-processinstances-events`, which go to `K_SINK` unless they are configured";
    PROCESS_EVENTS_OTHER: "org.kie.kogito.addons.quarkus.knative.eventing.includeProcessEvents", Kind::Flag, "false", "the same";
    INSTANCE_EVENTS: "kogito.events.processinstances.enabled", Kind::Flag, "",
        "whether events about instances are published; by default as `includeProcessEvents` says";
    DEFINITION_EVENTS: "kogito.events.processdefinitions.enabled", Kind::Flag, "",
        "whether events about definitions are published, one for each workflow at each start; by default as `includeProcessEvents` says";
    SKIP_DEFAULT_INCOMING: "org.kie.kogito.addons.quarkus.knative.eventing.skipDefaultIncomingStream", Kind::Flag, "false",
        "no events are taken at `POST /` unless a channel has this path";

    INCOMING_CONNECTOR: "mp.messaging.incoming.<channel>.connector", Kind::Text, "",
        "`quarkus-http`, `smallrye-kafka` or `rondo-nats`; `kogito_incoming_stream` is there by default and takes events at `POST /`";
    INCOMING_PATH: "mp.messaging.incoming.<channel>.path", Kind::Text, "/<channel>", "where an HTTP channel takes events";
    INCOMING_METHOD: "mp.messaging.incoming.<channel>.method", Kind::Choice(&["POST", "PUT", "PATCH"]), "POST", "its method";
    INCOMING_TOPIC: "mp.messaging.incoming.<channel>.topic", Kind::Text, "the channel's name", "a topic of Kafka; with `topics` several, separated by commas";
    INCOMING_GROUP: "mp.messaging.incoming.<channel>.group.id", Kind::Text, "kafka.group.id, else quarkus.application.name, else rondo", "the consumer group of Kafka";
    INCOMING_RESET: "mp.messaging.incoming.<channel>.auto.offset.reset", Kind::Choice(&["earliest", "latest", "none"]), "latest", "where a new consumer group begins";
    INCOMING_SUBJECT: "mp.messaging.incoming.<channel>.subject", Kind::Text, "the channel's name", "a subject of NATS; may have wildcards";
    INCOMING_STREAM: "mp.messaging.incoming.<channel>.stream", Kind::Text, "",
        "the stream of JetStream that keeps the messages. Without one, messages that come while the engine is not there are lost";
    INCOMING_DURABLE: "mp.messaging.incoming.<channel>.durable", Kind::Text, "the application's and the channel's name", "the durable consumer of the stream";
    INCOMING_QUEUE: "mp.messaging.incoming.<channel>.queue", Kind::Text, "", "the queue group of a subscription without stream";
    OUTGOING_CONNECTOR: "mp.messaging.outgoing.<channel>.connector", Kind::Text, "",
        "`quarkus-http`, `smallrye-kafka` or `rondo-nats`; `kogito_outgoing_stream` is there by default and sends over HTTP";
    OUTGOING_URL: "mp.messaging.outgoing.<channel>.url", Kind::Text, "K_SINK, else http://localhost:9090",
        "the address of an HTTP channel. Here, in a topic and in a subject `{name}` stands for an attribute of the event; the second default is that of `kogito_outgoing_stream` only";
    OUTGOING_METHOD: "mp.messaging.outgoing.<channel>.method", Kind::Choice(&["POST", "PUT", "PATCH"]), "POST", "its method";
    OUTGOING_TOPIC: "mp.messaging.outgoing.<channel>.topic", Kind::Text, "the channel's name", "a topic of Kafka";
    OUTGOING_SUBJECT: "mp.messaging.outgoing.<channel>.subject", Kind::Text, "the channel's name", "a subject of NATS";
    OUTGOING_STREAM: "mp.messaging.outgoing.<channel>.stream", Kind::Text, "", "the stream of JetStream that must have taken an event before it counts as sent";
    CHANNEL_SERVERS: "mp.messaging.<direction>.<channel>.bootstrap.servers", Kind::Text, "kafka.bootstrap.servers", "servers of Kafka";
    CHANNEL_JAAS: "mp.messaging.<direction>.<channel>.sasl.jaas.config", Kind::Secret, "kafka.sasl.jaas.config", "credentials of Kafka";
    CHANNEL_SASL_PASSWORD: "mp.messaging.<direction>.<channel>.sasl.password", Kind::Secret, "kafka.sasl.password", "the password of `sasl.username`";
    CHANNEL_PASSWORD: "mp.messaging.<direction>.<channel>.password", Kind::Secret, "nats.password", "the password of `username` at NATS";
    CHANNEL_TOKEN: "mp.messaging.<direction>.<channel>.token", Kind::Secret, "nats.token", "a token of NATS";
    CHANNEL_SEED: "mp.messaging.<direction>.<channel>.nkey-seed", Kind::Secret, "nats.nkey-seed", "the seed of an NKey; the other settings of `nats.` can be given for a channel in this form too";
    KAFKA_SERVERS: "kafka.bootstrap.servers", Kind::Text, "localhost:9092", "servers of Kafka, for all channels";
    KAFKA_SECURITY: "kafka.security.protocol", Kind::Text, "PLAINTEXT", "`PLAINTEXT` or `SASL_PLAINTEXT`";
    KAFKA_JAAS: "kafka.sasl.jaas.config", Kind::Secret, "", "credentials of Kafka, for all channels";
    KAFKA_PASSWORD: "kafka.sasl.password", Kind::Secret, "", "the password of `kafka.sasl.username`";
    NATS_SERVERS: "nats.servers", Kind::Text, "NATS_URL, else nats://localhost:4222", "servers of NATS, for all channels";
    NATS_PASSWORD: "nats.password", Kind::Secret, "", "the password of `nats.username`";
    NATS_TOKEN: "nats.token", Kind::Secret, "", "a token of NATS, for all channels";
    NATS_SEED: "nats.nkey-seed", Kind::Secret, "", "the seed of an NKey that says who the engine is, for all channels";
    NATS_CREDENTIALS: "nats.credentials-file", Kind::Text, "", "a file with a token and an NKey, as NATS hands them out";
    NATS_TLS: "nats.tls", Kind::Flag, "false", "whether connections to NATS are encrypted, also where the address does not say `tls://`";
    NATS_CERTIFICATE: "nats.certificate-file", Kind::Text, "", "a certificate of the engine in PEM form, for servers that ask for one";
    NATS_KEY: "nats.key-file", Kind::Text, "", "the key of the certificate";

    CLIENT_URL: "quarkus.rest-client.<key>.url", Kind::Url, "the document's server", "address of a service";
    CLIENT_URI: "quarkus.rest-client.<key>.uri", Kind::Url, "", "the same";
    CLIENT_MP_URL: "<key>/mp-rest/url", Kind::Url, "", "the same";
    CLIENT_READ_TIMEOUT: "quarkus.rest-client.<key>.read-timeout", Kind::Millis, "", "milliseconds that a call may take";
    CLIENT_MP_READ_TIMEOUT: "<key>/mp-rest/readTimeout", Kind::Millis, "", "the same; the other settings of a client have such names too";
    CLIENTS_READ_TIMEOUT: "quarkus.rest-client.read-timeout", Kind::Millis, "", "the same for all clients that have none of their own; by default as `rondo.http.timeout` says";
    CLIENT_CONNECT_TIMEOUT: "quarkus.rest-client.<key>.connect-timeout", Kind::Millis, "10000", "milliseconds to connect";
    CLIENT_MP_CONNECT_TIMEOUT: "<key>/mp-rest/connectTimeout", Kind::Millis, "", "the same";
    CLIENTS_CONNECT_TIMEOUT: "quarkus.rest-client.connect-timeout", Kind::Millis, "10000", "the same for all clients";
    CLIENT_REDIRECTS: "quarkus.rest-client.<key>.follow-redirects", Kind::Flag, "",
        "whether redirects are followed: with `true` also to other hosts, which get no credentials; with `false` none; by default those on the same host";
    CLIENTS_REDIRECTS: "quarkus.rest-client.follow-redirects", Kind::Flag, "", "the same for all clients";
    CLIENT_PROXY: "quarkus.rest-client.<key>.proxy-address", Kind::Text, "",
        "`<host>:<port>` of the proxy that calls go through, or `none`; by default as `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` say";
    CLIENTS_PROXY: "quarkus.rest-client.proxy-address", Kind::Text, "", "the same for all clients";
    CLIENT_PROXY_USER: "quarkus.rest-client.<key>.proxy-user", Kind::Text, "", "user name at the proxy";
    CLIENTS_PROXY_USER: "quarkus.rest-client.proxy-user", Kind::Text, "", "the same for all clients";
    CLIENT_PROXY_PASSWORD: "quarkus.rest-client.<key>.proxy-password", Kind::Secret, "", "password at the proxy";
    CLIENTS_PROXY_PASSWORD: "quarkus.rest-client.proxy-password", Kind::Secret, "", "the same for all clients";
    CLIENT_NON_PROXY_HOSTS: "quarkus.rest-client.<key>.non-proxy-hosts", Kind::Text, "",
        "hosts that are reached without the proxy, separated by `|`; a `*` at an end stands for any text";
    CLIENTS_NON_PROXY_HOSTS: "quarkus.rest-client.non-proxy-hosts", Kind::Text, "", "the same for all clients";
    DEFAULT_SCHEME: "quarkus.openapi-generator.codegen.default-security-scheme", Kind::Text, "",
        "the security scheme of operations whose document asks for none";
    CONFIG_KEY: "quarkus.openapi-generator.codegen.spec.<key>.config-key", Kind::Text, "<key>",
        "another name for the client of a document; its credentials keep the document's key";
    API_KEY: "quarkus.openapi-generator.<key>.auth.<scheme>.api-key", Kind::Secret, "", "API key";
    API_KEY_REPEATS: "quarkus.openapi-generator.<key>.auth.<scheme>.use-authorization-header-value", Kind::Flag, "false",
        "the API key is the value of the `Authorization` header";
    USERNAME: "quarkus.openapi-generator.<key>.auth.<scheme>.username", Kind::Text, "", "HTTP basic";
    PASSWORD: "quarkus.openapi-generator.<key>.auth.<scheme>.password", Kind::Secret, "", "HTTP basic";
    BEARER_TOKEN: "quarkus.openapi-generator.<key>.auth.<scheme>.bearer-token", Kind::Secret, "", "HTTP bearer";
    PROPAGATION: "quarkus.openapi-generator.<key>.auth.<scheme>.token-propagation", Kind::Flag, "false",
        "the token of the start request is sent";
    PROPAGATED_HEADER: "quarkus.openapi-generator.<key>.auth.<scheme>.header-name", Kind::Text, "Authorization",
        "the header of the start request that holds it";
    OIDC_SERVER: "quarkus.oidc-client.<scheme>.auth-server-url", Kind::Url, "", "OAuth2 server";
    OIDC_TOKEN_PATH: "quarkus.oidc-client.<scheme>.token-path", Kind::Text, "", "path of its token endpoint, or the whole address";
    OIDC_DISCOVERY: "quarkus.oidc-client.<scheme>.discovery-enabled", Kind::Flag, "true", "its token endpoint is asked for";
    OIDC_ENABLED: "quarkus.oidc-client.<scheme>.client-enabled", Kind::Flag, "true", "with `false` calls get no token";
    OIDC_CLIENT_ID: "quarkus.oidc-client.<scheme>.client-id", Kind::Text, "", "client id";
    OIDC_SECRET: "quarkus.oidc-client.<scheme>.credentials.secret", Kind::Secret, "", "client secret";
    OIDC_CLIENT_SECRET: "quarkus.oidc-client.<scheme>.credentials.client-secret.value", Kind::Secret, "", "client secret";
    OIDC_METHOD: "quarkus.oidc-client.<scheme>.credentials.client-secret.method", Kind::Choice(&["basic", "post", "post-jwt", "post_jwt", "query"]), "basic",
        "how the secret is sent: as HTTP basic, in the form, as a token that is signed with it, or in the query";
    OIDC_JWT_SECRET: "quarkus.oidc-client.<scheme>.credentials.jwt.secret", Kind::Secret, "",
        "secret with which the client signs a token that shows who it is";
    OIDC_JWT_KEY: "quarkus.oidc-client.<scheme>.credentials.jwt.key", Kind::Secret, "", "private key for that, in PEM form";
    OIDC_JWT_KEY_FILE: "quarkus.oidc-client.<scheme>.credentials.jwt.key-file", Kind::Text, "", "file that holds it";
    OIDC_JWT_ALGORITHM: "quarkus.oidc-client.<scheme>.credentials.jwt.signature-algorithm",
        Kind::Choice(&["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384"]), "", "by default HS256 with a secret and RS256 with a key";
    OIDC_JWT_AUDIENCE: "quarkus.oidc-client.<scheme>.credentials.jwt.audience", Kind::Text, "the token endpoint", "`aud` of that token";
    OIDC_JWT_LIFESPAN: "quarkus.oidc-client.<scheme>.credentials.jwt.lifespan", Kind::Count { least: 1, most: u64::MAX }, "10", "seconds until it expires";
    OIDC_GRANT: "quarkus.oidc-client.<scheme>.grant.type", Kind::Text, "client", "`client` or `password`";
    OIDC_GRANT_OPTION: "quarkus.oidc-client.<scheme>.grant-options.<grant>.<name>", Kind::Secret, "",
        "a field of the token request; `username` and `password` of the password grant are such fields";
    OIDC_SCOPES: "quarkus.oidc-client.<scheme>.scopes", Kind::Text, "", "scopes that are asked for, separated by commas";
    OIDC_AUDIENCE: "quarkus.oidc-client.<scheme>.audience", Kind::Text, "", "for whom the token is, separated by commas";
    OIDC_HEADER: "quarkus.oidc-client.<scheme>.headers.<name>", Kind::Secret, "", "a header of the token request";
    OIDC_PROXY_HOST: "quarkus.oidc-client.<scheme>.proxy.host", Kind::Text, "", "proxy of the token requests; `proxy.port`, `proxy.username` and `proxy.password` stand beside it";
    OIDC_PROXY_PASSWORD: "quarkus.oidc-client.<scheme>.proxy.password", Kind::Secret, "", "password at that proxy";
    TRUST_ALL: "quarkus.tls.trust-all", Kind::Flag, "false", "certificates of services are not checked";
    TRUSTED: "quarkus.tls.trust-store.pem.certs", Kind::Files, "", "PEM files of trusted certificate authorities";
}
