//! The ways by which events get to the engine: its own HTTP, NATS or Kafka.

use std::time::Duration;

use async_nats::jetstream;
use rdkafka::{
    message::{Header, OwnedHeaders},
    producer::{FutureProducer, FutureRecord},
};
use serde_json::{Value, json};

use crate::{kafka::KafkaBroker, nats::NatsServer, sender::Event};

/// How events get to the engine. Cheap to clone.
#[derive(Clone)]
#[allow(clippy::large_enum_variant, reason = "a test has one")]
pub(crate) enum Route {
    /// To the engine at this address.
    Http(reqwest::Client, String),
    /// To a subject that a stream keeps.
    Nats(jetstream::Context, &'static str),
    /// To a topic.
    Kafka(FutureProducer, &'static str),
}

/// What stands between the partner and the engine.
pub(crate) enum Way {
    Http,
    Nats(NatsServer),
    Kafka(KafkaBroker),
}

/// The media type of an event in JSON.
const STRUCTURED: &str = "application/cloudevents+json";

impl Way {
    /// The properties of an engine that gets its events by it.
    pub(crate) fn properties(&self) -> String {
        match self {
            Self::Http => String::new(),
            Self::Nats(server) => server.properties(),
            Self::Kafka(broker) => broker.properties(),
        }
    }

    /// The route to an engine.
    pub(crate) async fn route(&self, engine: &str) -> Route {
        match self {
            Self::Http => Route::http(engine),
            Self::Nats(server) => server.route().await,
            Self::Kafka(broker) => broker.route(),
        }
    }

    /// Has the broker end at once, if there is one, and begin again.
    pub(crate) async fn restart(&mut self) {
        match self {
            Self::Http => {}
            Self::Nats(server) => server.restart().await,
            Self::Kafka(broker) => broker.restart(),
        }
    }

    /// How many messages the engine has not acknowledged yet.
    pub(crate) async fn left(&self) -> usize {
        match self {
            Self::Http => 0,
            Self::Nats(server) => server.left().await,
            Self::Kafka(broker) => broker.left(),
        }
    }
}

impl Route {
    /// The route to an engine by its own HTTP.
    pub(crate) fn http(engine: &str) -> Self {
        Self::Http(reqwest::Client::new(), engine.to_owned())
    }

    /// Sends an event once; whether it was taken. An engine that answers anything but 202 fails the test.
    pub(crate) async fn send(&self, event: &Event) -> bool {
        match self {
            Self::Http(client, engine) => post(client, engine, event).await,
            Self::Nats(context, subject) => {
                let mut headers = async_nats::HeaderMap::new();
                headers.insert("content-type", STRUCTURED);
                let body = structured(event).to_string().into();
                match context.publish_with_headers(*subject, headers, body).await {
                    Ok(taken) => taken.await.is_ok(),
                    Err(_) => false,
                }
            }
            Self::Kafka(producer, topic) => {
                let header = Header { key: "content-type", value: Some(STRUCTURED) };
                let body = structured(event).to_string();
                let record = FutureRecord::to(topic).key(&event.id).payload(&body);
                let record = record.headers(OwnedHeaders::new().insert(header));
                producer.send(record, Duration::from_secs(5)).await.is_ok()
            }
        }
    }
}

async fn post(client: &reqwest::Client, engine: &str, event: &Event) -> bool {
    let mut request = client
        .post(format!("{engine}/"))
        .header("ce-specversion", "1.0")
        .header("ce-id", &event.id)
        .header("ce-source", "/partner")
        .header("ce-type", event.kind);
    for (name, value) in &event.extensions {
        request = request.header(format!("ce-{name}"), value);
    }
    let Ok(answer) = request.json(&event.data).send().await else { return false };
    assert_eq!(answer.status(), 202, "{event:?}");
    true
}

/// An event in the JSON format.
fn structured(event: &Event) -> Value {
    let mut whole = json!({
        "specversion": "1.0", "id": event.id, "source": "/partner", "type": event.kind, "data": event.data,
    });
    for (name, value) in &event.extensions {
        whole[*name] = json!(value);
    }
    whole
}
