//! One turn of an instance: computes it, makes its plan, and performs the plan.

use std::{collections::VecDeque, sync::Arc};

use rondo_machine::{Input, Status};
use uuid::Uuid;

use crate::{
    active_instance::ActiveInstance,
    delivery::{QueuedInput, Reply, refuse},
    executor::Executor,
    instance_tree::Room,
    plan::{Effects, Plan},
    refusal::Refusal,
    subflows::Sources,
    turn::{self, Outcome},
};

impl Executor {
    /// Takes a turn with one input; see [`Executor::take_turn`].
    pub(crate) async fn take_turn_with(
        self: &Arc<Self>,
        instance: Box<ActiveInstance>,
        input: Input,
        reply: Option<Reply>,
    ) -> Option<Box<ActiveInstance>> {
        let mut inputs = VecDeque::from([QueuedInput { input, message: None }]);
        self.take_turn(instance, &mut inputs, reply).await
    }

    /// Takes a turn. Returns the instance after it, or `None` if the instance has ended or must be read again. If the turn reaches its limit
    /// of steps, the inputs that it has not taken stay in `inputs`.
    pub(crate) async fn take_turn(
        self: &Arc<Self>,
        mut instance: Box<ActiveInstance>,
        inputs: &mut VecDeque<QueuedInput>,
        reply: Option<Reply>,
    ) -> Option<Box<ActiveInstance>> {
        let id = instance.row.id;
        let now = self.clock.now();
        let Some(first) = inputs.front().map(|queued| &queued.input) else { return Some(instance) };
        if matches!(first, Input::Tick)
            && instance.snapshot.wake_at().is_none_or(|at| at > now)
            && !instance.snapshot.needs_turn()
            && !instance.snapshot.has_unregistered_waits()
        {
            inputs.clear();
            self.set_timer(id, &instance.snapshot);
            return Some(instance);
        }
        let before = instance.snapshot.status;
        let is_abort = |queued: &QueuedInput| matches!(queued.input, Input::Abort);
        let was_asked_to_end = inputs.iter().any(is_abort);
        let (refusal, again) = (refusal_for(first, id, before), asked_again(first));
        let observed = self.process_events.observe(&instance);
        let mut outcome = self.compute(&mut instance, inputs, now).await;
        if !outcome.turn.accepted {
            instance.snapshot = outcome.turn.snapshot;
            self.discard_messages(id, outcome.consumed, outcome.returned).await;
            refuse(reply, refusal);
            return Some(instance);
        }
        if was_asked_to_end && !inputs.iter().any(is_abort) {
            // The turn has taken the abort. Subflows that it starts belong to its compensation, and may start.
            self.trees.has_dealt(id);
        }
        let effects = Effects::of(std::mem::take(&mut outcome.turn.effects));
        // From encoding to commit the instance is in memory three times, as values and as two texts, but its share counts the values only. So
        // few large instances are written at once.
        let _place = self.large_writes.enter(outcome.turn.snapshot.memory()).await;
        let room = self.room_for(&mut instance, &outcome.turn.snapshot, effects.children()).await;
        let catalog = self.catalog();
        let sources = Sources {
            catalog: &catalog,
            limits: &self.limits,
            memory: &self.memory,
            encryption: &self.encryption,
            channels: &self.channels,
            observed: observed.as_ref(),
            now,
        };
        let plan = Plan::new(&mut instance, before, outcome, effects, room, &sources);
        if let Room::For { granted, .. } = room {
            let started = plan.as_ref().map_or(0, |plan| plan.then.started.len());
            let unused = granted.saturating_sub(u32::try_from(started).unwrap_or(u32::MAX));
            if unused > 0 {
                self.trees.give_back(instance.root(), unused);
            }
        }
        let instance = match plan {
            Ok(plan) => self.perform(instance, plan, reply, again).await,
            Err(error) => {
                // The database has the instance as it was before the turn. The next load repeats the calls whose answers were in this turn.
                tracing::error!(instance_id = %id, %error, "a turn cannot be stored, so it has no effect");
                refuse(reply, Refusal::store(error));
                None
            }
        };
        if instance.is_none() {
            inputs.clear();
        }
        instance
    }

    /// Computes a turn. Marks an instance from the database in the file of `crash_loop` until its first finished turn.
    async fn compute(
        &self,
        instance: &mut ActiveInstance,
        inputs: &mut VecDeque<QueuedInput>,
        now: rondo_machine::Millis,
    ) -> Outcome {
        let _place = self.dispatcher.computing().place(|| instance.expected()).await;
        let _mark = if instance.is_unproven { self.crash_loop.mark(instance.row.id) } else { None };
        let before = rondo_expression::steps_taken();
        let outcome = turn::run(instance, inputs, &self.secrets, now);
        let cost = rondo_expression::steps_taken().wrapping_sub(before);
        instance.last_cost = cost;
        instance.deployed.cost.note(cost);
        outcome
    }
}

/// The refusal of an input that the instance did not accept.
fn refusal_for(input: &Input, id: Uuid, status: Status) -> Refusal {
    match input {
        Input::Retrigger => Refusal::NotInError(id),
        Input::Skip if status != Status::Error => Refusal::NotInError(id),
        Input::Skip => Refusal::CannotSkip(id),
        Input::Patch(_) | Input::Replace(_) if matches!(status, Status::Active | Status::Error) => {
            Refusal::DataTooLarge(id)
        }
        _ => Refusal::UnknownInstance(id),
    }
}

/// The input to deliver again if another turn came first. `None` for an answer, whose call is repeated when the instance is loaded, and for
/// a message, which is still in the mailbox.
fn asked_again(input: &Input) -> Option<Input> {
    match input {
        Input::Answered { .. } | Input::CallFailed { .. } | Input::ChildEnded { .. } | Input::Event(_) => {
            None
        }
        other => Some(other.clone()),
    }
}
