//! Reads the source or sink of a channel, for each connector.

use std::collections::BTreeMap;

use url::Url;

use super::{
    AddressTemplate, HttpSource, KafkaClient, KafkaSource, NatsServers, NatsSource, Sink, Source,
    connectors::{Channel, HTTP, KAFKA, NATS, Read},
    kafka::{self, COMMON, CONSUMER, PRODUCER},
};

/// Attributes of each connector: for both directions, for incoming and for outgoing channels.
const HTTP_INCOMING: &[&str] = &["path", "method"];
const HTTP_OUTGOING: &[&str] = &["url", "method"];
const KAFKA_ATTRIBUTES: &[&str] = &["topic", "security.protocol", "sasl.mechanism", "sasl.jaas.config"];
const KAFKA_INCOMING: &[&str] = &["topics", "group.id"];
const NATS_ATTRIBUTES: &[&str] = &[
    "subject",
    "servers",
    "stream",
    "username",
    "password",
    "token",
    "credentials-file",
    "nkey-seed",
    "tls",
    "certificate-file",
    "key-file",
];
const NATS_INCOMING: &[&str] = &["durable", "queue"];

impl Channel<'_> {
    /// The source of an incoming channel.
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

    /// The sink of an outgoing channel. `default_url` is the address of an HTTP channel that sets none of its own.
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
                    return Err(self.fail_for_now(&self.key("url"), message));
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
                // With `none`, Java's consumer fails if it has no offset; librdkafka calls this `error`.
                let value =
                    if *java == "auto.offset.reset" && value == "none" { "error".to_owned() } else { value };
                settings.insert(*name, value);
            }
        }
        settings.entry("bootstrap.servers").or_insert_with(|| "localhost:9092".to_owned());
        let protocol = self.of_kafka("security.protocol")?.unwrap_or_else(|| "PLAINTEXT".to_owned());
        let mechanism = self.of_kafka("sasl.mechanism")?;
        if let Err(refused) = kafka::check_security(&protocol, mechanism.as_deref()) {
            let message = format!("of the channel `{}`, {}", self.name, refused.problem);
            return Err(self.fail_with(refused.attribute, message, refused.help));
        }
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
            if !(settings.contains_key("sasl.username") && settings.contains_key("sasl.password")) {
                let message = format!("the channel `{}` has no user name and password for Kafka", self.name);
                return Err(self.fail_with("security.protocol", message, kafka::CREDENTIALS_HELP));
            }
        }
        kafka::check_settings(&settings).map_err(|problem| {
            let message =
                format!("the Kafka settings of the channel `{}` cannot be used: {problem}", self.name);
            self.fail("connector", message)
        })?;
        Ok(KafkaClient { settings })
    }

    fn nats_servers(&mut self) -> Read<NatsServers> {
        let mut of_nats = |attribute: &str| match self.of_connector(NATS, attribute)? {
            Some(value) => Ok(Some(value)),
            None => self.shared(&format!("nats.{attribute}")),
        };
        let (username, password) = (of_nats("username")?, of_nats("password")?);
        let (token, credentials_file) = (of_nats("token")?, of_nats("credentials-file")?);
        let (nkey_seed, requires_tls) = (of_nats("nkey-seed")?, of_nats("tls")?);
        let (certificate_file, key_file) = (of_nats("certificate-file")?, of_nats("key-file")?);
        let servers = match of_nats("servers")? {
            Some(servers) => servers,
            None => self.shared("NATS_URL")?.unwrap_or_else(|| "nats://localhost:4222".to_owned()),
        };
        let requires_tls = match requires_tls.as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(other) => {
                return Err(self.fail(
                    "tls",
                    format!(
                        "`tls` of the channel `{}` is `{other}`, which is not `true` or `false`",
                        self.name
                    ),
                ));
            }
        };
        let certificate = match (certificate_file, key_file) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            (certificate, _) => {
                let (there, missing) = match certificate {
                    Some(_) => ("certificate-file", "key-file"),
                    None => ("key-file", "certificate-file"),
                };
                let message = format!("the channel `{}` has a `{there}` without `{missing}`", self.name);
                let help = "a certificate and its key are two files in PEM";
                return Err(self.fail_with(there, message, help));
            }
        };
        Ok(NatsServers {
            servers,
            username,
            password,
            token,
            credentials_file,
            nkey_seed,
            requires_tls,
            certificate,
        })
    }
}

/// The name of a durable consumer. Characters that NATS does not allow become `_`.
fn durable_name(application: &str, channel: &str) -> String {
    let name = format!("{application}-{channel}");
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect()
}
