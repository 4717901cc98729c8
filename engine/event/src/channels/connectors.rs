//! Reads the properties of one channel: its connector and its attributes.
//!
//! Promises: every attribute in the file is read, is known to have no effect here, or is reported.

use rondo_definition::{Diagnostic, Properties, Severity, codes, did_you_mean};

use super::keys::{Attributes, Direction};

/// The connectors that exist.
pub(super) const HTTP: &str = "quarkus-http";
pub(super) const KAFKA: &str = "smallrye-kafka";
pub(super) const NATS: &str = "rondo-nats";
pub(super) const CONNECTORS: [&str; 3] = [HTTP, KAFKA, NATS];

/// Attributes of `SonataFlow`'s connectors, or prefixes of them, that configure Java classes, threads, health or retries. The engine handles
/// these in its own way, so nobody can rely on them and they are ignored without a report.
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
    // Attributes of TLS; a channel whose protocol needs TLS is refused.
    "ssl.",
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
    pub(super) name: &'a str,
    keys: &'a Attributes,
}

/// The value, or the reason why the channel is unusable; the problem has already been reported.
pub(super) type Read<T> = Result<T, String>;

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

    /// The connector. If it is not named, the other attributes decide, as in Quarkus when only one connector is installed.
    pub(super) fn connector(&mut self, default: Option<&'static str>) -> Read<&'static str> {
        let has = |attributes: &[&str]| attributes.iter().any(|attribute| self.keys.contains_key(*attribute));
        let found = match self.value("connector")? {
            Some(name) => {
                let Some(known) = CONNECTORS.into_iter().find(|known| *known == name) else {
                    let help = format!("there are `{HTTP}`, `{KAFKA}` and `{NATS}`");
                    let message =
                        format!("the channel `{}` has the connector `{name}`, which there is not", self.name);
                    return Err(self.fail_with("connector", message, &help));
                };
                known
            }
            None if has(&["topic", "topics", "bootstrap.servers", "group.id", "auto.offset.reset"]) => KAFKA,
            None if has(&["subject", "servers", "stream", "durable"]) => NATS,
            None if has(&["path", "url", "method"]) => HTTP,
            None => {
                let Some(default) = default else {
                    let message = format!("the channel `{}` has no connector", self.name);
                    let help = format!("set `{}` to `{HTTP}`, `{KAFKA}` or `{NATS}`", self.key("connector"));
                    let attribute = self.keys.keys().next().cloned().unwrap_or_default();
                    return Err(self.fail_with(&attribute, message, &help));
                };
                default
            }
        };
        let is_built =
            (found != KAFKA || cfg!(feature = "kafka")) && (found != NATS || cfg!(feature = "nats"));
        if is_built {
            return Ok(found);
        }
        let message = format!(
            "the channel `{}` needs the connector `{found}`, and this build of Rondo does not have it",
            self.name
        );
        Err(self.fail("connector", message))
    }

    /// A setting of the Kafka client: from the channel, else from all channels of the connector, else from all Kafka clients.
    pub(super) fn of_kafka(&mut self, attribute: &str) -> Read<Option<String>> {
        match self.of_connector(KAFKA, attribute)? {
            Some(value) => Ok(Some(value)),
            None => self.shared(&format!("kafka.{attribute}")),
        }
    }

    /// An attribute of the channel, else of all channels of the connector.
    pub(super) fn of_connector(&mut self, connector: &str, attribute: &str) -> Read<Option<String>> {
        match self.value(attribute)? {
            Some(value) => Ok(Some(value)),
            None => self.shared(&format!("mp.messaging.connector.{connector}.{attribute}")),
        }
    }

    pub(super) fn value(&mut self, attribute: &str) -> Read<Option<String>> {
        self.shared(&self.key(attribute))
    }

    /// The value of a property; a blank one is absent.
    pub(super) fn shared(&mut self, key: &str) -> Read<Option<String>> {
        match self.properties.resolve(key) {
            Ok(value) => Ok(value.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())),
            Err(error) => Err(self.fail_for_now(key, error.to_string())),
        }
    }

    /// Reports a value that cannot be used here as a warning, so that the engine starts: another deployment may set another value, and events for
    /// the channel wait until then.
    pub(super) fn fail_for_now(&mut self, key: &str, message: String) -> String {
        let (severity, code) = (Severity::Warning, codes::CHANNEL_WITHOUT_VALUE);
        let problem = self.properties.diagnostic_at(severity, code, key, message.clone());
        let help = format!("the channel `{}` cannot be used until it has a value", self.name);
        self.problems.push(problem.help(help));
        message
    }

    /// The name of the application, for names that must differ between deployments.
    pub(super) fn application(&self) -> String {
        let name = self.properties.get("quarkus.application.name").map(|name| name.trim().to_owned());
        name.filter(|name| !name.is_empty()).unwrap_or_else(|| "rondo".to_owned())
    }

    pub(super) fn key(&self, attribute: &str) -> String {
        let written = self.keys.get(attribute).cloned();
        written.unwrap_or_else(|| format!("{}{}.{attribute}", self.direction.prefix(), self.name))
    }

    pub(super) fn fail(&mut self, attribute: &str, message: String) -> String {
        let problem = self.problem(attribute, &message);
        self.problems.push(problem);
        message
    }

    pub(super) fn fail_with(&mut self, attribute: &str, message: String, help: &str) -> String {
        let problem = self.problem(attribute, &message).help(help);
        self.problems.push(problem);
        message
    }

    /// A problem that points to an attribute, or to the channel's connector if the file does not set the attribute.
    fn problem(&self, attribute: &str, message: &str) -> Diagnostic {
        let at_attribute = self.properties.get(&self.key(attribute)).map(|_| attribute);
        let place = at_attribute.or(self.keys.contains_key("connector").then_some("connector"));
        self.properties.diagnostic_at(
            Severity::Error,
            codes::CHANNEL,
            &self.key(place.unwrap_or(attribute)),
            message,
        )
    }

    /// Reports attributes of the file that nothing reads.
    pub(super) fn report_unread(&mut self, connector: &str, read: &[&[&str]], settings: &[&[(&str, &str)]]) {
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
