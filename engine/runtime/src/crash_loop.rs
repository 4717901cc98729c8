//! Protection from crash loops: a file that outlives the process names the instances that are being worked on.
//!
//! A definition, its data, or the answer of a service may end the process, by taking all memory or by an abort in native code. If recovery
//! took up that instance at each start, it would end the process again and again. So a file beside the database names two kinds of
//! instances: those whose large answer is being read, and those that are being computed, are read from the database and have finished no
//! turn since. (An instance that was never stored, or has just finished a turn, does not repeat that turn at the next start, so it needs no
//! line.) The file is never synced, because what a process has written survives the end of the process.
//!
//! At the next start the named instances are *suspects*. They are computed one after the other, and from the second end of the process on
//! their calls are made one after the other too. That separates the cause from instances that were worked on at the same time by chance. A
//! suspect that was worked on at [`DEATHS`] ends of the process, without a finished turn in between, is not worked on again unless a client
//! asks for it.
//!
//! ```text
//! working 0198c0de-8f3c-7b1a-9f5e-2d6a3c1b4e70
//! suspect 0198c0de-8f3c-7b1a-9f5e-2d6a3c1b4e71 2
//! ```

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io::Read,
    os::unix::fs::FileExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;
use uuid::Uuid;

/// After so many ends of the process in a row an instance is not computed again. One end proves nothing, because other instances were
/// computed at the same time; the third happens while the suspect is computed alone.
pub(crate) const DEATHS: u32 = 3;

/// Bytes of a line.
const LINE: usize = 64;

/// The file, and the suspects that it names.
pub(crate) struct CrashLoop {
    /// `None` for a database in memory: nothing of it is taken up again after the process has ended.
    file: Option<File>,
    /// Lines of the file that can be used.
    free: Mutex<Free>,
    suspects: Mutex<HashMap<Uuid, Suspect>>,
    /// Whether there are suspects. Usually there are none, and then this saves taking the lock.
    has_suspects: AtomicBool,
    /// Held while a suspect is computed.
    turn_alone: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Free {
    lines: Vec<u64>,
    next: u64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Suspect {
    deaths: u32,
    line: u64,
}

/// A line of the file that says that an instance is being worked on; dropping the mark clears the line.
pub(crate) struct Mark {
    crash_loop: Arc<CrashLoop>,
    line: u64,
}

impl CrashLoop {
    /// Reads which instances were being worked on when the last process ended, and writes a new file with these suspects.
    pub(crate) fn open(path: Option<&Path>) -> std::io::Result<Arc<Self>> {
        let mut suspects = HashMap::new();
        let mut file = None;
        if let Some(path) = path {
            let mut opened = rondo_store::private_file().open(path)?;
            let mut text = Vec::new();
            opened.read_to_end(&mut text)?;
            suspects = read(&String::from_utf8_lossy(&text));
            opened.set_len(0)?;
            file = Some(opened);
        }
        let crash_loop = Self {
            file,
            free: Mutex::new(Free { lines: Vec::new(), next: suspects.len() as u64 }),
            has_suspects: AtomicBool::new(!suspects.is_empty()),
            suspects: Mutex::default(),
            turn_alone: tokio::sync::Mutex::default(),
        };
        for (id, suspect) in &suspects {
            tracing::warn!(instance_id = %id, deaths = suspect.deaths, "the process ended while this instance was worked on");
            crash_loop.write(suspect.line, &format!("suspect {id} {}", suspect.deaths));
        }
        *crash_loop.suspects.lock() = suspects;
        Ok(Arc::new(crash_loop))
    }

    /// Notes in the file that an instance is being worked on, until the mark is dropped; `None` without a file.
    pub(crate) fn mark(self: &Arc<Self>, id: Uuid) -> Option<Mark> {
        self.file.as_ref()?;
        let line = {
            let mut free = self.free.lock();
            free.lines.pop().unwrap_or_else(|| {
                free.next += 1;
                free.next - 1
            })
        };
        self.write(line, &format!("working {id}"));
        Some(Mark { crash_loop: Arc::clone(self), line })
    }

    /// At how many ends of the process in a row an instance was being worked on.
    pub(crate) fn deaths(&self, id: Uuid) -> u32 {
        if !self.has_suspects.load(Ordering::Relaxed) {
            return 0;
        }
        self.suspects.lock().get(&id).map_or(0, |suspect| suspect.deaths)
    }

    /// Waits until no other suspect is computed; none begins while the guard is held.
    pub(crate) async fn alone(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn_alone.lock().await
    }

    /// Removes an instance from the suspects, because a turn of it has been committed.
    pub(crate) fn has_finished(&self, id: Uuid) {
        if !self.has_suspects.load(Ordering::Relaxed) {
            return;
        }
        let mut suspects = self.suspects.lock();
        if let Some(suspect) = suspects.remove(&id) {
            self.write(suspect.line, "");
            self.has_suspects.store(!suspects.is_empty(), Ordering::Relaxed);
        }
    }

    /// Writes a line. A failed write is ignored: it costs the protection only, and the database reports a full or broken disk.
    fn write(&self, line: u64, text: &str) {
        let mut bytes = [b' '; LINE];
        bytes[LINE - 1] = b'\n';
        for (place, byte) in bytes.iter_mut().zip(text.bytes()) {
            *place = byte;
        }
        if let Some(file) = &self.file {
            let _ = file.write_all_at(&bytes, line * LINE as u64);
        }
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        self.crash_loop.write(self.line, "");
        self.crash_loop.free.lock().lines.push(self.line);
    }
}

/// The suspects of a file: the instances of its lines, with the end of the process that has just happened counted once.
fn read(text: &str) -> HashMap<Uuid, Suspect> {
    let mut deaths: HashMap<Uuid, u32> = HashMap::new();
    let mut working = HashSet::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (kind, id) = (words.next(), words.next().and_then(|id| id.parse().ok()));
        let Some(id) = id else { continue };
        match kind {
            Some("suspect") => {
                let number: u32 = words.next().and_then(|number| number.parse().ok()).unwrap_or(1);
                *deaths.entry(id).or_default() += number;
            }
            Some("working") => {
                working.insert(id);
            }
            _ => {}
        }
    }
    // An instance with several calls has several lines, but the process ended once.
    for id in working {
        *deaths.entry(id).or_default() += 1;
    }
    (0..).zip(deaths).map(|(line, (id, deaths))| (id, Suspect { deaths, line })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_that_was_computed_at_the_end_is_a_suspect_until_a_turn_is_finished() {
        let path = std::env::temp_dir().join(format!("rondo-turns-{}", std::process::id()));
        let (cause, other, done) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
        for deaths in 0..4 {
            let crash_loop = CrashLoop::open(Some(&path)).unwrap();
            assert_eq!(crash_loop.deaths(cause), deaths);
            assert_eq!(crash_loop.deaths(other), u32::from(deaths > 0));
            assert_eq!(crash_loop.deaths(done), 0);
            crash_loop.has_finished(other);
            drop(crash_loop.mark(done));
            // The process ends here.
            std::mem::forget(crash_loop.mark(cause));
            std::mem::forget(crash_loop.mark(cause));
            std::mem::forget(crash_loop.mark(other));
        }
        assert!(std::fs::read_to_string(&path).unwrap().contains("suspect"));
        std::fs::remove_file(path).unwrap();
    }
}
