//! Threads that read, each with a connection of its own, fed from one queue.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc},
    thread::{Builder, JoinHandle},
};

use parking_lot::Mutex;
use rusqlite::Connection;

/// Something to read. It answers by itself.
pub(super) type Task = Box<dyn FnOnce(&Connection) + Send>;

/// The queue's entrance.
#[derive(Debug)]
pub(super) struct Readers {
    queue: mpsc::Sender<Option<Task>>,
    threads: usize,
}

impl Readers {
    /// Starts a thread for each connection. The threads end when they are asked to stop, or when the queue is dropped.
    pub(super) fn spawn(
        name: &str,
        connections: Vec<Connection>,
        threads: &mut Vec<JoinHandle<()>>,
    ) -> std::io::Result<Self> {
        let (queue, tasks) = mpsc::channel();
        let tasks = Arc::new(Mutex::new(tasks));
        let count = connections.len();
        for connection in connections {
            let tasks = Arc::clone(&tasks);
            threads.push(Builder::new().name(name.to_owned()).spawn(move || run(&connection, &tasks))?);
        }
        Ok(Self { queue, threads: count })
    }

    /// Hands a task to the next free thread. After [`Readers::stop`] it is dropped.
    pub(super) fn send(&self, task: Task) {
        drop(self.queue.send(Some(task)));
    }

    /// Ends the threads after what is waiting.
    pub(super) fn stop(&self) {
        for _ in 0..self.threads {
            drop(self.queue.send(None));
        }
    }
}

fn run(connection: &Connection, tasks: &Mutex<mpsc::Receiver<Option<Task>>>) {
    loop {
        // The thread that is next holds the lock while it waits, and gives it up before it runs the task.
        let task = tasks.lock().recv();
        match task {
            Ok(Some(task)) => run_task(connection, task),
            Ok(None) | Err(_) => return,
        }
    }
}

/// Runs a task. One that panics is not answered, and must not end the thread that others need; the panic is in the log already.
pub(super) fn run_task(connection: &Connection, task: Task) {
    let _ = catch_unwind(AssertUnwindSafe(|| task(connection)));
}
