//! The desk at work: units of work over the tables, and what happens by itself.
//!
//! ```text
//!  http ──▶ Desk::change ──▶ Work (one transaction): load, model decides, write, tell flows
//!                                    │ events            │ deliveries
//!  health: clusters that do not answer, tested again
//!  sweep: deadlines, reminders, ends of time     outbox ──▶ sink, Kafka      webhooks ──▶ receivers
//! ```

mod admission;
mod announcements;
mod approvals;
mod clock;
mod clusters;
mod credentials;
mod due;
mod gitlab;
mod health;
mod links;
mod mail;
mod new_webhook;
mod outbox;
mod placing;
mod probe;
mod product_use;
mod products;
mod requests;
mod spaces;
mod sweep;
#[cfg(test)]
pub(crate) mod tests;
mod ticket;
mod ticket_decision;
mod view;
mod webhook_address;
mod webhooks;
mod work;

use std::sync::Arc;

use rondo_event::{CloudEvent, Sender};
use rondo_function::Outbound;
use rondo_store::{Database, ReadQueue, StoreError, Transaction, WorkError, rusqlite::Connection};
use tokio::sync::{Notify, OnceCell, watch};

pub(crate) use clock::Clock;
pub(crate) use clusters::NewCluster;
pub(crate) use links::{LinkProblem, Linked};
pub(crate) use new_webhook::HookSecrets;
pub(crate) use probe::{Probe, Probed};
pub(crate) use products::{NewProduct, product_view};
pub(crate) use requests::{RequestAction, StepReport};
pub(crate) use view::{
    approval_view, cluster_view, delivery_view, event_view, pool_view, request_view, short_request_view,
    webhook_view,
};
pub(crate) use work::{Fault, Work};
pub use work::{SOURCE, TOLD_TYPES};

use crate::{
    gateway::Gateway,
    model::{LinkKey, Person},
    refusal::Refusal,
    settings::Settings,
};

/// What is done once a transaction is written.
pub type Afterwards = Box<dyn FnOnce() + Send>;

/// Hands events to flows inside of the transaction of the desk.
pub trait Flows: Send + Sync {
    /// Puts an event into the inbox of the engine. The answer is what to do once the transaction is written: the instances that the event
    /// starts, or that get it, go on. What fails takes the whole transaction back.
    fn tell(
        &self,
        transaction: &mut Transaction<'_>,
        event: &CloudEvent,
    ) -> Result<Afterwards, WorkError<String>>;

    /// Whether a flow starts by events of this type and source.
    fn has_one_for(&self, source: &str, event_type: &str) -> bool;
}

/// Encrypts what must not be in the database in clear.
pub trait Seal: Send + Sync {
    /// Encrypts a text that belongs to something of this name.
    fn seal(&self, owner: &str, text: &[u8]) -> Result<Vec<u8>, String>;
    /// Decrypts it.
    fn open(&self, owner: &str, sealed: &[u8]) -> Result<Vec<u8>, String>;
}

/// What the desk stands on.
pub struct Surroundings {
    /// The database of the engine, opened with the tables of the desk.
    pub database: Database,
    /// Where flows are told.
    pub flows: Arc<dyn Flows>,
    /// Encryption.
    pub seal: Arc<dyn Seal>,
    /// Where events go.
    pub sender: Arc<Sender>,
    /// Calls other systems.
    pub outbound: Outbound,
}

/// The desk. Clones are the same one.
#[derive(Clone)]
pub struct Desk(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) surroundings: Surroundings,
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    pub(crate) gateway: Gateway,
    /// Something was written that may be due.
    pub(crate) changed: Notify,
    /// Events were written; each of those who send them looks.
    pub(crate) has_events: watch::Sender<()>,
    pub(crate) has_deliveries: Notify,
    pub(crate) has_tickets: Notify,
    pub(crate) has_mails: Notify,
    /// The key of approval links, once it was read or made.
    pub(crate) link_key: OnceCell<LinkKey>,
}

impl Desk {
    /// Opens the desk and begins to work: deadlines, events, webhooks, tickets, mails.
    pub fn open(surroundings: Surroundings, settings: Settings) -> Self {
        let desk = Self::at_rest(surroundings, settings);
        tokio::spawn(sweep::run(desk.clone()));
        outbox::spawn(&desk);
        tokio::spawn(webhooks::run(desk.clone()));
        tokio::spawn(ticket::run(desk.clone()));
        tokio::spawn(health::run(desk.clone()));
        tokio::spawn(ticket_decision::run(desk.clone()));
        tokio::spawn(mail::run(desk.clone()));
        desk
    }

    /// A desk that does nothing by itself.
    fn at_rest(surroundings: Surroundings, settings: Settings) -> Self {
        if settings.is_open() {
            tracing::warn!("the desk has no users: everybody is its admin (rondo.desk.users.<name>.token)");
        }
        if settings.is_closed() {
            tracing::warn!(
                "no user of the desk has a token, so only flows can call it (rondo.desk.users.<name>.token)"
            );
        }
        let clock = Clock::new(settings.clock_speed);
        let [changed, has_deliveries, has_tickets, has_mails] = std::array::from_fn(|_| Notify::new());
        let shared = Shared {
            surroundings,
            settings,
            clock,
            gateway: Gateway::default(),
            changed,
            has_events: watch::Sender::new(()),
            has_deliveries,
            has_tickets,
            has_mails,
            link_key: OnceCell::new(),
        };
        Self(Arc::new(shared))
    }

    /// Changes something, in one transaction. `work` may run more than once; only the last time counts.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        person: &Person,
        mut work: impl FnMut(&mut Work<'_, '_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Refusal> {
        let shared = Arc::clone(&self.0);
        let person = person.clone();
        let done = self.0.surroundings.database.write(move |transaction| {
            let mut open = Work::new(&shared, transaction, &person);
            let done = work(&mut open)?;
            Ok((done, open.wrote, open.afterwards()))
        });
        let (done, wrote, afterwards) = done.await?;
        for act in afterwards {
            act();
        }
        let queues = [
            (&self.0.changed, true),
            (&self.0.has_tickets, true),
            (&self.0.has_deliveries, wrote.deliveries),
            (&self.0.has_mails, wrote.mails),
        ];
        for (queue, _) in queues.into_iter().filter(|(_, has_more)| *has_more) {
            queue.notify_one();
        }
        if wrote.events {
            self.0.has_events.send_replace(());
        }
        Ok(done)
    }

    /// Reads something.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Refusal> {
        let read = self.0.surroundings.database.read(ReadQueue::Short, |connection| match read(connection) {
            Ok(found) => Ok(Ok(found)),
            Err(WorkError::Refused(refusal)) => Ok(Err(refusal)),
            Err(WorkError::Sqlite(error)) => Err(StoreError::from(error)),
        });
        read.await?
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        // The engine closes the database when it stops, while the desk still looks for work.
        if matches!(error, StoreError::Closed) {
            tracing::debug!(%error, "the desk ends with the engine");
        } else {
            tracing::error!(%error, "the desk cannot use its database");
        }
        Self::unavailable("the database of the desk cannot be used now; the log of the engine says why")
    }
}
