//! Sends the events of the outbox until the engine stops.
//!
//! Owns: one sender (`channel_sender`) for each channel that has events. Promises: a channel whose sink hangs or is gone holds up no other
//! channel. There is at most one sender for each channel with rows in the outbox, and each sender has a bound of its own.

use std::{collections::BTreeMap, sync::Arc};

use tokio::{
    sync::Notify,
    task::{AbortHandle, JoinSet},
};

use crate::{
    channel_sender::ChannelSender,
    executor::{Executor, STORE_PAUSE},
};

/// The senders by the names of their channels. Dropping this ends them.
#[derive(Default)]
struct Senders {
    tasks: JoinSet<()>,
    by_channel: BTreeMap<String, Running>,
}

/// A sender that was started.
struct Running {
    task: AbortHandle,
    /// Is notified of new events for the channel.
    changed: Arc<Notify>,
}

/// Sends events until the engine stops.
pub(crate) async fn run(executor: Arc<Executor>) {
    let mut senders = Senders::default();
    loop {
        let is_read = senders.wake(&executor).await;
        // The number of rows is bounded (rondo.events.max-outbox), so it is counted again after each change.
        let _ = executor.look_at_events().await;
        tokio::select! {
            () = executor.outbox_changed.notified() => {}
            () = executor.clock.sleep(STORE_PAUSE), if !is_read => {}
            Some(_) = senders.tasks.join_next() => {
                tracing::error!("the sender of a channel has ended by a defect of the engine; it is started again");
                executor.clock.sleep(STORE_PAUSE).await;
            }
            () = executor.stopping() => return,
        }
    }
}

impl Senders {
    /// Notifies the senders of the channels that have events to send now, and starts missing senders. Returns whether the database could be
    /// read.
    async fn wake(&mut self, executor: &Arc<Executor>) -> bool {
        let channels = match executor.store.outbox_channels().await {
            Ok(channels) => channels,
            Err(error) => {
                tracing::error!(%error, "the outbox cannot be read; trying again");
                return false;
            }
        };
        let now = executor.clock.now();
        for channel in channels {
            match self.by_channel.get(&channel.name) {
                Some(running) if !running.task.is_finished() => {
                    // If the next attempt is due later, the sender sleeps until then by itself.
                    if channel.next_at <= now {
                        running.changed.notify_one();
                    }
                }
                _ => {
                    let changed = Arc::new(Notify::new());
                    let sender =
                        ChannelSender::new(Arc::clone(executor), channel.name.clone(), Arc::clone(&changed));
                    let task = self.tasks.spawn_on(sender.run(), executor.call_threads.handle());
                    self.by_channel.insert(channel.name, Running { task, changed });
                }
            }
        }
        true
    }
}
