//! The Python processes of the engine.
//!
//! Promises: no more processes than the settings say; a process that answered serves the next call, and one that did not is ended. Never:
//! starts a process before code is to be run.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::{PythonSettings, worker::Worker};
use crate::error::CallErrorKind;

/// Python processes, started when they are needed.
pub(crate) struct Pool {
    settings: PythonSettings,
    places: Semaphore,
    idle: Mutex<Vec<Worker>>,
}

impl Pool {
    /// A pool without processes.
    pub(crate) fn new(settings: PythonSettings) -> Self {
        let places = Semaphore::new(settings.processes);
        Self { settings, places, idle: Mutex::default() }
    }

    pub(crate) fn settings(&self) -> &PythonSettings {
        &self.settings
    }

    /// Has a process answer a line, within the time of the settings or another one. The time for which all processes are busy with other
    /// calls does not count.
    pub(crate) async fn ask(
        &self,
        line: String,
        timeout: Option<Duration>,
    ) -> Result<Vec<u8>, CallErrorKind> {
        // The semaphore is never closed.
        let _place = self.places.acquire().await;
        let mut worker = match self.idle_worker() {
            Some(worker) => worker,
            None => Worker::start(&self.settings)?,
        };
        let timeout = timeout.unwrap_or(self.settings.timeout);
        let asked = worker.ask(line.as_bytes(), self.settings.max_output_bytes);
        // A worker that is dropped ends its process.
        let answer =
            tokio::time::timeout(timeout, asked).await.map_err(|_| CallErrorKind::Timeout(timeout))??;
        self.idle.lock().push(worker);
        Ok(answer)
    }

    /// A process that waits for work. One that ended meanwhile is forgotten.
    fn idle_worker(&self) -> Option<Worker> {
        let mut idle = self.idle.lock();
        while let Some(mut worker) = idle.pop() {
            if worker.is_alive() {
                return Some(worker);
            }
        }
        None
    }
}
