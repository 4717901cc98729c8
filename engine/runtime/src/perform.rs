//! Performs the plan of a turn: first the commit, then the effects.
//!
//! Promises: no call, start, answer or log line of a turn happens before the rows of the turn are durable; if the commit is refused, none of
//! them happens. No other module performs the effects of turns.

use std::sync::Arc;

use rondo_machine::Input;

use crate::{
    active_instance::ActiveInstance,
    delivery::{Delivery, Reply, Signal},
    executor::{Executor, Stored},
    lifecycle_log,
    plan::{Plan, Then},
    refusal::Refusal,
};

impl Executor {
    /// Performs a plan, and returns the instance after the turn. `None` if the instance has ended and has no calls in flight, or if the commit
    /// failed, because the instance in memory may be out of date then. If another turn came first, `again` is delivered once more; if the
    /// instance has to wait for a place of its concurrency group, it waits to take `again` there.
    pub(crate) async fn perform(
        self: &Arc<Self>,
        mut instance: Box<ActiveInstance>,
        plan: Plan,
        reply: Option<Reply>,
        again: Option<Input>,
    ) -> Option<Box<ActiveInstance>> {
        let id = instance.row.id;
        let Plan { commit, committed, snapshot, then } = plan;
        // The children may read their messages right after the commit and clear these marks, so they are set before it.
        self.trees.asked_to_end(then.cancelled.iter().copied());
        rondo_store::failpoint("turn-before-commit");
        let stored = self.commit(commit, !instance.is_stored).await;
        let (mail, admitted) = if let Stored::Durable(committed) = stored {
            (committed.mail, committed.admitted)
        } else {
            // Nothing was written: no child starts, none is asked to end, and the instance in memory is dropped.
            self.take_back(&instance, &then);
            if let Stored::Refused(error) = stored {
                for reply in instance.waiters.into_iter().chain(reply) {
                    reply.send(Err(Refusal::Store(error.clone())));
                }
                return None;
            }
            for reply in instance.waiters {
                reply
                    .send(Err(Refusal::store("the instance was changed by somebody else; look at it again")));
            }
            let has_no_place = matches!(stored, Stored::NoPlace);
            if !has_no_place {
                tracing::warn!(instance_id = %id, "another turn came first; this one is computed again");
            }
            match again {
                Some(again) => {
                    let again = Box::new(again);
                    let signal =
                        if has_no_place { Signal::WaitForPlace(again) } else { Signal::Input(again) };
                    self.dispatcher.deliver(id, Delivery::signal(signal).with_reply(reply));
                }
                None => self.dispatcher.deliver_mailbox(id, None),
            }
            return None;
        };
        rondo_store::failpoint("turn-after-commit");
        self.crash_loop.has_finished(id);
        instance.is_unproven = false;
        instance.snapshot = snapshot;
        // The turn is durable, so it counts even if its data find no room in the budget. Later requests are refused then.
        let _ = instance.fit_memory();
        committed.apply(&mut instance);
        self.set_timer(id, &instance.snapshot);
        self.carry_out(&mut instance, then);
        for id in mail {
            self.dispatcher.deliver_mailbox(id, None);
        }
        self.wake_admitted(&admitted);
        match reply {
            Some(reply) if reply.when_settled => instance.waiters.push(reply),
            Some(reply) => reply.send(Ok(instance.view())),
            None => {}
        }
        if instance.snapshot.needs_turn() {
            // The turn reached its limit of steps. The next one waits behind the deliveries that are queued already.
            self.dispatcher.deliver(id, Delivery::input(Input::Tick));
        }
        self.settle(&mut instance);
        let ended = instance.has_ended();
        if ended && instance.ancestry.is_some() && instance.row.root.is_none() {
            self.trees.forget(id);
        }
        (!ended || instance.snapshot.has_detached_calls()).then_some(instance)
    }

    /// Performs the effects of a turn whose rows are durable.
    fn carry_out(self: &Arc<Self>, instance: &mut ActiveInstance, then: Then) {
        let (id, root) = (instance.row.id, instance.tree());
        lifecycle_log::write(instance, &then.facts);
        for child in then.cancelled {
            self.dispatcher.deliver_mailbox(child, root);
        }
        if let Some(successor) = then.successor {
            instance.is_continued = true;
            let (workflow, continued_by) = (&instance.row.workflow, successor.row.id);
            tracing::info!(instance_id = %id, workflow, %continued_by, "a successor continues the instance");
            self.dispatcher.deliver_to(successor, Delivery::input(Input::Start { at: None }));
        }
        for child in then.started {
            if !then.detached.contains(&child.row.id) {
                instance.unsettled.insert(child.row.id);
            }
            self.dispatcher.deliver_to(child, Delivery::input(Input::Start { at: None }));
        }
        for (call, failure) in then.refused {
            // There is no child that could stand at the error, so the call of the parent fails. The parent counts as busy until it has
            // processed that, so its clients get the error in their answer.
            let child = instance.child_id(call);
            if then.detached.contains(&child) {
                if instance.has_ended() {
                    tracing::warn!(instance_id = %id, error = %failure.message, "a subflow that its parent does not wait for is not started");
                }
                self.dispatcher.deliver(id, Delivery::input(Input::CallFailed { call, failure }));
                continue;
            }
            instance.unsettled.insert(child);
            self.dispatcher.deliver(id, Delivery::input(Input::CallFailed { call, failure }));
            self.dispatcher.deliver(id, Delivery::signal(Signal::ChildSettled(child)));
        }
        if then.publishes {
            self.outbox_changed.notify_one();
        }
        for line in then.log {
            lifecycle_log::write_line(instance, &line);
        }
        for call in then.calls {
            self.make_call(instance, call);
        }
        if let Some(parent) = then.parent {
            self.dispatcher.deliver_mailbox(parent, root);
        }
    }

    /// Undoes the counts and marks of a plan whose commit failed.
    fn take_back(&self, instance: &ActiveInstance, then: &Then) {
        if !then.started.is_empty() {
            let started = u32::try_from(then.started.len()).unwrap_or(u32::MAX);
            self.trees.give_back(instance.root(), started);
        }
        for child in &then.cancelled {
            self.trees.has_dealt(*child);
        }
    }

    /// If nothing of the instance is in flight, answers its waiting clients and notifies the parent.
    pub(crate) fn settle(self: &Arc<Self>, instance: &mut ActiveInstance) {
        if !instance.is_settled() {
            return;
        }
        for reply in std::mem::take(&mut instance.waiters) {
            reply.send(Ok(instance.view()));
        }
        if let Some(parent) = instance.row.parent.filter(|_| !instance.is_continued) {
            self.dispatcher.notice(parent, Signal::ChildSettled(instance.awaited_as()));
        }
    }
}
