//! The Python processes of the engine.
//!
//! Promises: no more processes run than the settings allow; a process that answered serves the next call with the same search path, so that
//! projects may have different modules of one name; a process that did not answer is ended. Never: starts a process before a call needs one.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::{PythonSettings, worker::Worker};
use crate::error::CallErrorKind;

/// Python processes, started on demand.
pub(crate) struct Pool {
    settings: PythonSettings,
    places: Semaphore,
    /// Idle processes, each with the search path of its calls; the longest idle one comes first.
    idle: Mutex<Vec<(Vec<String>, Worker)>>,
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

    /// Sends a line to a process and returns its answer, within `timeout` or that of the settings. The time during which all processes are busy
    /// with other calls does not count. `path` is the search path in the line.
    pub(crate) async fn ask(
        &self,
        line: String,
        path: Vec<String>,
        timeout: Option<Duration>,
    ) -> Result<Vec<u8>, CallErrorKind> {
        // The semaphore is never closed.
        let _place = self.places.acquire().await;
        let mut worker = match self.idle_worker(&path) {
            Some(worker) => worker,
            None => Worker::start(&self.settings)?,
        };
        let timeout = timeout.unwrap_or(self.settings.timeout);
        let asked = worker.ask(line.as_bytes(), self.settings.max_output_bytes);
        // Dropping a worker ends its process.
        let answer =
            tokio::time::timeout(timeout, asked).await.map_err(|_| CallErrorKind::Timeout(timeout))??;
        self.idle.lock().push((path, worker));
        Ok(answer)
    }

    /// An idle process with this search path. Removes processes that have ended; if none fits, ends idle processes of other paths to make room
    /// for a new one.
    fn idle_worker(&self, path: &[String]) -> Option<Worker> {
        let mut idle = self.idle.lock();
        idle.retain_mut(|(_, worker)| worker.is_alive());
        if let Some(at) = idle.iter().rposition(|(of_worker, _)| of_worker == path) {
            return Some(idle.remove(at).1);
        }
        // The caller itself holds one of the places.
        let busy = self.settings.processes.saturating_sub(self.places.available_permits());
        let most = self.settings.processes.saturating_sub(busy);
        let surplus = idle.len().saturating_sub(most);
        idle.drain(..surplus);
        None
    }
}
