//! Works on one instance: takes up what is to be done with it, one thing after the other, until there is nothing more.

use std::{collections::VecDeque, sync::Arc};

use rondo_machine::{Input, Status};
use rondo_program::Failure;
use rondo_store::Commit;
use uuid::Uuid;

use crate::{
    Refusal,
    apply::{self, Heard, apply},
    at_work::DEATHS,
    children,
    engine::Inner,
    living::Living,
    registry::{Delivery, Signal},
};

/// Messages that are heard in one turn at most.
const LETTERS: usize = 64;

/// Works on an instance until its queue is empty.
pub(crate) async fn drive(inner: Arc<Inner>, id: Uuid, mut living: Option<Box<Living>>) {
    while let Some((delivery, held)) = inner.registry.next(id, living.take()) {
        let deaths = inner.at_work.deaths(id);
        living = if deaths == 0 {
            handle(&inner, id, held, delivery).await
        } else {
            let _alone = inner.at_work.alone().await;
            suspect(&inner, id, held, delivery, deaths).await
        };
    }
}

/// Deals with one delivery of an instance that was being computed when the process ended.
async fn suspect(
    inner: &Arc<Inner>,
    id: Uuid,
    living: Option<Box<Living>>,
    delivery: Delivery,
    deaths: u32,
) -> Option<Box<Living>> {
    let asked_for = delivery.reply.is_some();
    if deaths < DEATHS || asked_for {
        return handle(inner, id, living, delivery).await;
    }
    if deaths > DEATHS {
        // Not even reading it and saying so ends well.
        tracing::error!(instance_id = %id, deaths, "the instance is left alone: computing it ends the process");
        return None;
    }
    let failure = Failure::runtime(format!(
        "the process ended {deaths} times while this instance was computed, and so it is stopped: look for an expression, or data, that \
         take all memory; a retrigger goes on where it stopped"
    ));
    let halt = Delivery { signal: Signal::Input(Box::new(Input::Halt(failure))), ..delivery };
    handle(inner, id, living, halt).await
}

/// Deals with one delivery; gives the instance back as it is then.
async fn handle(
    inner: &Arc<Inner>,
    id: Uuid,
    living: Option<Box<Living>>,
    delivery: Delivery,
) -> Option<Box<Living>> {
    let Delivery { signal, reply, _permit, .. } = delivery;
    let living = match living {
        Some(living) => Ok(Some(living)),
        None => inner.load(id).await,
    };
    let mut living = match living {
        Ok(Some(living)) => living,
        Ok(None) => {
            inner.families.has_dealt(id);
            if matches!(signal, Signal::Mail) {
                throw_away(inner, id).await;
            }
            apply::refuse(reply, Refusal::UnknownInstance(id));
            return None;
        }
        Err(refusal) => {
            tracing::error!(instance_id = %id, error = %refusal, "the instance cannot be taken up");
            apply::refuse(reply, refusal);
            return None;
        }
    };
    // It stood at a position that this build does not have. Whoever asks gets that as the answer; an abort may go on.
    if let Some(failure) = living.snapshot.lost_position()
        && !matches!(&signal, Signal::Input(input) if matches!(**input, Input::Abort))
    {
        return apply(inner, living, &mut Heard::one(Input::Halt(failure)), reply).await;
    }
    let living = match signal {
        Signal::Input(input) => {
            let ends = matches!(*input, Input::Abort);
            let living = apply(inner, living, &mut Heard::one(*input), reply).await;
            if ends {
                inner.families.has_dealt(id);
            }
            living
        }
        Signal::Mail => read_mail(inner, living).await,
        Signal::ChildSettled(child) => {
            living.unsettled.remove(&child);
            apply::settle(inner, &mut living);
            Some(living)
        }
        Signal::Recover => Some(living),
    };
    match living {
        Some(living) if living.is_idle && living.snapshot.status == Status::Active => {
            recover(inner, living).await
        }
        other => other,
    }
}

/// Applies what parent and children have told, each message with the commit that removes it.
async fn read_mail(inner: &Arc<Inner>, living: Box<Living>) -> Option<Box<Living>> {
    let id = living.row.id;
    let mut living = Some(living);
    let mut letters = match inner.store.mailbox(id).await {
        Ok(letters) => letters.into_iter().peekable(),
        Err(error) => {
            tracing::error!(instance_id = %id, %error, "the mailbox cannot be read");
            return living;
        }
    };
    while letters.peek().is_some() {
        let mut held = living.take()?;
        let (mut heard, mut passed, mut ends) = (VecDeque::new(), Vec::new(), false);
        while heard.len() < LETTERS
            && !ends
            && let Some((number, payload)) = letters.next()
        {
            match children::Letter::input_for(&payload, &mut held) {
                Some(input) => {
                    // What follows is to be looked at again after the end.
                    ends = matches!(input, Input::Abort);
                    heard.push_back(Heard { input, message: Some(number) });
                }
                None => passed.push(number),
            }
        }
        forget(inner, passed).await;
        living = if heard.is_empty() { Some(held) } else { apply(inner, held, &mut heard, None).await };
        if ends {
            inner.families.has_dealt(id);
        }
        if !heard.is_empty() {
            // The turn was used up; the others of the family come first.
            inner.deliver_mailbox(id, None);
            return living;
        }
    }
    living
}

/// Removes messages that mean nothing any more.
pub(crate) async fn forget(inner: &Inner, messages_consumed: Vec<i64>) {
    if !messages_consumed.is_empty() {
        apply::store(inner, Commit { messages_consumed, ..Commit::default() }, true).await;
    }
}

/// Removes all messages of an instance that has ended.
async fn throw_away(inner: &Inner, id: Uuid) {
    if let Ok(messages) = inner.store.mailbox(id).await {
        forget(inner, messages.into_iter().map(|(number, _)| number).collect()).await;
    }
}

/// Takes up what was under way when the instance was last in memory: starts what had not started, goes on with what can go on,
/// makes the calls again that were in flight.
async fn recover(inner: &Arc<Inner>, mut living: Box<Living>) -> Option<Box<Living>> {
    let id = living.row.id;
    living.is_idle = false;
    if !living.idle_calls.is_empty() {
        let _mark = inner.at_work.mark(id);
        let now = inner.clock.now();
        let pending =
            rondo_machine::pending(&living.deployed.program, &living.snapshot, &living.context, now);
        for (call, effect) in pending {
            // Others were made by the turn that came before this.
            if !living.idle_calls.contains(&call) {
                continue;
            }
            match effect {
                Ok(effect) => apply::perform(inner, &living, effect),
                Err(failure) => inner.deliver(id, Delivery::input(Input::CallFailed { call, failure })),
            }
        }
        living.idle_calls = Vec::new();
    }
    let input = match () {
        () if living.snapshot.is_new() => Input::Start { at: None },
        () if living.snapshot.needs_turn() => Input::Tick,
        () => return Some(living),
    };
    apply(inner, living, &mut Heard::one(input), None).await
}
