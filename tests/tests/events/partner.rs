//! The service that instances call: it may send its callback before it answers, and it counts what instances say at their end.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::HeaderMap,
    routing::post,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch};

use crate::sender::{Event, Sender};

/// The service.
pub(crate) struct Partner {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    sender: Mutex<Option<Sender>>,
    /// By order: the events that are sent before the question about it is answered.
    before_answer: HashMap<usize, Vec<Event>>,
    /// Orders whose events were sent, so that a repeated question is answered at once.
    asked: Mutex<HashSet<usize>>,
    /// By order: the instance that asked about it.
    instances: Mutex<HashMap<usize, String>>,
    /// By order: the keys of the calls that reported its end.
    ends: Mutex<BTreeMap<usize, BTreeSet<String>>>,
    /// How many orders have ended.
    ended: watch::Sender<usize>,
}

impl Partner {
    /// Starts it at a free port. Of a question about one of these orders it sends the events before it answers.
    pub(crate) async fn start(before_answer: HashMap<usize, Vec<Event>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            sender: Mutex::default(),
            before_answer,
            asked: Mutex::default(),
            instances: Mutex::default(),
            ends: Mutex::default(),
            ended: watch::Sender::new(0),
        });
        let routes = Router::new()
            .route("/ask/{order}", post(ask))
            .route("/end/{order}", post(end))
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { address, shared }
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on it sends events.
    pub(crate) fn send_with(&self, sender: Sender) {
        *self.shared.sender.lock().unwrap() = Some(sender);
    }

    /// The instance that asked about an order.
    pub(crate) fn instance(&self, order: usize) -> String {
        self.shared.instances.lock().unwrap()[&order].clone()
    }

    /// How many orders have ended.
    pub(crate) fn ended(&self) -> watch::Receiver<usize> {
        self.shared.ended.subscribe()
    }

    /// How many different calls reported the end of each order.
    pub(crate) fn ends(&self) -> BTreeMap<usize, usize> {
        let ends = self.shared.ends.lock().unwrap();
        ends.iter().map(|(order, keys)| (*order, keys.len())).collect()
    }
}

async fn ask(State(shared): State<Arc<Shared>>, Path(order): Path<usize>, body: Json<Value>) -> Json<Value> {
    let instance = body["instance"].as_str().unwrap().to_owned();
    shared.instances.lock().unwrap().insert(order, instance.clone());
    let sender = shared.sender.lock().unwrap().clone().unwrap();
    if let Some(events) = shared.before_answer.get(&order)
        && shared.asked.lock().unwrap().insert(order)
    {
        // A task of its own, because the caller may go away meanwhile.
        let events = events.clone();
        let sending = tokio::spawn(async move {
            for mut event in events {
                for (_, value) in event.extensions.iter_mut().filter(|(name, _)| *name == "kogitoprocrefid") {
                    value.clone_from(&instance);
                }
                sender.send(&event).await;
            }
        });
        sending.await.unwrap();
    }
    Json(json!({"asked": true}))
}

async fn end(State(shared): State<Arc<Shared>>, Path(order): Path<usize>, headers: HeaderMap) -> Json<Value> {
    let key = headers["idempotency-key"].to_str().unwrap().to_owned();
    let mut ends = shared.ends.lock().unwrap();
    ends.entry(order).or_default().insert(key);
    shared.ended.send_replace(ends.len());
    Json(json!({}))
}
