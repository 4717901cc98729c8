//! Reads one channel: its connector and the connector's attributes.
//!
//! Promises: every attribute that the file sets is read, known to have no effect here, or reported.

use std::collections::BTreeMap;

use rondo_definition::{Diagnostic, Properties, Severity, codes, did_you_mean};
use url::Url;

use super::{
    AddressTemplate, HttpSource, KafkaClient, KafkaSource, NatsServers, NatsSource, Sink, Source,
    kafka::{self, COMMON, CONSUMER, PRODUCER},
    keys::{Attributes, Direction},
};

/// The connectors that there are.
const HTTP: &str = "quarkus-http";
const KAFKA: &str = "smallrye-kafka";
const NATS: &str = "rondo-nats";

/// Attributes of a connector, for both directions and for one.
const HTTP_INCOMING: &[&str] = &["path", "method"];
const HTTP_OUTGOING: &[&str] = &["url", "method"];
const KAFKA_ATTRIBUTES: &[&str] = &["topic", "security.protocol", "sasl.mechanism", "sasl.jaas.config"];
const KAFKA_INCOMING: &[&str] = &["topics", "group.id"];
const NATS_ATTRIBUTES: &[&str] =
    &["subject", "servers", "stream", "username", "password", "token", "credentials-file"];
const NATS_INCOMING: &[&str] = &["durable", "queue"];

/// Attributes of `SonataFlow`'s connectors, or their beginnings, that describe Java classes, threads, health or retries. The engine
/// has its own ways there, so they change nothing that anybody could rely on.
const WITHOUT_EFFECT: &[&str] = &[
    "acks",
    "broadcast",
    "buffer-size",
    "cloud-events",
    "commit-strategy",
    "concurrency",
    "converter",
    "delay",
    "delivery.timeout.ms",
    "emitter",
    "enable.auto.commit",
    "enable.idempotence",
    "enabled",
    "failure-strategy",
    "graceful-shutdown",
    "health",
    "jitter",
    "key.",
    "max-inflight-messages",
    "max-queue-size-factor",
    "max-retries",
    "max.in.flight",
    "max.poll.records",
    "maxPoolSize",
    "maxWaitQueueSize",
    "merge",
    "partition.assignment.strategy",
    "poll-timeout",
    "retries",
    "retry",
    "serializer",
    "throttled",
    "tracing-enabled",
    "value.",
    "waitForWriteCompletion",
];

/// One channel of the properties.
pub(super) struct Channel<'a> {
    properties: &'a Properties,
    problems: &'a mut Vec<Diagnostic>,
    direction: Direction,
    name: &'a str,
    keys: &'a Attributes,
}

/// The value, or why the channel is unusable; the problem is reported already.
type Read<T> = Result<T, String>;

impl<'a> Channel<'a> {
    pub(super) fn new(
        properties: &'a Properties,
        problems: &'a mut Vec<Diagnostic>,
        direction: Direction,
        name: &'a str,
        keys: &'a Attributes,
    ) -> Self {
        Self { properties, problems, direction, name, keys }
    }

    pub(super) fn is_enabled(&self) -> bool {
        let value = self.properties.get(&self.key("enabled"));
        value.is_none_or(|value| !value.trim().eq_ignore_ascii_case("false"))
    }

    /// Where an incoming channel's messages come from.
    pub(super) fn source(&mut self, default_path: &str) -> Read<Source> {
        let default = (default_path == "/").then_some(HTTP);
        match self.connector(default)? {
            HTTP => {
                self.report_unread(HTTP, &[HTTP_INCOMING], &[]);
                let method = self.method()?;
                let path = self.value("path")?.unwrap_or_else(|| default_path.to_owned());
                if !path.starts_with('/') || path.contains(['?', '#', '{', ' ']) {
                    return Err(
                        self.fail("path", format!("the path `{path}` is not a path such as `/events`"))
                    );
                }
                Ok(Source::Http(HttpSource { method, path }))
            }
            KAFKA => {
                self.report_unread(KAFKA, &[KAFKA_ATTRIBUTES, KAFKA_INCOMING], &[COMMON, CONSUMER]);
                let client = self.kafka_client(CONSUMER)?;
                let topics = self.of_connector(KAFKA, "topics")?.or(self.value("topic")?);
                let topics = topics.unwrap_or_else(|| self.name.to_owned());
                let topics = topics.split(',').map(|topic| topic.trim().to_owned());
                let group = match self.of_connector(KAFKA, "group.id")? {
                    Some(group) => group,
                    None => self.shared("kafka.group.id")?.unwrap_or_else(|| self.application()),
                };
                Ok(Source::Kafka(KafkaSource {
                    client,
                    topics: topics.filter(|topic| !topic.is_empty()).collect(),
                    group,
                }))
            }
            _ => {
                self.report_unread(NATS, &[NATS_ATTRIBUTES, NATS_INCOMING], &[]);
                let servers = self.nats_servers()?;
                let subject = self.value("subject")?.unwrap_or_else(|| self.name.to_owned());
                self.check_subject(&subject)?;
                let durable = self.of_connector(NATS, "durable")?;
                let durable = durable.unwrap_or_else(|| durable_name(&self.application(), self.name));
                let stream = self.of_connector(NATS, "stream")?;
                let queue = self.of_connector(NATS, "queue")?;
                Ok(Source::Nats(NatsSource { servers, subject, stream, durable, queue }))
            }
        }
    }

    /// Where an outgoing channel's messages go to. `default_url` is the address of an HTTP channel that has none of its own.
    pub(super) fn sink(&mut self, default_url: Option<&str>, is_default: bool) -> Read<Sink> {
        match self.connector(is_default.then_some(HTTP))? {
            HTTP => {
                self.report_unread(HTTP, &[HTTP_OUTGOING], &[]);
                let method = self.method()?;
                let Some(url) = self.value("url")?.or_else(|| default_url.map(str::to_owned)) else {
                    let message = format!("the channel `{}` has no address", self.name);
                    return Err(self.fail_with(
                        "url",
                        message,
                        &format!("set `{}`, or `K_SINK`", self.key("url")),
                    ));
                };
                let url = self.template("url", &url)?;
                let is_address = Url::parse(&url.sample())
                    .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
                if !is_address {
                    let message = format!(
                        "the address `{url}` of the channel `{}` is no http or https address",
                        self.name
                    );
                    return Err(self.fail("url", message));
                }
                Ok(Sink::Http { method, url })
            }
            KAFKA => {
                self.report_unread(KAFKA, &[KAFKA_ATTRIBUTES], &[COMMON, PRODUCER]);
                let client = self.kafka_client(PRODUCER)?;
                let topic = self.value("topic")?.unwrap_or_else(|| self.name.to_owned());
                Ok(Sink::Kafka { client, topic: self.template("topic", &topic)? })
            }
            _ => {
                self.report_unread(NATS, &[NATS_ATTRIBUTES], &[]);
                let servers = self.nats_servers()?;
                let subject = self.value("subject")?.unwrap_or_else(|| self.name.to_owned());
                let subject = self.template("subject", &subject)?;
                self.check_subject(&subject.sample())?;
                if subject.sample().contains(['*', '>']) {
                    return Err(self.fail(
                        "subject",
                        format!("nothing can be sent to the subject `{subject}`, which has wildcards"),
                    ));
                }
                Ok(Sink::Nats { servers, subject, stream: self.of_connector(NATS, "stream")? })
            }
        }
    }

    /// The connector; by what else is set if it is not named, as Quarkus does when only one is installed.
    fn connector(&mut self, default: Option<&'static str>) -> Read<&'static str> {
        let has = |attributes: &[&str]| attributes.iter().any(|attribute| self.keys.contains_key(*attribute));
        let found = match self.value("connector")? {
            Some(name) => {
                let Some(known) = [HTTP, KAFKA, NATS].into_iter().find(|known| *known == name) else {
                    let help = did_you_mean(&name, [HTTP, KAFKA, NATS].into_iter()).map_or_else(
                        || format!("there are `{HTTP}`, `{KAFKA}` and `{NATS}`"),
                        |known| format!("did you mean `{known}`?"),
                    );
                    let message =
                        format!("the channel `{}` has the connector `{name}`, which there is not", self.name);
                    return Err(self.fail_with("connector", message, &help));
                };
                known
            }
            None if has(&["topic", "topics", "bootstrap.servers", "group.id", "auto.offset.reset"]) => KAFKA,
            None if has(&["subject", "servers", "stream", "durable"]) => NATS,
            None if has(&["path", "url", "method"]) => HTTP,
            None => match default {
                Some(default) => default,
                None => {
                    let message = format!("the channel `{}` has no connector", self.name);
                    let help = format!("set `{}` to `{HTTP}`, `{KAFKA}` or `{NATS}`", self.key("connector"));
                    let key = self.keys.keys().next().cloned().unwrap_or_default();
                    return Err(self.fail_with(&key, message, &help));
                }
            },
        };
        let is_built = match found {
            KAFKA => cfg!(feature = "kafka"),
            NATS => cfg!(feature = "nats"),
            _ => true,
        };
        if is_built {
            return Ok(found);
        }
        let message = format!(
            "the channel `{}` needs the connector `{found}`, and this build of Rondo does not have it",
            self.name
        );
        Err(self.fail("connector", message))
    }

    fn method(&mut self) -> Read<String> {
        let method = self.value("method")?.unwrap_or_else(|| "POST".to_owned()).to_ascii_uppercase();
        if matches!(method.as_str(), "POST" | "PUT" | "PATCH") {
            return Ok(method);
        }
        Err(self.fail("method", format!("the method `{method}` is not one of `POST`, `PUT` and `PATCH`")))
    }

    fn template(&mut self, attribute: &str, text: &str) -> Read<AddressTemplate> {
        AddressTemplate::parse(text).map_err(|problem| {
            self.fail(attribute, format!("the {attribute} of the channel `{}` {problem}", self.name))
        })
    }

    fn check_subject(&mut self, subject: &str) -> Read<()> {
        let is_token = |token: &str| !token.is_empty() && !token.contains(char::is_whitespace);
        if subject.split('.').all(is_token) {
            return Ok(());
        }
        Err(self.fail("subject", format!("the subject `{subject}` is not words separated by dots")))
    }

    fn kafka_client(&mut self, of_direction: &'static [(&'static str, &'static str)]) -> Read<KafkaClient> {
        let mut settings = BTreeMap::new();
        for (java, name) in COMMON.iter().chain(of_direction) {
            if let Some(value) = self.of_kafka(java)? {
                // Java calls it so when a consumer without an offset fails.
                let value =
                    if *java == "auto.offset.reset" && value == "none" { "error".to_owned() } else { value };
                settings.insert(*name, value);
            }
        }
        settings.entry("bootstrap.servers").or_insert_with(|| "localhost:9092".to_owned());
        let protocol = self.of_kafka("security.protocol")?.unwrap_or_else(|| "PLAINTEXT".to_owned());
        let mechanism = self.of_kafka("sasl.mechanism")?;
        kafka::check_security(&protocol, mechanism.as_deref()).map_err(|problem| {
            self.fail("security.protocol", format!("of the channel `{}`, {problem}", self.name))
        })?;
        if protocol.eq_ignore_ascii_case("SASL_PLAINTEXT") {
            settings.insert("security.protocol", "sasl_plaintext".to_owned());
            settings.insert("sasl.mechanism", "PLAIN".to_owned());
            if let Some(config) = self.of_kafka("sasl.jaas.config")? {
                let Some((username, password)) = kafka::jaas(&config) else {
                    let message = format!(
                        "the `sasl.jaas.config` of the channel `{}` has no `username=\"…\" password=\"…\"`",
                        self.name
                    );
                    return Err(self.fail("sasl.jaas.config", message));
                };
                settings.insert("sasl.username", username);
                settings.insert("sasl.password", password);
            }
        }
        Ok(KafkaClient { settings })
    }

    fn nats_servers(&mut self) -> Read<NatsServers> {
        let mut of_nats = |attribute: &str| match self.of_connector(NATS, attribute)? {
            Some(value) => Ok(Some(value)),
            None => self.shared(&format!("nats.{attribute}")),
        };
        let (username, password) = (of_nats("username")?, of_nats("password")?);
        let (token, credentials_file) = (of_nats("token")?, of_nats("credentials-file")?);
        let servers = match of_nats("servers")? {
            Some(servers) => servers,
            None => self.shared("NATS_URL")?.unwrap_or_else(|| "nats://localhost:4222".to_owned()),
        };
        Ok(NatsServers { servers, username, password, token, credentials_file })
    }

    /// A setting of the Kafka client: of the channel, of all channels of the connector, or of all Kafka clients.
    fn of_kafka(&mut self, attribute: &str) -> Read<Option<String>> {
        match self.of_connector(KAFKA, attribute)? {
            Some(value) => Ok(Some(value)),
            None => self.shared(&format!("kafka.{attribute}")),
        }
    }

    /// An attribute of the channel, else of all channels of the connector.
    fn of_connector(&mut self, connector: &str, attribute: &str) -> Read<Option<String>> {
        match self.value(attribute)? {
            Some(value) => Ok(Some(value)),
            None => self.shared(&format!("mp.messaging.connector.{connector}.{attribute}")),
        }
    }

    fn value(&mut self, attribute: &str) -> Read<Option<String>> {
        self.shared(&self.key(attribute))
    }

    /// The value of a property; a blank one is absent.
    fn shared(&mut self, key: &str) -> Read<Option<String>> {
        match self.properties.resolve(key) {
            Ok(value) => Ok(value.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())),
            Err(error) => {
                let message = error.to_string();
                let problem = self.properties.diagnostic_at(
                    Severity::Warning,
                    codes::CHANNEL_WITHOUT_VALUE,
                    key,
                    message.clone(),
                );
                self.problems.push(
                    problem.help(format!("the channel `{}` cannot be used until it has a value", self.name)),
                );
                Err(message)
            }
        }
    }

    /// The name of the application, for what needs a name that other deployments do not have.
    fn application(&self) -> String {
        let name = self.properties.get("quarkus.application.name").map(|name| name.trim().to_owned());
        name.filter(|name| !name.is_empty()).unwrap_or_else(|| "rondo".to_owned())
    }

    fn key(&self, attribute: &str) -> String {
        let written = self.keys.get(attribute).cloned();
        written.unwrap_or_else(|| format!("{}{}.{attribute}", self.direction.prefix(), self.name))
    }

    fn fail(&mut self, attribute: &str, message: String) -> String {
        let key = self.key(attribute);
        self.problems.push(self.properties.diagnostic_at(
            Severity::Error,
            codes::CHANNEL,
            &key,
            message.clone(),
        ));
        message
    }

    fn fail_with(&mut self, attribute: &str, message: String, help: &str) -> String {
        let key = self.key(attribute);
        let problem = self.properties.diagnostic_at(Severity::Error, codes::CHANNEL, &key, message.clone());
        self.problems.push(problem.help(help));
        message
    }

    /// Reports attributes of the file that nothing reads.
    fn report_unread(&mut self, connector: &str, read: &[&[&str]], settings: &[&[(&str, &str)]]) {
        let of_kafka = settings.iter().flat_map(|table| table.iter().map(|(java, _)| *java));
        let known: Vec<&str> = ["connector"]
            .into_iter()
            .chain(read.iter().flat_map(|names| names.iter().copied()))
            .chain(of_kafka)
            .collect();
        for (attribute, key) in self.keys {
            let has_no_effect = WITHOUT_EFFECT.iter().any(|beginning| attribute.starts_with(beginning));
            if known.contains(&attribute.as_str()) || has_no_effect {
                continue;
            }
            let message = format!(
                "`{attribute}` of an {} channel with the connector `{connector}` is not read",
                self.direction.word()
            );
            let problem =
                self.properties.diagnostic_at(Severity::Warning, codes::CHANNEL_PROPERTY, key, message);
            let help = did_you_mean(attribute, known.iter().copied());
            self.problems.push(match help {
                Some(name) => problem.help(format!("did you mean `{name}`?")),
                None => problem,
            });
        }
    }
}

/// The name of a durable consumer: what NATS does not allow in it becomes `_`.
fn durable_name(application: &str, channel: &str) -> String {
    let name = format!("{application}-{channel}");
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect()
}
