//! The settings of a Kafka client.
//!
//! Owns: which properties of Java's Kafka client are used, and their names in librdkafka. Promises: a setting that cannot be honoured (TLS,
//! Kerberos) is an error, never ignored silently. `Debug` shows no value. Source: librdkafka's `CONFIGURATION.md`; Apache Kafka's "Consumer
//! Configs" and "Producer Configs".

use std::{collections::BTreeMap, fmt};

/// A Kafka cluster and the settings of its clients.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KafkaClient {
    /// Settings by librdkafka's names.
    pub(crate) settings: BTreeMap<&'static str, String>,
}

impl KafkaClient {
    /// Host names and ports, separated by commas.
    pub fn servers(&self) -> &str {
        self.settings.get(SERVERS).map_or("", String::as_str)
    }
}

impl fmt::Debug for KafkaClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("KafkaClient").field(&self.servers()).finish()
    }
}

/// librdkafka's name of the list of servers.
const SERVERS: &str = "bootstrap.servers";

/// Settings of consumers and producers: the name in Java and the name in librdkafka.
pub(super) const COMMON: &[(&str, &str)] = &[
    ("bootstrap.servers", SERVERS),
    ("client.id", "client.id"),
    ("client.rack", "client.rack"),
    ("connections.max.idle.ms", "connections.max.idle.ms"),
    ("metadata.max.age.ms", "topic.metadata.refresh.interval.ms"),
    ("reconnect.backoff.ms", "reconnect.backoff.ms"),
    ("reconnect.backoff.max.ms", "reconnect.backoff.max.ms"),
    ("retry.backoff.ms", "retry.backoff.ms"),
    ("sasl.username", "sasl.username"),
    ("sasl.password", "sasl.password"),
    ("socket.connection.setup.timeout.ms", "socket.connection.setup.timeout.ms"),
];

/// Settings of consumers.
pub(super) const CONSUMER: &[(&str, &str)] = &[
    ("auto.commit.interval.ms", "auto.commit.interval.ms"),
    ("auto.offset.reset", "auto.offset.reset"),
    ("check.crcs", "check.crcs"),
    ("fetch.max.bytes", "fetch.max.bytes"),
    ("fetch.max.wait.ms", "fetch.wait.max.ms"),
    ("fetch.min.bytes", "fetch.min.bytes"),
    ("group.instance.id", "group.instance.id"),
    ("heartbeat.interval.ms", "heartbeat.interval.ms"),
    ("isolation.level", "isolation.level"),
    ("max.partition.fetch.bytes", "max.partition.fetch.bytes"),
    ("max.poll.interval.ms", "max.poll.interval.ms"),
    ("session.timeout.ms", "session.timeout.ms"),
];

/// Settings of producers. `acks`, `enable.idempotence` and the like are missing on purpose: no setting may make sending less safe.
pub(super) const PRODUCER: &[(&str, &str)] = &[
    ("compression.type", "compression.type"),
    ("linger.ms", "linger.ms"),
    ("max.request.size", "message.max.bytes"),
    ("request.timeout.ms", "request.timeout.ms"),
];

/// Help for a channel that lacks a user name and password for Kafka.
pub(super) const CREDENTIALS_HELP: &str = "set `kafka.sasl.jaas.config` to `org.apache.kafka.common.security.plain.PlainLoginModule required username=\"…\" password=\"…\";`";

/// A setting that this build cannot honour.
pub(super) struct Refused {
    /// The attribute that requires it.
    pub(super) attribute: &'static str,
    pub(super) problem: String,
    /// What to do instead.
    pub(super) help: &'static str,
}

/// Checks that this build supports a `security.protocol` and a `sasl.mechanism`. librdkafka implements TLS and SCRAM with OpenSSL only, which is
/// not built in.
pub(super) fn check_security(protocol: &str, mechanism: Option<&str>) -> Result<(), Refused> {
    let refused = |attribute, problem, help| Err(Refused { attribute, problem, help });
    match protocol.to_ascii_uppercase().as_str() {
        "PLAINTEXT" => Ok(()),
        "SASL_PLAINTEXT" => match mechanism.unwrap_or("GSSAPI") {
            mechanism if mechanism.eq_ignore_ascii_case("PLAIN") => Ok(()),
            mechanism => refused(
                "sasl.mechanism",
                format!(
                    "`sasl.mechanism` is `{mechanism}`, and Kafka is told who the engine is by `PLAIN` only"
                ),
                "let a Kafka proxy beside the engine, such as kafka-proxy, log in at the brokers, and connect to it with \
                 `security.protocol=PLAINTEXT`; or give the engine a listener of the brokers with the mechanism `PLAIN`",
            ),
        },
        "SSL" | "SASL_SSL" => refused(
            "security.protocol",
            format!(
                "`security.protocol` is `{protocol}`, and connections to Kafka cannot be encrypted, whatever the format of the truststore"
            ),
            "let a Kafka proxy beside the engine, such as kafka-proxy, do TLS and log in at the brokers, and connect to it with \
             `security.protocol=PLAINTEXT`; stunnel will do where each broker has its address advertised as that of its tunnel. NATS and HTTP \
             have TLS",
        ),
        _ => refused(
            "security.protocol",
            format!("`security.protocol` is `{protocol}`, which Kafka does not have"),
            "there are `PLAINTEXT` and `SASL_PLAINTEXT`",
        ),
    }
}

/// Refuses values that librdkafka does not accept; the error uses librdkafka's name of the setting.
#[cfg(feature = "kafka")]
pub(super) fn check_settings(settings: &BTreeMap<&'static str, String>) -> Result<(), String> {
    let mut config = rdkafka::ClientConfig::new();
    for (name, value) in settings {
        config.set(*name, value);
    }
    match config.create_native_config() {
        Ok(_) => Ok(()),
        Err(rdkafka::error::KafkaError::ClientConfig(_, description, ..)) => Err(description),
        Err(error) => Err(error.to_string()),
    }
}

/// Accepts everything: without librdkafka the channel is unusable anyway.
#[cfg(not(feature = "kafka"))]
#[allow(clippy::unnecessary_wraps, reason = "the same face as with the library")]
pub(super) fn check_settings(_: &BTreeMap<&'static str, String>) -> Result<(), String> {
    Ok(())
}

/// User name and password of a `sasl.jaas.config`.
pub(super) fn jaas(config: &str) -> Option<(String, String)> {
    let value = |name: &str| {
        let at = config.match_indices(name).find_map(|(at, _)| {
            let is_word = config.get(..at)?.ends_with(|c: char| c.is_whitespace());
            let rest = config.get(at + name.len()..)?.trim_start().strip_prefix('=')?;
            is_word.then(|| rest.trim_start())
        })?;
        let quote = at.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let mut text = String::new();
        let mut characters = at.chars().skip(1);
        while let Some(character) = characters.next() {
            match character {
                '\\' => text.extend(characters.next()),
                end if end == quote => return Some(text),
                other => text.push(other),
            }
        }
        None
    };
    Some((value("username")?, value("password")?))
}
