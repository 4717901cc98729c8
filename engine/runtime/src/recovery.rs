//! Takes up what was under way when the engine stopped, however it stopped.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::{
    engine::Inner,
    registry::{Delivery, Signal},
};

/// How many instances are taken up at once.
const AT_ONCE: usize = 64;

/// How many ids are read at once.
const PAGE: usize = 1024;

/// Goes through the instances that had work in flight, and the mailboxes that were not emptied. Sleeping instances are
/// not looked at: the timers find them.
pub(crate) async fn run(inner: Arc<Inner>) {
    let at_once = Arc::new(Semaphore::new(AT_ONCE));
    let mut after = None;
    loop {
        let page = match inner.store.busy(after, PAGE).await {
            Ok(page) => page,
            Err(error) => {
                tracing::error!(%error, "the instances that were under way cannot be read");
                return;
            }
        };
        after = page.last().copied();
        let last = page.len() < PAGE;
        for id in page {
            // What is here already was started after the engine was, and needs no recovery.
            if inner.registry.is_here(id) {
                continue;
            }
            let Ok(permit) = Arc::clone(&at_once).acquire_owned().await else { return };
            tracing::info!(instance_id = %id, "taking up an instance that was under way");
            inner.deliver(id, Delivery::signal(Signal::Recover).with_permit(permit));
        }
        if last {
            break;
        }
    }
    match inner.store.mailboxes().await {
        Ok(owners) => owners.into_iter().for_each(|id| inner.deliver_mailbox(id, None)),
        Err(error) => tracing::error!(%error, "the mailboxes cannot be read"),
    }
}
