//! The instances that are being worked on right now, and what is to be done with them.
//!
//! Promises: at most one task works on an instance at a time; what is delivered for an instance is taken up in the order of its arrival. An
//! instance that only waits for a moment or an event is not here at all.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use rondo_machine::Input;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use uuid::Uuid;

use crate::{Refusal, View, living::Living};

/// Locks are held for a few instructions only; several keep the workers out of each other's way.
const SHARDS: usize = 16;

/// Something to be done with an instance.
pub(crate) struct Delivery {
    pub(crate) signal: Signal,
    pub(crate) reply: Option<Reply>,
    /// Root of the family, where whoever delivers knows it and the instance may not be in memory.
    pub(crate) family: Option<Uuid>,
    /// Held until the delivery has been dealt with: bounds how much is taken up at once.
    pub(crate) _permit: Option<OwnedSemaphorePermit>,
}

/// What happened, or what is asked.
pub(crate) enum Signal {
    /// An input of the machine.
    Input(Box<Input>),
    /// There may be something in its mailbox.
    Mail,
    /// A child instance has nothing in flight any more.
    ChildSettled(Uuid),
    /// Take up what was under way when the engine stopped.
    Recover,
}

/// Who wants to know, and when.
pub(crate) struct Reply {
    pub(crate) to: oneshot::Sender<Result<View, Refusal>>,
    /// Answer only when nothing of the instance is in flight any more.
    pub(crate) when_settled: bool,
}

impl Delivery {
    pub(crate) fn input(input: Input) -> Self {
        Self::signal(Signal::Input(Box::new(input)))
    }

    pub(crate) fn signal(signal: Signal) -> Self {
        Self { signal, reply: None, family: None, _permit: None }
    }

    pub(crate) fn with_reply(self, to: oneshot::Sender<Result<View, Refusal>>, when_settled: bool) -> Self {
        Self { reply: Some(Reply { to, when_settled }), ..self }
    }

    pub(crate) fn of_family(self, family: Option<Uuid>) -> Self {
        Self { family, ..self }
    }

    /// Whether it is to be taken up before what others of the family have to do.
    pub(crate) fn ends(&self) -> bool {
        matches!(&self.signal, Signal::Input(input) if matches!(**input, Input::Abort))
    }

    pub(crate) fn with_permit(self, permit: OwnedSemaphorePermit) -> Self {
        Self { _permit: Some(permit), ..self }
    }
}

/// Who works on an instance after a delivery.
pub(crate) enum Work {
    /// Somebody does already, and takes the delivery up.
    IsDone,
    /// Whoever delivered; with the instance, if it is in memory.
    IsYours(Option<Box<Living>>),
}

#[derive(Default)]
struct Slot {
    queue: VecDeque<Delivery>,
    /// The instance between two deliveries, while calls are in flight.
    parked: Option<Box<Living>>,
    running: bool,
}

/// All instances that are being worked on.
#[derive(Default)]
pub(crate) struct Registry {
    shards: [Mutex<HashMap<Uuid, Slot>>; SHARDS],
}

impl Registry {
    /// Adds a delivery. When nobody works on the instance the caller must, with what was parked.
    #[must_use]
    pub(crate) fn deliver(&self, id: Uuid, delivery: Delivery) -> Work {
        let mut shard = self.shard(id);
        let slot = shard.entry(id).or_default();
        slot.queue.push_back(delivery);
        if slot.running {
            return Work::IsDone;
        }
        slot.running = true;
        Work::IsYours(slot.parked.take())
    }

    /// The next delivery. Without one the instance is parked, or forgotten when `living` is `None`; the caller is done.
    pub(crate) fn next(
        &self,
        id: Uuid,
        living: Option<Box<Living>>,
    ) -> Option<(Delivery, Option<Box<Living>>)> {
        let mut shard = self.shard(id);
        let slot = shard.get_mut(&id)?;
        if let Some(delivery) = slot.queue.pop_front() {
            return Some((delivery, living));
        }
        match living.filter(|living| living.stays()) {
            Some(living) => {
                slot.parked = Some(living);
                slot.running = false;
            }
            None => {
                shard.remove(&id);
            }
        }
        None
    }

    /// Whether an instance is being worked on.
    pub(crate) fn is_here(&self, id: Uuid) -> bool {
        self.shard(id).contains_key(&id)
    }

    /// How many instances are here.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }

    fn shard(&self, id: Uuid) -> MutexGuard<'_, HashMap<Uuid, Slot>> {
        let index = usize::from(id.as_bytes()[15]) % SHARDS;
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
