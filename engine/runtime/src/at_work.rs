//! Which instances are being computed right now, in a file that outlives the process.
//!
//! Something in a definition or its data may end the process: memory that runs out, an abort in native code. Taken up
//! again at each start it would end it again and again. So a file beside the database names who is being computed, of those that came
//! from the database and have finished no turn since: what was never stored, or has just finished a turn, comes back otherwise, and
//! costs nothing here. The file is never synced: what the process wrote survives its end. At the next start the named ones are
//! *suspects*: they are computed one after the other, so that the guilty one is told from those that just happened to be at work, and one that has
//! been there at [`DEATHS`] ends of the process, without a turn finished in between, is not computed again unless somebody asks.
//!
//! ```text
//! working 0198c0de-8f3c-7b1a-9f5e-2d6a3c1b4e70
//! suspect 0198c0de-8f3c-7b1a-9f5e-2d6a3c1b4e71 2
//! ```

use std::{
    collections::HashMap,
    fs::File,
    io::Read,
    os::unix::fs::FileExt,
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use uuid::Uuid;

/// At so many ends of the process in a row an instance was being computed, and so it is not computed again.
pub(crate) const DEATHS: u32 = 3;

/// Bytes of a line.
const LINE: usize = 64;

/// The file, and what it says.
pub(crate) struct AtWork {
    /// `None` for a database in memory, which does not outlive the process either.
    file: Option<File>,
    /// Lines that say nothing.
    free: Mutex<Free>,
    suspects: Mutex<HashMap<Uuid, Suspect>>,
    /// Whether there are suspects, which is hardly ever so.
    suspicious: AtomicBool,
    /// Held while a suspect is dealt with.
    alone: tokio::sync::Mutex<()>,
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

/// As long as it lives, the file says that an instance is being computed.
pub(crate) struct Mark<'a> {
    at_work: &'a AtWork,
    line: u64,
}

impl AtWork {
    /// Reads who was being computed when the process ended, and begins a new file.
    pub(crate) fn open(path: Option<&Path>) -> std::io::Result<Self> {
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
        let at_work = Self {
            file,
            free: Mutex::new(Free { lines: Vec::new(), next: suspects.len() as u64 }),
            suspicious: AtomicBool::new(!suspects.is_empty()),
            suspects: Mutex::default(),
            alone: tokio::sync::Mutex::default(),
        };
        for (id, suspect) in &suspects {
            tracing::warn!(instance_id = %id, deaths = suspect.deaths, "the process ended while this instance was computed");
            at_work.write(suspect.line, &format!("suspect {id} {}", suspect.deaths));
        }
        *lock(&at_work.suspects) = suspects;
        Ok(at_work)
    }

    /// Notes that an instance is being computed.
    pub(crate) fn mark(&self, id: Uuid) -> Option<Mark<'_>> {
        self.file.as_ref()?;
        let line = {
            let mut free = lock(&self.free);
            free.lines.pop().unwrap_or_else(|| {
                free.next += 1;
                free.next - 1
            })
        };
        self.write(line, &format!("working {id}"));
        Some(Mark { at_work: self, line })
    }

    /// At how many ends of the process in a row an instance was being computed.
    pub(crate) fn deaths(&self, id: Uuid) -> u32 {
        if !self.suspicious.load(Ordering::Relaxed) {
            return 0;
        }
        lock(&self.suspects).get(&id).map_or(0, |suspect| suspect.deaths)
    }

    /// Lets suspects be dealt with one after the other.
    pub(crate) async fn alone(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.alone.lock().await
    }

    /// A turn of an instance has been committed: it is no suspect.
    pub(crate) fn has_finished(&self, id: Uuid) {
        if !self.suspicious.load(Ordering::Relaxed) {
            return;
        }
        let mut suspects = lock(&self.suspects);
        if let Some(suspect) = suspects.remove(&id) {
            self.write(suspect.line, "");
            self.suspicious.store(!suspects.is_empty(), Ordering::Relaxed);
        }
    }

    /// A disk that takes nothing is told of by the database; here it only costs the protection.
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

impl Drop for Mark<'_> {
    fn drop(&mut self) {
        self.at_work.write(self.line, "");
        lock(&self.at_work.free).lines.push(self.line);
    }
}

/// The suspects that a file tells of.
fn read(text: &str) -> HashMap<Uuid, Suspect> {
    let mut deaths: HashMap<Uuid, u32> = HashMap::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (kind, id) = (words.next(), words.next().and_then(|id| id.parse().ok()));
        let Some(id) = id else { continue };
        let number = match kind {
            Some("suspect") => words.next().and_then(|number| number.parse().ok()).unwrap_or(1),
            Some("working") => 1,
            _ => continue,
        };
        *deaths.entry(id).or_default() += number;
    }
    (0..).zip(deaths).map(|(line, (id, deaths))| (id, Suspect { deaths, line })).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_computed_at_the_end_is_a_suspect_until_a_turn_is_finished() {
        let path = std::env::temp_dir().join(format!("rondo-turns-{}", std::process::id()));
        let (guilty, bystander, done) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
        for deaths in 0..4 {
            let at_work = AtWork::open(Some(&path)).unwrap();
            assert_eq!(at_work.deaths(guilty), deaths);
            assert_eq!(at_work.deaths(bystander), u32::from(deaths > 0));
            assert_eq!(at_work.deaths(done), 0);
            at_work.has_finished(bystander);
            drop(at_work.mark(done));
            // The process ends here.
            std::mem::forget(at_work.mark(guilty));
            std::mem::forget(at_work.mark(bystander));
        }
        assert!(std::fs::read_to_string(&path).unwrap().contains("suspect"));
        std::fs::remove_file(path).unwrap();
    }
}
