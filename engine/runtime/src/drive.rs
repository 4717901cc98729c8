//! Works on one instance: processes its deliveries, one after the other, until there are none.
//!
//! Promises: a panic costs only the delivery that is being processed. The engine refuses the client of that delivery at once, drops the
//! instance in memory, and puts the instance in the database to ERROR with a message about the defect. A retrigger continues it.

use std::{any::Any, collections::VecDeque, pin::Pin, sync::Arc};

use rondo_machine::{CallNumber, Input, Status};
use rondo_program::Failure;
use uuid::Uuid;

use crate::{
    active_instance::ActiveInstance,
    crash_loop::DEATHS,
    delivery::{Delivery, Held, QueuedInput, Signal, refuse},
    dispatch::Worker,
    executor::Executor,
    panics,
    refusal::Refusal,
};

/// How many answers a turn takes at most besides its first one.
const ANSWERS: usize = 63;

impl Worker for Executor {
    fn work(
        self: Arc<Self>,
        id: Uuid,
        instance: Option<Box<ActiveInstance>>,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move { self.drive(id, instance).await })
    }
}

impl Executor {
    async fn drive(self: Arc<Self>, id: Uuid, mut instance: Option<Box<ActiveInstance>>) {
        while let Some((delivery, held)) = self.dispatcher.next(id, instance.take()) {
            let is_halt = delivery.is_halt();
            let handled = panics::caught(self.take_up(id, held, delivery)).await;
            instance = handled.unwrap_or_else(|panic| {
                self.has_panicked(id, is_halt, &*panic);
                None
            });
        }
    }

    /// Processes one delivery. A suspect of the crash loop is processed while no other suspect is.
    async fn take_up(
        self: &Arc<Self>,
        id: Uuid,
        instance: Option<Box<ActiveInstance>>,
        delivery: Delivery,
    ) -> Option<Box<ActiveInstance>> {
        match self.crash_loop.deaths(id) {
            0 => self.handle(id, instance, delivery).await,
            deaths => {
                let _alone = self.crash_loop.alone().await;
                self.handle_suspect(id, instance, delivery, deaths).await
            }
        }
    }

    /// Puts an instance to ERROR after a panic. If processing that halt panics too, it is not tried again.
    fn has_panicked(&self, id: Uuid, was_halt: bool, panic: &(dyn Any + Send)) {
        let text = panics::text(panic);
        tracing::error!(instance_id = %id, panic = text, "work on an instance ended in a defect of the engine");
        self.trees.has_dealt(id);
        if !was_halt {
            let failure = Failure::runtime(format!(
                "the engine met a defect while it worked on this instance ({text}), and so it is stopped: a retrigger goes on where it stopped"
            ));
            self.dispatcher.deliver_next(id, Delivery::input(Input::Halt(failure)));
        }
    }

    /// Processes one delivery of a suspect. After [`DEATHS`] ends of the process the delivery halts the instance, unless a client asked for it.
    async fn handle_suspect(
        self: &Arc<Self>,
        id: Uuid,
        instance: Option<Box<ActiveInstance>>,
        delivery: Delivery,
        deaths: u32,
    ) -> Option<Box<ActiveInstance>> {
        let was_asked_for = delivery.reply.is_some();
        if deaths < DEATHS || was_asked_for {
            return self.handle(id, instance, delivery).await;
        }
        if deaths > DEATHS {
            // Halting the instance has ended the process too, so it is not even read.
            tracing::error!(instance_id = %id, deaths, "the instance is not worked on any more, because working on it ends the process");
            return None;
        }
        let failure = Failure::runtime(format!(
            "the process ended {deaths} times while this instance was worked on, and so it is stopped: look for an expression, data, or the \
             answer of a service that takes all memory; a retrigger goes on where it stopped"
        ));
        let halt = Delivery { signal: Signal::Input(Box::new(Input::Halt(failure))), ..delivery };
        self.handle(id, instance, halt).await
    }

    /// Processes one delivery; returns the instance after it.
    async fn handle(
        self: &Arc<Self>,
        id: Uuid,
        instance: Option<Box<ActiveInstance>>,
        delivery: Delivery,
    ) -> Option<Box<ActiveInstance>> {
        let (is_abort, is_answer) = (delivery.is_abort(), delivery.is_answer());
        let Delivery { signal, reply, held, .. } = delivery;
        let loaded = match instance {
            Some(instance) => Ok(Some(instance)),
            None => self.load(id, reply.is_some()).await,
        };
        let mut instance = match loaded {
            Ok(Some(instance)) => instance,
            Ok(None) => {
                self.trees.has_dealt(id);
                if matches!(signal, Signal::Mailbox) {
                    self.empty_mailbox(id).await;
                }
                refuse(reply, Refusal::UnknownInstance(id));
                return None;
            }
            Err(refusal) => {
                // `load` has logged a damaged instance.
                if !matches!(refusal, Refusal::Damaged { .. }) {
                    tracing::error!(instance_id = %id, error = %refusal, "the instance cannot be loaded");
                }
                refuse(reply, refusal);
                return None;
            }
        };
        // The instance stood at a position that this build does not have. The turn halts it, and its client gets that error. An abort needs
        // no position, so it is processed.
        if let Some(failure) = instance.snapshot.lost_position()
            && !is_abort
        {
            return self.take_turn_with(instance, Input::Halt(failure), reply).await;
        }
        // All else waits until the instance has its place, which its mailbox announces.
        if instance.waits_for_place() && !is_for_waiting(&signal) {
            if let Some(reply) = reply {
                let is_at_error = instance.snapshot.status == Status::Error;
                reply.send(if is_at_error { Ok(instance.view()) } else { Err(Refusal::NotInError(id)) });
            }
            return None;
        }
        let instance = match signal {
            Signal::WaitForPlace(input) => {
                self.wait_for_place(instance, *input, reply).await;
                return None;
            }
            Signal::Input(input) if is_answer => self.take_answers(instance, *input, held).await,
            Signal::Input(input) => {
                let instance = self.take_turn_with(instance, *input, reply).await;
                if is_abort {
                    self.trees.has_dealt(id);
                }
                instance
            }
            Signal::Mailbox if instance.has_ended() => {
                self.empty_mailbox(id).await;
                self.trees.has_dealt(id);
                Some(instance)
            }
            Signal::Mailbox => self.read_mailbox(instance).await,
            Signal::ChildSettled(child) => {
                instance.unsettled.remove(&child);
                self.settle(&mut instance);
                Some(instance)
            }
            // The event that starts the instance is in its mailbox, or what it was asked for while it waited for a place.
            Signal::Recover if instance.starts_by_event() || instance.is_admitted_at_error() => {
                self.read_mailbox(instance).await
            }
            Signal::Recover => Some(instance),
        };
        match instance {
            // The store changes its row when it lets the instance go, so it does not stay in memory.
            Some(instance) if instance.waits_for_place() => None,
            Some(instance) if instance.is_admitted_at_error() => {
                self.give_place_back(&instance).await;
                None
            }
            Some(instance) if instance.is_idle && instance.snapshot.status == Status::Active => {
                self.resume(instance).await
            }
            Some(mut instance) if instance.is_idle => {
                // An instance that has ended or stands at an error does not go on, but its detached calls are repeated.
                let detached = instance.snapshot.detached_calls().collect();
                self.repeat_calls(&mut instance, detached);
                Some(instance)
            }
            other => other,
        }
    }

    /// Takes one turn with the answer to a call and the answers that came while the last turn was committed. A turn for each would need a
    /// commit for each, and write the same pages of the database again and again.
    async fn take_answers(
        self: &Arc<Self>,
        mut instance: Box<ActiveInstance>,
        first: Input,
        held: Held,
    ) -> Option<Box<ActiveInstance>> {
        let id = instance.row.id;
        let mut inputs = VecDeque::from([QueuedInput { input: first, message: None }]);
        let mut all_held = vec![held];
        for Delivery { signal, held, .. } in self.dispatcher.next_answers(id, ANSWERS) {
            if let Signal::Input(input) = signal {
                inputs.push_back(QueuedInput { input: *input, message: None });
                all_held.push(held);
            }
        }
        for held in &mut all_held {
            instance.take_memory(held.memory.take());
        }
        let instance = self.take_turn(instance, &mut inputs, None).await;
        // The turn reached its limit of steps, so the remaining answers are delivered again, in their order.
        while let Some(QueuedInput { input, .. }) = inputs.pop_back() {
            let held = all_held.pop().unwrap_or_default();
            self.dispatcher.deliver_next(id, Delivery { held, ..Delivery::input(input) });
        }
        instance
    }

    /// Resumes an instance that was read from the database: repeats the calls that were in flight, and takes a turn if the instance has not
    /// started or a frame can go on.
    async fn resume(self: &Arc<Self>, mut instance: Box<ActiveInstance>) -> Option<Box<ActiveInstance>> {
        instance.is_idle = false;
        let all = instance.idle_calls.clone();
        self.repeat_calls(&mut instance, all);
        let input = match () {
            () if instance.snapshot.is_new() => {
                Input::Start { at: instance.request.start_at.as_deref().map(str::to_owned) }
            }
            () if instance.snapshot.needs_turn() => Input::Tick,
            () => return Some(instance),
        };
        self.take_turn_with(instance, input, None).await
    }

    /// Repeats those of the given calls that were in flight when the instance was last in memory.
    fn repeat_calls(self: &Arc<Self>, instance: &mut ActiveInstance, calls: Vec<CallNumber>) {
        let id = instance.row.id;
        // The turn that was just taken has made the other calls already.
        let idle: Vec<_> = calls.into_iter().filter(|call| instance.idle_calls.contains(call)).collect();
        if idle.is_empty() {
            return;
        }
        instance.idle_calls.retain(|call| !idle.contains(call));
        let _mark = self.crash_loop.mark(id);
        let pending = rondo_machine::pending_calls(
            &instance.deployed.program,
            &instance.snapshot,
            &instance.context,
            self.clock.now(),
        );
        for (call, effect) in pending.into_iter().filter(|(call, _)| idle.contains(call)) {
            match effect {
                Ok(rondo_machine::Effect::Call(request)) => self.make_call(instance, request),
                Ok(_) => {}
                Err(failure) => {
                    self.dispatcher.deliver(id, Delivery::input(Input::CallFailed { call, failure }));
                }
            }
        }
    }
}

/// Whether a signal is for an instance that waits for a place of its concurrency group too: it may be ended, and its data be changed. What
/// it is asked for at its error, it waits to do.
fn is_for_waiting(signal: &Signal) -> bool {
    matches!(signal, Signal::Input(input) if !matches!(**input, Input::Retrigger | Input::Skip))
}
