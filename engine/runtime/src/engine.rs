//! The engine as others see it.
//!
//! ```text
//!  api ──▶ Engine ──▶ registry ──▶ drive (turn, commit, effects) ──▶ store
//!             ▲            ▲            │
//!          recovery      timers       calls ──▶ function
//! ```

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use rondo_definition::{Properties, Resources};
use rondo_expression::Val;
use rondo_function::{Caller, Secrets};
use rondo_machine::{Input, Snapshot};
use rondo_store::{Instance, Store};
use tokio::sync::{oneshot, watch};
use uuid::Uuid;

use crate::{
    Refusal, Start, View,
    at_work::AtWork,
    catalog::{Catalog, Deployed},
    clock::Clock,
    delta,
    families::Families,
    lanes::{self, Job, Lanes},
    living::{Limits, Living},
    recovery,
    registry::{Delivery, Registry, Signal, Work},
    seal::Sealer,
    tasks::Tasks,
    timers::{self, Timers},
};

/// A running engine; cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) registry: Registry,
    pub(crate) at_work: AtWork,
    pub(crate) lanes: Lanes,
    pub(crate) families: Families,
    pub(crate) timers: Timers,
    pub(crate) clock: Clock,
    pub(crate) caller: Caller,
    pub(crate) secrets: Secrets,
    pub(crate) calls: Tasks,
    pub(crate) properties: Properties,
    pub(crate) sealer: Sealer,
    pub(crate) limits: Limits,
    pub(crate) service_url: String,
    pub(crate) catalog: RwLock<Arc<Catalog>>,
    /// Revisions that are not served any more, but that running instances are pinned to.
    pub(crate) older: Mutex<HashMap<String, Arc<Deployed>>>,
    pub(crate) stopping: watch::Sender<bool>,
}

impl Engine {
    /// Starts an instance and answers when nothing of it is in flight any more.
    pub async fn start(&self, workflow: &str, start: Start) -> Result<View, Refusal> {
        let inner = &self.inner;
        if inner.is_stopping() {
            return Err(Refusal::Stopping);
        }
        let deployed = inner
            .catalog()
            .find(workflow, None)
            .ok_or_else(|| Refusal::UnknownWorkflow(workflow.to_owned()))?;
        if deployed.outline.starts_by_event {
            return Err(Refusal::StartsByEvent(workflow.to_owned()));
        }
        if let Some(node) = &start.start_at {
            deployed.check_state(node)?;
        }
        start.check_business_key()?;
        deployed.check_input(&start.data).map_err(Refusal::InvalidInput)?;
        let id = Uuid::now_v7();
        let headers = Arc::new(start.headers);
        let mut living = inner.new_living(id, deployed, start.data, headers, Arc::from([]));
        living.row.business_key = start.business_key;
        living.row.reference_id = start.reference_id;
        living.row.extra = (!start.extra.is_null()).then(|| start.extra.to_json());
        let (sender, receiver) = oneshot::channel();
        let delivery = Delivery::input(Input::Start { at: start.start_at }).with_reply(sender, true);
        inner.deliver_to(id, living, delivery);
        receiver.await.unwrap_or(Err(Refusal::Stopping))
    }

    /// An instance as it was last committed, ended ones too.
    pub async fn instance(&self, id: Uuid) -> Result<Option<View>, Refusal> {
        let row = self.inner.store.instance(id).await.map_err(stored)?;
        Ok(row.map(|row| view_of(&row)))
    }

    /// Ends an instance; what completed is compensated.
    pub async fn abort(&self, id: Uuid) -> Result<View, Refusal> {
        self.inner.families.asked_to_end([id]);
        self.ask(id, Input::Abort, true).await
    }

    /// Runs the failed step of an instance again; answers when nothing of it is in flight any more.
    pub async fn retrigger(&self, id: Uuid) -> Result<View, Refusal> {
        self.ask(id, Input::Retrigger, true).await
    }

    /// Leaves the failed step of an instance out; answers when nothing of it is in flight any more.
    pub async fn skip(&self, id: Uuid) -> Result<View, Refusal> {
        self.ask(id, Input::Skip, true).await
    }

    /// Replaces the data of an instance.
    pub async fn replace(&self, id: Uuid, data: Val) -> Result<View, Refusal> {
        self.ask(id, Input::Replace(data), false).await
    }

    /// Merges data into those of an instance.
    pub async fn patch(&self, id: Uuid, data: Val) -> Result<View, Refusal> {
        self.ask(id, Input::Patch(data), false).await
    }

    async fn ask(&self, id: Uuid, input: Input, when_settled: bool) -> Result<View, Refusal> {
        if self.inner.is_stopping() {
            return Err(Refusal::Stopping);
        }
        let (sender, receiver) = oneshot::channel();
        self.inner.deliver(id, Delivery::input(input).with_reply(sender, when_settled));
        receiver.await.unwrap_or(Err(Refusal::Stopping))
    }

    /// The served workflows, by id.
    pub fn workflows(&self) -> Vec<Arc<Deployed>> {
        self.inner.catalog().all().cloned().collect()
    }

    /// A served workflow.
    pub fn workflow(&self, id: &str) -> Option<Arc<Deployed>> {
        self.inner.catalog().find(id, None)
    }

    /// The workflow whose REST path is this: the part of its id after the last dot.
    pub fn workflow_by_path(&self, part: &str) -> Option<Arc<Deployed>> {
        self.inner.catalog().find_by_path(part)
    }

    /// The database, for queries.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.inner.store
    }

    /// Configuration of the served folder.
    pub fn properties(&self) -> &Properties {
        &self.inner.properties
    }

    /// Files of the served folder.
    pub fn resources(&self) -> Arc<Resources> {
        self.inner.catalog().resources()
    }

    /// Base of links to this engine, without a slash at the end.
    pub fn service_url(&self) -> &str {
        &self.inner.service_url
    }

    /// Variables of an instance as the Data Index shows them: `workflowdata`, `workflowdatainput` (not for a subflow) and those
    /// that were given beside the data.
    pub fn variables(&self, row: &Instance) -> Val {
        let data: Val = serde_json::from_str(&row.data).unwrap_or_default();
        let input = delta::decode(row.input.as_deref(), &data);
        let mut variables = Val::object([("workflowdata", data)]);
        if row.parent.is_none() {
            variables.insert("workflowdatainput", input);
        }
        let extra: Val =
            row.extra.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        for (name, value) in extra.members() {
            variables.insert(name, value.clone());
        }
        variables
    }

    /// Whether requests are taken.
    pub fn is_ready(&self) -> bool {
        !self.inner.is_stopping()
    }

    /// How many instances are being worked on right now.
    pub fn at_work(&self) -> usize {
        self.inner.registry.len()
    }

    /// Resolves, with the reason, when the database is lost: nothing can be kept any more, so the engine is to be stopped.
    pub async fn lost(&self) -> String {
        self.inner.store.lost().await.to_string()
    }

    /// Stops: takes nothing new, gives calls in flight the grace time, leaves the rest for recovery.
    pub async fn stop(&self, grace: Duration) {
        self.inner.stopping.send_replace(true);
        self.inner.calls.finish(grace).await;
        if let Err(error) = self.inner.store.close().await {
            tracing::error!(%error, "the database could not be closed in good order; nothing is lost");
        }
    }

    /// Begins to work: wakes what is due, takes up what was under way.
    pub(crate) fn run(self) -> Self {
        tokio::spawn(timers::run(Arc::clone(&self.inner)));
        tokio::spawn(recovery::run(Arc::clone(&self.inner)));
        self
    }
}

impl Inner {
    /// Gives an instance something to do.
    pub(crate) fn deliver(self: &Arc<Self>, id: Uuid, delivery: Delivery) {
        self.hand_over(id, None, delivery);
    }

    /// Gives an instance that nobody works on yet something to do.
    pub(crate) fn deliver_to(self: &Arc<Self>, id: Uuid, living: Box<Living>, delivery: Delivery) {
        self.hand_over(id, Some(living), delivery);
    }

    fn hand_over(self: &Arc<Self>, id: Uuid, living: Option<Box<Living>>, delivery: Delivery) {
        let (first, family) = (delivery.ends(), delivery.family);
        if let Work::IsYours(parked) = self.registry.deliver(id, delivery) {
            let living = parked.or(living);
            let family = living.as_deref().and_then(Living::family).or(family);
            lanes::work(self, family, Job { id, living, first });
        }
    }

    /// Tells an instance something that matters only while it is in memory.
    pub(crate) fn notice(self: &Arc<Self>, id: Uuid, signal: Signal) {
        if self.registry.is_here(id) {
            self.deliver(id, Delivery::signal(signal));
        }
    }

    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Resolves when the engine stops.
    pub(crate) async fn stopping(&self) {
        let mut stopping = self.stopping.subscribe();
        // The sender lives as long as the engine, so this ends only with `true`.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    }
}

/// An instance as a committed row shows it.
pub(crate) fn view_of(row: &Instance) -> View {
    let failure = Snapshot::stored_failure(&row.frames).map(|failed| crate::FailureView::of(&failed));
    View {
        id: row.id,
        workflow: row.workflow.clone(),
        state: row.state,
        data: serde_json::from_str(&row.data).unwrap_or_default(),
        failure,
    }
}

pub(crate) fn stored(error: impl std::fmt::Display) -> Refusal {
    Refusal::Store(error.to_string())
}
