use axum::{Router, body::Bytes, extract::State, http::StatusCode, http::Uri, routing::post};
use rondo_definition::{Environment, Properties};
use serde_json::Value;
use tokio::{net::TcpListener, sync::mpsc};

use super::*;
use crate::{
    desk::tests::resting_desk,
    model::{Act, EventKind, Happened, NewRequest, Request},
};

/// A receiver: what it got, as path and event. The first message to `/billing` is refused.
async fn receiver() -> (String, mpsc::UnboundedReceiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (got, all) = mpsc::unbounded_channel();
    let take = async |State(got): State<mpsc::UnboundedSender<(String, Value)>>, uri: Uri, body: Bytes| {
        static REFUSED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
        if uri.path() == "/billing" && !REFUSED.swap(true, std::sync::atomic::Ordering::Relaxed) {
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        got.send((uri.path().to_owned(), serde_json::from_slice(&body).unwrap())).unwrap();
        StatusCode::ACCEPTED
    };
    let router = Router::new().route("/{consumer}", post(take)).with_state(got);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, all)
}

fn properties(address: &str) -> Properties {
    let channels = ["provisioning-events", "provisioning-events-billing", "provisioning-events-crm"].map(|channel| {
        let name = channel.rsplit('-').next().unwrap_or_default();
        format!(
            "mp.messaging.outgoing.{channel}.connector=quarkus-http\nmp.messaging.outgoing.{channel}.url={address}/{name}\n\
             kogito.addon.messaging.outgoing.cloudEventMode.{channel}=structured\n"
        )
    });
    let text =
        format!("{}rondo.desk.events.crm=provisioning.started, service.activated\n", channels.concat());
    Properties::parse("application.properties", &text, Environment::new()).0
}

/// Every event that there is, of one request.
async fn announce_all(desk: &Desk) {
    let asked = serde_json::json!({
        "pool": "acme", "requester": "jane", "type": "vps", "provider": "simulation", "name": "shop", "resources": {},
    });
    let asked: NewRequest = serde_json::from_value(asked).unwrap();
    desk.change(&Person::desk(), move |work| {
        let mut request = Request::new("r1".to_owned(), asked.clone(), work.now);
        for kind in EventKind::ALL {
            request.events += 1;
            let act = Act { by: "desk", why: None, now: work.now };
            let event = Happened { kind, ..event_of(&request, act) };
            work.announce(&request.id, "acme", &event)?;
        }
        Ok(())
    })
    .await
    .unwrap();
}

fn event_of(request: &Request, act: Act<'_>) -> Happened {
    Happened {
        id: format!("{}-{}", request.id, request.events),
        kind: EventKind::Started,
        sequence: request.events,
        data: serde_json::json!({"requestId": request.id}),
        at: act.now,
    }
}

#[tokio::test]
async fn each_consumer_gets_its_types_in_order_and_the_common_channel_gets_all() {
    let (address, mut got) = receiver().await;
    let desk = resting_desk(&properties(&address)).await;
    spawn(&desk);
    announce_all(&desk).await;
    let expected = [
        ("/events", EventKind::ALL.to_vec()),
        (
            "/billing",
            vec![EventKind::Allocated, EventKind::Completed, EventKind::Failed, EventKind::RolledBack],
        ),
        ("/crm", vec![EventKind::Started, EventKind::Activated]),
    ];
    let count = expected.iter().map(|(_, kinds)| kinds.len()).sum();
    let mut all = Vec::new();
    while all.len() < count {
        all.push(got.recv().await.unwrap());
    }
    for (path, kinds) in expected {
        let types: Vec<_> = all
            .iter()
            .filter(|(to, _)| to == path)
            .map(|(_, event)| event["type"].as_str().unwrap_or_default().to_owned())
            .collect();
        assert_eq!(types, kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>(), "{path}");
    }
    let (_, first) = all.iter().find(|(to, _)| to == "/billing").unwrap();
    assert_eq!(
        (&first["partitionkey"], &first["source"], &first["id"]),
        (&"r1".into(), &"/desk".into(), &"r1-3".into())
    );
    assert!(got.try_recv().is_err());
}

#[tokio::test]
async fn an_unknown_type_is_told_at_start() {
    let text = "rondo.desk.events.billing=provisioning.completed, provisioning.complete\n";
    let (properties, _) = Properties::parse("application.properties", text, Environment::new());
    let error = crate::Settings::read(&properties, "http://localhost").err().unwrap().to_string();
    assert!(
        error.contains("rondo.desk.events.billing") && error.contains("`provisioning.complete` is none of"),
        "{error}"
    );
}
