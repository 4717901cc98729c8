//! Sends the events of the outbox, until the engine stops.
//!
//! Owns: one sender for each channel that has events; `channel_sender` does its work. Promises: a channel whose sink hangs or is gone holds
//! up no other channel. There are as many senders as channels were configured, and each has a bound of its own.

use std::{collections::BTreeMap, sync::Arc};

use tokio::{
    sync::Notify,
    task::{AbortHandle, JoinSet},
};

use crate::{
    channel_sender::ChannelSender,
    executor::{Executor, STORE_PAUSE},
};

/// The senders by the names of their channels. Dropping it ends them.
#[derive(Default)]
struct Senders {
    tasks: JoinSet<()>,
    by_channel: BTreeMap<String, Running>,
}

/// A sender that was started.
struct Running {
    task: AbortHandle,
    /// Says that its channel has something to send.
    changed: Arc<Notify>,
}

/// Sends events until the engine stops.
pub(crate) async fn run(executor: Arc<Executor>) {
    let mut senders = Senders::default();
    loop {
        let is_read = senders.wake(&executor).await;
        // What waits to be sent is bounded, so it is looked at whenever there is more.
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
    /// Wakes the senders of the channels that have something to send now, and starts those that there are not yet. Says whether the
    /// database could be asked.
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
                    // One that is due later has its sender waiting for the moment.
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
