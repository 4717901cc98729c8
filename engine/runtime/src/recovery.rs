//! Resumes the instances that were under way when the engine stopped or the process ended.

use std::{fmt::Display, sync::Arc};

use tokio::sync::Semaphore;

use crate::{
    delivery::{Delivery, Signal},
    executor::{Executor, STORE_PAUSE},
};

/// How many instances are resumed at once: enough to fill a transaction of the database, and few enough that new requests get their turns
/// in between.
const AT_ONCE: usize = 64;

/// How many ids are read at once.
const PAGE: usize = 1024;

/// Resumes the instances that had work in flight, and those with messages in their mailboxes. Leaves sleeping instances to the timers.
pub(crate) async fn run(executor: Arc<Executor>) {
    let at_once = Arc::new(Semaphore::new(AT_ONCE));
    let mut after = None;
    loop {
        let page = match executor.store.busy(after, PAGE).await {
            Ok(page) => page,
            Err(error) => {
                if try_again(&executor, "the instances that were under way cannot be read", &error).await {
                    continue;
                }
                return;
            }
        };
        after = page.last().copied();
        let is_last = page.len() < PAGE;
        for id in page {
            // An instance that is being worked on was started or woken since the engine started, and needs no recovery.
            if executor.dispatcher.is_here(id) {
                continue;
            }
            let Ok(permit) = Arc::clone(&at_once).acquire_owned().await else { return };
            tracing::info!(instance_id = %id, "resuming an instance that was under way");
            executor.dispatcher.deliver(id, Delivery::signal(Signal::Recover).with_permit(permit));
        }
        if is_last {
            break;
        }
    }
    loop {
        match executor.store.mailboxes().await {
            Ok(owners) => {
                for id in owners {
                    executor.dispatcher.deliver_mailbox(id, None);
                }
                return;
            }
            Err(error) => {
                if !try_again(&executor, "the mailboxes cannot be read", &error).await {
                    return;
                }
            }
        }
    }
}

/// Logs the error and waits for a pause. Returns `false` if the engine stops.
async fn try_again(executor: &Executor, what: &str, error: &(dyn Display + Sync)) -> bool {
    if executor.is_stopping() {
        return false;
    }
    tracing::error!(%error, "{what}; trying again");
    tokio::select! {
        () = executor.clock.sleep(STORE_PAUSE) => true,
        () = executor.stopping() => false,
    }
}
