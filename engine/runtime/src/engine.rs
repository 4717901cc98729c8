//! The public interface of the engine.
//!
//! ```text
//!  api ──▶ Engine ──▶ dispatch ──▶ drive ──▶ step: compute, plan, perform (commit, then effects) ──▶ store
//!                        ▲  ▲                                    │
//!                 recovery  wake                               calls ──▶ function
//! ```

use std::{sync::Arc, time::Duration};

use rondo_definition::Properties;
use rondo_event::{Channels, CloudEvent};
use rondo_expression::Val;
use rondo_function::CallLoad;
use rondo_machine::Input;
use rondo_memory::MemoryBudget;
use rondo_store::{Accepted, Instance, Store};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::{
    active_instance::ActiveInstance,
    brokers,
    catalog::Deployed,
    delivery::{Delivery, Reply},
    executor::Executor,
    forget,
    formats::{input, request::RequestContext},
    outbox,
    places::StoredInGroup,
    recovery,
    refusal::Refusal,
    row, schedules,
    start::Start,
    views::{InstanceView, ScheduleView},
    wake,
};

/// A running engine. Clones are cheap and share it.
#[derive(Clone)]
pub struct Engine {
    pub(crate) executor: Arc<Executor>,
    service_url: Arc<str>,
}

impl Engine {
    /// Starts the background tasks: timers, recovery, events, schedules.
    pub(crate) fn run(executor: Arc<Executor>, service_url: &str) -> Self {
        tokio::spawn(wake::run(Arc::clone(&executor)));
        tokio::spawn(recovery::run(Arc::clone(&executor)));
        // `stop` waits for this task, so that the broker gets the acknowledgements of accepted messages.
        executor.calls.spawn(brokers::run(Arc::clone(&executor)));
        tokio::spawn(outbox::run(Arc::clone(&executor)));
        tokio::spawn(forget::run(Arc::clone(&executor)));
        tokio::spawn(schedules::run(Arc::clone(&executor)));
        Self { executor, service_url: service_url.trim_end_matches('/').into() }
    }

    /// Starts an instance, and returns when nothing of it is in flight any more: it has ended, failed, or waits for a timer, an event or a
    /// place of its concurrency group.
    pub async fn start(&self, workflow: &str, start: Start) -> Result<InstanceView, Refusal> {
        let executor = &self.executor;
        if executor.is_stopping() {
            return Err(Refusal::Stopping);
        }
        executor.event_watch.check_room()?;
        let deployed = executor
            .catalog()
            .find(workflow, None)
            .ok_or_else(|| Refusal::UnknownWorkflow(workflow.to_owned()))?;
        if deployed.outline.starts_by_event {
            return Err(Refusal::StartsByEvent(workflow.to_owned()));
        }
        if let Some(state) = &start.start_at {
            deployed.check_state(state)?;
        }
        start.check_business_key()?;
        self.check_input(&deployed, &start.data).await?;
        let id = Uuid::now_v7();
        let place = executor.concurrency.place_for(&deployed.program.id, id, &start.data);
        let request = RequestContext {
            headers: Arc::new(start.headers),
            identity: start.identity.map(Into::into),
            // One that may have to wait needs it after a restart too.
            start_at: start.start_at.as_deref().filter(|_| place.is_some()).map(Into::into),
            ..RequestContext::default()
        };
        let now = executor.clock.now();
        let memory = start.memory.unwrap_or_else(|| executor.memory.share());
        let mut instance =
            ActiveInstance::new(id, deployed, start.data, request, memory, &executor.limits, now);
        instance.fit_memory()?;
        instance.row.business_key = start.business_key;
        instance.row.reference_id = start.reference_id;
        instance.row.extra = (!start.extra.is_null()).then(|| start.extra.to_json());
        if let Some(place) = place {
            match executor.store_in_group(instance, place).await? {
                StoredInGroup::Runs(stored) => instance = stored,
                StoredInGroup::Waits(view) => return Ok(*view),
            }
        }
        let (reply, answer) = Reply::channel(true);
        let delivery = Delivery::input(Input::Start { at: start.start_at }).with_reply(Some(reply));
        executor.dispatcher.deliver_to(instance, delivery);
        self.answer(id, answer).await
    }

    /// Checks the input: on this thread if a small budget is enough, else on the threads that compute turns.
    async fn check_input(&self, deployed: &Arc<Deployed>, data: &Val) -> Result<(), Refusal> {
        if let Some(checked) = deployed.check_input_quickly(data) {
            return checked.map_err(Refusal::InvalidInput);
        }
        let (deployed, data) = (Arc::clone(deployed), data.clone());
        let checked = self.executor.dispatcher.computing().run(move || deployed.check_input(&data)).await;
        checked
            .unwrap_or_else(|| Err("the engine met a defect while it checked the input".to_owned()))
            .map_err(Refusal::InvalidInput)
    }

    /// Accepts an event, and returns when it is durable. The instances that get it go on afterwards. An event whose source and id were
    /// received before has no effect.
    pub async fn receive(&self, event: &CloudEvent) -> Result<Accepted, Refusal> {
        self.executor.receive(event).await
    }

    /// The channels by which events come and go.
    pub fn channels(&self) -> &Channels {
        &self.executor.channels
    }

    /// The schedules of the served workflows, each with its next `count` moments.
    pub fn schedules(&self, count: usize) -> Vec<ScheduleView> {
        schedules::view(&self.executor, count)
    }

    /// An instance as of its last commit, also after it has ended; `None` if there is none of this id.
    pub async fn instance(&self, id: Uuid) -> Result<Option<InstanceView>, Refusal> {
        Ok(self.shown_row(id).await?.map(|row| row::view_of(&row)))
    }

    /// Aborts an instance: its completed states are compensated, then it ends. A second request ends it at once, without the rest of the
    /// compensation.
    pub async fn abort(&self, id: Uuid) -> Result<InstanceView, Refusal> {
        self.executor.trees.asked_to_end([id]);
        self.ask(id, Input::Abort, true).await
    }

    /// Runs the failed state or action of an instance again, and returns when nothing of it is in flight any more. If its concurrency group
    /// has no place for it, it does so when it has one, as for [`Engine::skip`].
    pub async fn retrigger(&self, id: Uuid) -> Result<InstanceView, Refusal> {
        self.ask(id, Input::Retrigger, true).await
    }

    /// Skips the failed state or action of an instance, and returns when nothing of it is in flight any more.
    pub async fn skip(&self, id: Uuid) -> Result<InstanceView, Refusal> {
        self.ask(id, Input::Skip, true).await
    }

    /// Replaces the data of an instance.
    pub async fn replace(&self, id: Uuid, data: Val) -> Result<InstanceView, Refusal> {
        self.ask(id, Input::Replace(data), false).await
    }

    /// Merges `data` into the data of an instance.
    pub async fn patch(&self, id: Uuid, data: Val) -> Result<InstanceView, Refusal> {
        self.ask(id, Input::Patch(data), false).await
    }

    async fn ask(&self, id: Uuid, input: Input, when_settled: bool) -> Result<InstanceView, Refusal> {
        if self.executor.is_stopping() {
            return Err(Refusal::Stopping);
        }
        let (reply, answer) = Reply::channel(when_settled);
        self.executor.dispatcher.deliver(id, Delivery::input(input).with_reply(Some(reply)));
        self.answer(id, answer).await
    }

    /// Waits for the answer. If the reply is dropped, either the engine stops or a panic has dropped the instance.
    async fn answer(
        &self,
        id: Uuid,
        answer: oneshot::Receiver<Result<InstanceView, Refusal>>,
    ) -> Result<InstanceView, Refusal> {
        let gone = |_| Err(if self.executor.is_stopping() { Refusal::Stopping } else { Refusal::Defect(id) });
        answer.await.unwrap_or_else(gone)
    }

    /// The served workflows, each in each of its versions.
    pub fn workflows(&self) -> Vec<Arc<Deployed>> {
        self.executor.catalog().all().cloned().collect()
    }

    /// The served workflows, each in its highest version, which is the one that a request starts.
    pub fn highest_workflows(&self) -> Vec<Arc<Deployed>> {
        let catalog = self.executor.catalog();
        catalog.all().filter(|deployed| catalog.is_highest(deployed)).cloned().collect()
    }

    /// A served workflow, in its highest version.
    pub fn workflow(&self, id: &str) -> Option<Arc<Deployed>> {
        self.executor.catalog().find(id, None)
    }

    /// The workflow that is served at this REST path: its id, or the part of its id after the last dot.
    pub fn workflow_by_path(&self, part: &str) -> Option<Arc<Deployed>> {
        self.executor.catalog().find_by_path(part)
    }

    /// The database, for queries.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.executor.store
    }

    /// The budget of memory for request bodies, answers and data.
    pub fn memory(&self) -> &MemoryBudget {
        &self.executor.memory
    }

    /// Properties of the root project, which configure the engine.
    pub fn properties(&self) -> &Properties {
        &self.executor.properties
    }

    /// Base of links to this engine, without a slash at the end.
    pub fn service_url(&self) -> &str {
        &self.service_url
    }

    /// Variables of an instance as the Data Index shows them: `workflowdata`, `workflowdatainput` (not for a subflow), and the extra
    /// variables of the start request. A variable that cannot be read is null.
    pub fn variables(&self, row: &Instance) -> Val {
        let unreadable = |error: &dyn std::fmt::Display| {
            tracing::error!(instance_id = %row.id, %error, "a variable of the instance cannot be read");
            Val::Null
        };
        let parse = |text: &str| Val::from_json(text.as_bytes()).unwrap_or_else(|error| unreadable(&error));
        let data = parse(&row.data);
        let mut variables = Val::object([("workflowdata", data.clone())]);
        if row.parent.is_none() {
            let input = input::decode(row.input.as_deref(), &data);
            variables.insert("workflowdatainput", input.unwrap_or_else(|error| unreadable(&error)));
        }
        let extra = row.extra.as_deref().map(parse).unwrap_or_default();
        for (name, value) in extra.members() {
            variables.insert(name, value.clone());
        }
        variables
    }

    /// How many calls of services are in flight, how many wait, and how many may be in flight.
    pub fn call_load(&self) -> CallLoad {
        self.executor.caller.load()
    }

    /// Whether the engine takes requests: until it stops.
    pub fn is_ready(&self) -> bool {
        !self.executor.is_stopping()
    }

    /// How many instances are being worked on or have work in flight. For tests, which wait until there is none.
    pub fn active_instances(&self) -> usize {
        self.executor.dispatcher.len()
    }

    /// Resolves, with the reason, when the database is lost. The engine can store nothing any more then, and the caller must stop it.
    pub async fn lost(&self) -> String {
        self.executor.store.lost().await.to_string()
    }

    /// Stops the engine: takes no new requests, waits up to `grace` for calls in flight, and leaves the rest for recovery at the next start.
    pub async fn stop(&self, grace: Duration) {
        let executor = &self.executor;
        executor.stop();
        executor.calls.close();
        let ended = async {
            executor.calls.wait().await;
            // A turn stores the answer of a call. Without it the next start would repeat the call.
            executor.dispatcher.finished().await;
        };
        tokio::select! {
            () = ended => {}
            () = executor.clock.sleep(grace) => {
                tracing::info!(calls = executor.calls.len(), "calls are left for recovery at the next start");
            }
        }
        if let Err(error) = executor.store.close().await {
            tracing::error!(%error, "the database could not be closed in good order; nothing is lost");
        }
    }
}
